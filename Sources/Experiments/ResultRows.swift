// The rows of a `summary.csv` or `sweep.csv` read again: figures by setting, as two results of different runs, versions or
// machines have them in common.

/// Why a table of results cannot be read.
public struct ResultRowsFault: Error, Sendable, Hashable {
  /// The line, from 1.
  public var line: Int
  /// What is wrong; what was expected.
  public var reason: String
}

/// The figures of a result, by setting and replication.
public struct ResultRows: Sendable, Hashable {
  /// One replication.
  public struct Row: Sendable, Hashable {
    /// Its number.
    public var replication: Int
    /// Its seed.
    public var seed: String
    /// Its figures' cells, in the order of `metrics`.
    public var cells: [String]
  }

  /// A variant, in a sweep in one cell of the grid.
  public struct Setting: Sendable, Hashable {
    /// The variant's name, behind the cell's values if there are any: `rate=100/s, peakEwma`.
    public var name: String
    /// Its replications, by number.
    public var rows: [Row]
  }

  /// The figures' columns, in the order of the file.
  public var metrics: [String]
  /// The settings, in the order of the file.
  public var settings: [Setting]

  private static let keys = ["scenario", "variant", "replication", "seed"]

  /// The rows of a table, whose swept paths, if any, stand before `scenario`.
  ///
  /// - Throws: `ResultRowsFault` at the first line that is no such row.
  public init(_ bytes: [UInt8]) throws(ResultRowsFault) {
    var table = CommaSeparatedTable(bytes)
    let columns = table.columns
    let starts = columns.indices.filter { columns[$0...].starts(with: Self.keys) }
    guard let start = starts.first else {
      throw ResultRowsFault(
        line: 1, reason: "no columns \(Self.keys.joined(separator: ", ")); expected a summary.csv or sweep.csv of weir")
    }
    let metrics = Array(columns[(start + Self.keys.count)...])
    self.metrics = metrics
    if let twice = metrics.indices.first(where: { metrics[..<$0].contains(metrics[$0]) }) {
      throw ResultRowsFault(line: 1, reason: "column \(metrics[twice]) stands there twice; expected it once")
    }
    settings = []
    var places: [String: Int] = [:]
    var known: Set<String> = []
    while let cells = table.next() {
      if cells.count != columns.count {
        throw ResultRowsFault(
          line: table.line, reason: "\(cells.count) cells; expected \(columns.count), one for each column")
      }
      let values = zip(columns[..<start], cells).map { "\($0)=\($1)" }
      let name = (values + [cells[start + 1]]).joined(separator: ", ")
      let row = try Self.row(cells, start, metrics, line: table.line)
      let place = places[name] ?? settings.count
      if place == settings.count {
        places[name] = place
        settings.append(Setting(name: name, rows: []))
      }
      if !known.insert("\(place) \(row.replication)").inserted {
        throw ResultRowsFault(
          line: table.line, reason: "a second row of \(name), replication \(row.replication); expected one")
      }
      settings[place].rows.append(row)
    }
    for place in settings.indices { settings[place].rows.sort { $0.replication < $1.replication } }
  }

  private static func row(
    _ cells: [String], _ start: Int, _ metrics: [String], line: Int
  ) throws(ResultRowsFault) -> Row {
    guard let replication = Int(cells[start + 2]), replication >= 0 else {
      throw ResultRowsFault(line: line, reason: "replication '\(cells[start + 2])'; expected a whole number from 0")
    }
    let figures = Array(cells[(start + keys.count)...])
    for (metric, cell) in zip(metrics, figures) where !cell.isEmpty && Double(cell)?.isFinite != true {
      throw ResultRowsFault(line: line, reason: "\(metric) '\(cell)'; expected a number or nothing")
    }
    return Row(replication: replication, seed: cells[start + 3], cells: figures)
  }
}
