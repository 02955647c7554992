// CSV as in RFC 4180: commas, one header row, quotes around cells that need them, doubled inside. Rows end in a line feed alone,
// as `git diff`, `cut` and every CSV reader expect; that is the one liberty taken.
//
// Numbers are `DecimalNumber`s of 12 significant digits: the same bytes on every machine.

import Experiments

/// A cell of a row.
enum CSVCell {
  /// Text, quoted where needed.
  case text(String)
  /// A count.
  case count(Int64)
  /// A seed or another unsigned number.
  case unsigned(UInt64)
  /// A figure; an empty cell when there is none.
  case figure(Double?)
  /// A p-value.
  case probability(Double?)
  /// A length of time, given in nanoseconds and written in milliseconds.
  case milliseconds(Double?)
  /// A length of time, given in nanoseconds and written in seconds.
  case seconds(Double?)
  /// What does not apply.
  case empty

  /// The cell as it stands in the file.
  var text: String {
    switch self {
    case .text(let text): Self.quoted(text)
    case .count(let number): String(number)
    case .unsigned(let number): String(number)
    case .figure(let value): value.map { DecimalNumber($0).text } ?? ""
    case .probability(let value):
      value.map { DecimalNumber($0, significantDigits: DecimalNumber.probabilityDigits).text } ?? ""
    case .milliseconds(let value): value.map { DecimalNumber($0 / 1e6).text } ?? ""
    case .seconds(let value): value.map { DecimalNumber($0 / 1e9).text } ?? ""
    case .empty: ""
    }
  }

  private static func quoted(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { byte in
      byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n")
        || byte == UInt8(ascii: "\r")
    }
    guard needsQuotes || text.first == " " || text.last == " " else { return text }
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Writes rows, holding back at most 64 KiB.
struct CSVWriter {
  private var buffer: [UInt8] = []
  private let columns: Int
  private let emit: ([UInt8]) throws -> Void

  /// A table whose header is written first; what is to be written goes to `emit`, piece by piece.
  init(columns: [String], emit: @escaping ([UInt8]) throws -> Void) throws {
    self.columns = columns.count
    self.emit = emit
    try row(columns.map { .text($0) })
  }

  /// Writes a row of as many cells as there are columns.
  mutating func row(_ cells: [CSVCell]) throws {
    precondition(cells.count == columns, "a row has a cell for each column")
    for (place, cell) in cells.enumerated() {
      if place > 0 { buffer.append(UInt8(ascii: ",")) }
      buffer.append(contentsOf: cell.text.utf8)
    }
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= 65_536 { try flush() }
  }

  /// Writes what has been held back.
  mutating func flush() throws {
    if !buffer.isEmpty { try emit(buffer) }
    buffer.removeAll(keepingCapacity: true)
  }
}
