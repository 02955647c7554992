// `sweep.csv` as read: cells of a grid, and along which scales their values lie.

import Experiments

/// One swept path and its values.
struct ReportSweepAxis: Sendable {
  /// The path in the scenario.
  let path: String
  /// Its different values, as written: numbers upwards, words in the order of the file.
  let labels: [String]
  /// The numbers that they are, all in `unit`; nil when they are words.
  let numbers: [Double]?
  /// Such as `/s`; empty for none.
  let unit: String

  /// The axis of `path` with these values, of which each may come several times.
  init(path: String, values: [String]) {
    var known = ReportNames()
    for value in values { _ = known.number(of: value) }
    self.path = path
    guard let read = Self.quantities(known.names) else {
      labels = known.names
      numbers = nil
      unit = ""
      return
    }
    let order = known.names.indices.sorted { (read.numbers[$0], $0) < (read.numbers[$1], $1) }
    labels = order.map { known.names[$0] }
    numbers = order.map { read.numbers[$0] }
    unit = read.unit
  }

  /// How a chart names it.
  var title: String { unit.isEmpty ? path : "\(path), \(unit)" }

  /// What units stand for, in the first one of each family.
  private static let families: [[(unit: String, size: Double)]] = [
    [("ms", 1), ("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)],
    [("/s", 1), ("/m", 1 / 60), ("/h", 1 / 3600)],
  ]

  /// The numbers of `texts` when all are numbers with units of one family; nil when some are not.
  private static func quantities(_ texts: [String]) -> (numbers: [Double], unit: String)? {
    let parts = texts.compactMap(quantity)
    guard parts.count == texts.count, let first = parts.first else { return nil }
    if parts.allSatisfy({ $0.unit == first.unit }) { return (numbers: parts.map(\.number), unit: first.unit) }
    for family in families {
      let sizes = parts.compactMap { part in family.first { $0.unit == part.unit }?.size }
      if sizes.count == parts.count { return (numbers: zip(parts, sizes).map { $0.number * $1 }, unit: family[0].unit) }
    }
    return nil
  }

  private static func quantity(_ text: String) -> (number: Double, unit: String)? {
    // Some numbers have letters: 1e3.
    let digits = Double(text) == nil ? String(text.prefix { "0123456789.+-".contains($0) }) : text
    guard let number = Double(digits), number.magnitude < 1e15 else { return nil }
    let unit = String(text.dropFirst(digits.count))
    if unit.count > 6 || unit.contains(where: { $0.isWhitespace || $0.isNumber }) { return nil }
    return (number: number, unit: unit)
  }
}

/// A sweep: what each variant did in each cell of the grid.
struct ReportSweep: Sendable {
  let axes: [ReportSweepAxis]
  /// The variants' names, in the order of the file.
  let variants: [String]
  let groups: ReportGroups
  /// Where the group of a combination of values and a variant is.
  private let places: ReportNames

  /// What is read of each cell.
  private static let columns = [
    "requests", "success_rate", "throughput_rps", "latency_mean_ms", "latency_p50_ms", "latency_p99_ms",
  ]

  /// Reads `sweep.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    guard var table = try ReportTable("sweep.csv", in: folder, columns: ["variant", "replication"] + Self.columns)
    else {
      return nil
    }
    // The swept paths stand before the columns of summary.csv.
    let count = table.placeIfAny("scenario") ?? 0
    let paths = Array(table.columns.prefix(count))
    if paths.isEmpty {
      throw SystemError(path: table.path, reason: "has no column before 'scenario'; expected one for each swept path")
    }
    let variantPlace = table.place("variant")
    groups = try ReportGroups(
      &table, namesAt: Array(0..<count) + [variantPlace], columns: Self.columns.map { ReportColumn($0) })
    var variantNames = ReportNames()
    var places = ReportNames()
    for group in groups.groups {
      _ = variantNames.number(of: group.names[count])
      _ = places.number(of: group.names.joined(separator: "\u{1F}"))
    }
    let read = groups.groups
    axes = paths.enumerated().map { place, path in
      ReportSweepAxis(path: path, values: read.map { $0.names[place] })
    }
    variants = variantNames.names
    self.places = places
  }

  /// The scenario that the rows are of.
  var scenario: String? { groups.scenario }

  /// The figure of a variant in the cell with these values, one an axis.
  func figure(_ column: String, _ values: [String], _ variant: String, confidence: Double) -> ReportFigure? {
    guard let place = places.known((values + [variant]).joined(separator: "\u{1F}")), let index = groups.place(column)
    else { return nil }
    return groups.figure(index, of: place, confidence: confidence)
  }
}
