// A CSV file of a result folder as the report reads it: by the names of its columns, so that files of earlier and later versions do as
// well, with every cell checked and every fault said in one line.

import Experiments

/// Rows of a result file, one after another.
struct ReportTable {
  let path: String
  private var table: CommaSeparatedTable
  private let scenarioPlace: Int
  /// The scenario that the rows so far are of.
  private(set) var scenario: String?

  /// The file called `name` in `folder`, which must have `columns` besides `scenario` and may have others; nil when there is none.
  /// - Throws: `SystemError` when it cannot be read or lacks a column.
  init?(_ name: String, in folder: String, columns: [String]) throws {
    path = "\(folder)/\(name)"
    guard let bytes = try Self.bytes(path) else { return nil }
    let table = CommaSeparatedTable(bytes)
    let wanted = ["scenario"] + columns
    if let missing = wanted.first(where: { !table.columns.contains($0) }) {
      throw SystemError(
        path: path, reason: "has no column '\(missing)'; expected the columns \(wanted.joined(separator: ", "))")
    }
    self.table = table
    scenarioPlace = table.columns.lastIndex(of: "scenario") ?? 0
  }

  /// The bytes of the file at `path`; nil when there is none.
  /// - Throws: `SystemError`.
  static func bytes(_ path: String) throws -> [UInt8]? {
    do {
      return try ExistingFile(path).bytesIfAny()
    } catch let error as SystemError where !error.reason.contains("expected") {
      throw SystemError(path: path, reason: "cannot be read (\(error.reason)); expected a result file")
    }
  }

  /// The names of all columns.
  var columns: [String] { table.columns }

  /// Where the column called `name` is; nil when there is none. The paths of a sweep stand before all others and may have any name.
  func placeIfAny(_ name: String) -> Int? { table.columns.lastIndex(of: name) }

  /// Where the column called `name` is, one of those that there must be.
  func place(_ name: String) -> Int { placeIfAny(name) ?? 0 }

  /// The next row; nil at the end.
  /// - Throws: `SystemError` when it has another number of cells, or is of another scenario than the rows before.
  mutating func next() throws -> ReportRow? {
    guard let cells = table.next() else { return nil }
    let row = ReportRow(path: path, line: table.line, columns: table.columns, cells: cells)
    if cells.count != table.columns.count {
      throw row.fault("\(cells.count) cells; expected \(table.columns.count), one a column")
    }
    let own = cells[scenarioPlace]
    if let scenario, scenario != own {
      throw row.fault("is of scenario '\(own)'; expected '\(scenario)' as in the rows before")
    }
    scenario = own
    return row
  }
}

/// A row of a result file.
struct ReportRow {
  let path: String
  /// From 1.
  let line: Int
  let columns: [String]
  let cells: [String]

  /// The text at `place`.
  func text(_ place: Int) -> String { cells[place] }

  /// The number at `place`; nil for an empty cell.
  /// - Throws: `SystemError`.
  func number(_ place: Int) throws -> Double? {
    let text = cells[place]
    if text.isEmpty { return nil }
    // What is larger than anything that is measured is a slip, and would not fit any scale.
    guard let value = Double(text), value.magnitude < 1e15 else {
      throw fault("\(columns[place]): '\(Markup.shortened(text, to: 40))' is no figure; expected a number")
    }
    return value
  }

  /// The number at `place`, where there must be one.
  /// - Throws: `SystemError`.
  func figure(_ place: Int) throws -> Double {
    guard let value = try number(place) else { throw fault("\(columns[place]): empty; expected a number") }
    return value
  }

  /// What is wrong with this row, in one line.
  func fault(_ reason: String) -> SystemError {
    let words = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    return SystemError(path: path, reason: "line \(line): \(words)")
  }
}

/// Names in the order in which they came, each with its number.
struct ReportNames: Sendable {
  private(set) var names: [String] = []
  private var numbers: [String: Int] = [:]

  /// The number of `name`, from 0: a new one when it is new.
  mutating func number(of name: String) -> Int {
    if let known = numbers[name] { return known }
    numbers[name] = names.count
    names.append(name)
    return names.count - 1
  }

  /// The number of `name`; nil when it never came.
  func known(_ name: String) -> Int? { numbers[name] }
}
