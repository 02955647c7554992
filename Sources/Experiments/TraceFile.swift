// A recorded trace: when each request was wanted, and optionally what it was.

import MeshConfiguration
import MeshCore
import Simulation

enum TraceFile {
  private static let known = ["time_s", "target", "method", "path", "key", "demand_ms", "size_bytes"]

  /// The rows of a trace, whose times have to be in order.
  static func rows(_ table: CommaSeparatedTable) throws(FileFault) -> [TraceRow] {
    var table = table
    var places: [Int?] = []
    for (place, column) in table.columns.enumerated() where !known.contains(column) {
      let hint = Suggestion.closest(to: column, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw FileFault(
        reason:
          "line 1: unknown column \(quoted(column)) (number \(place + 1)); expected \(known.joined(separator: ", "))\(hint)"
      )
    }
    for (place, column) in table.columns.enumerated() where table.columns[..<place].contains(column) {
      throw FileFault(reason: "line 1: column \(quoted(column)) a second time (number \(place + 1)); expected it once")
    }
    for name in known { places.append(table.columns.firstIndex(of: name)) }
    if places[0] == nil { throw FileFault(reason: "line 1: no column time_s; expected one") }
    var rows: [TraceRow] = []
    var last = Timestamp.zero
    while let cells = table.next() {
      func text(_ column: Int) -> String? {
        guard let place = places[column], place < cells.count, !cells[place].isEmpty else { return nil }
        return cells[place]
      }
      func number(_ column: Int) throws(FileFault) -> Double? {
        guard let text = text(column) else { return nil }
        guard let value = try? Quantity.number(text), value >= 0, value < 3e9 * (column == 5 ? 1e3 : 1e6) else {
          throw FileFault(reason: "line \(table.line): \(known[column]) is \(quoted(text)); expected a number from 0")
        }
        return value
      }
      if cells.count > table.columns.count {
        throw FileFault(
          reason: "line \(table.line): \(cells.count) cells; expected \(table.columns.count)")
      }
      guard let seconds = try number(0), seconds < 3e9 else {
        throw FileFault(reason: "line \(table.line): no time_s; expected seconds from the start")
      }
      let time = Timestamp(nanoseconds: Int64((seconds * 1e9).rounded()))
      if time < last {
        throw FileFault(
          reason: "line \(table.line): time_s \(text(0) ?? "") is before the line above; expected times in order")
      }
      last = time
      if rows.count == NamedFiles.rowLimit { throw NamedFiles.tooManyRows }
      rows.append(
        TraceRow(
          time: time, target: text(1), method: text(2), path: text(3), key: text(4),
          demand: try number(5).map { TimeSpan(nanoseconds: Int64(($0 * 1e6).rounded())) },
          size: try number(6).map { Int64($0) }))
    }
    if rows.isEmpty { throw FileFault(reason: "no row; expected at least one request") }
    return rows
  }
}
