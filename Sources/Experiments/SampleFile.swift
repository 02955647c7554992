// A column of measured latencies, whose name says their unit.

import MeshConfiguration

enum SampleFile {
  /// The values of `column` in nanoseconds, sorted upwards.
  static func values(_ table: CommaSeparatedTable, column: String) throws(FileFault) -> [Double] {
    let units: [(suffix: String, nanoseconds: Double)] = [("_ns", 1), ("_us", 1e3), ("_ms", 1e6), ("_s", 1e9)]
    var table = table
    guard let place = table.columns.firstIndex(of: column) else {
      let hint = Suggestion.closest(to: column, among: table.columns).map { "; did you mean '\($0)'?" } ?? ""
      throw FileFault(
        reason:
          "no column \(quoted(column)); expected one of \(table.columns.prefix(20).joined(separator: ", "))\(hint)")
    }
    guard let unit = units.first(where: { column.hasSuffix($0.suffix) })?.nanoseconds else {
      throw FileFault(reason: "column \(quoted(column)) has no unit; expected a name that ends in _ns, _us, _ms or _s")
    }
    var values: [Double] = []
    while let cells = table.next() {
      let text = place < cells.count ? cells[place] : ""
      guard let value = try? Quantity.number(text), value >= 0, value * unit <= 3e18 else {
        throw FileFault(reason: "line \(table.line): \(column) is \(quoted(text)); expected a number from 0")
      }
      if values.count == NamedFiles.rowLimit { throw NamedFiles.tooManyRows }
      values.append(value * unit)
    }
    if values.isEmpty { throw FileFault(reason: "no row; expected at least one value") }
    values.sort()
    return values
  }
}
