// CSV as RFC 4180 has it, read row by row: one header row, cells possibly in quotes, lines ended by LF or CR LF.

/// A CSV file: the names of its columns, and its rows one after another.
public struct CommaSeparatedTable {
  private let bytes: [UInt8]
  private var place = 0
  /// The line, from 1, on which the last row read begins.
  public private(set) var line = 0
  private var nextLine = 1
  /// The names of the columns; none when the file is empty.
  public private(set) var columns: [String] = []

  /// The table in `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
    columns = next() ?? []
  }

  /// The next row's cells, of whatever number; nil at the end. Empty lines are passed over.
  public mutating func next() -> [String]? {
    while place < bytes.count {
      line = nextLine
      let cells = row()
      if cells.count > 1 || cells[0] != "" { return cells }
    }
    return nil
  }

  private mutating func row() -> [String] {
    var cells: [String] = []
    while true {
      cells.append(cell())
      if place >= bytes.count { return cells }
      let byte = bytes[place]
      place += 1
      if byte == UInt8(ascii: ",") { continue }
      if byte == UInt8(ascii: "\r"), place < bytes.count, bytes[place] == UInt8(ascii: "\n") { place += 1 }
      nextLine += 1
      return cells
    }
  }

  private mutating func cell() -> String {
    func isEnd(_ byte: UInt8) -> Bool { byte == 0x2c || byte == 0x0a || byte == 0x0d }
    let start = place
    if place < bytes.count, bytes[place] == UInt8(ascii: "\"") {
      var text: [UInt8] = []
      place += 1
      while place < bytes.count {
        let byte = bytes[place]
        place += 1
        if byte == UInt8(ascii: "\n") { nextLine += 1 }
        if byte != UInt8(ascii: "\"") {
          text.append(byte)
        } else if place < bytes.count, bytes[place] == byte {
          text.append(byte)
          place += 1
        } else {
          break
        }
      }
      while place < bytes.count, !isEnd(bytes[place]) { place += 1 }
      return String(decoding: text, as: UTF8.self)
    }
    while place < bytes.count, !isEnd(bytes[place]) { place += 1 }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }
}
