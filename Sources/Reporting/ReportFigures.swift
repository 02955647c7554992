// Figures of a report: what a column holds, means over replications, and how both are written.

import Experiments
import Statistics

/// A column of figures.
struct ReportColumn: Sendable, Hashable {
  /// The column's name in the file.
  let name: String
  /// What people call it.
  let title: String
  let unit: MetricUnit
  let isCount: Bool

  /// The column called `name`. Latencies are nanoseconds once read, as everywhere in the program; `title` is the name where it is left out.
  init(_ name: String, title: String? = nil) {
    let column = SummaryColumn(rawValue: name)
    self.name = name
    self.title = title ?? column.map { $0.title } ?? name
    unit = column?.unit ?? Self.unit(of: name)
    let counts = ["requests", "successes", "failures", "abandoned"]
    isCount = column?.isCount ?? counts.contains(name)
  }

  /// Files say the unit of a time in its column's name.
  private static func unit(of name: String) -> MetricUnit {
    if name.hasSuffix("_ms") || name.hasSuffix("_s") { return .time }
    return name == "share" || name == "utilization" ? .fraction : .number
  }

  /// A cell's value in the program's own unit.
  func value(_ cell: Double) -> Double {
    if unit != .time { return cell }
    return cell * (name.hasSuffix("_ms") ? 1e6 : 1e9)
  }

  /// A value as files and charts have it: latencies in milliseconds, fractions as per cent.
  func shown(_ value: Double) -> Double {
    switch unit {
    case .time: value / 1e6
    case .fraction: value * 100
    case .number: value
    }
  }

  /// What charts measure it in.
  var shownUnit: String {
    switch unit {
    case .time: "ms"
    case .fraction: "%"
    case .number: ""
    }
  }
}

/// A mean over replications.
struct ReportFigure: Sendable, Hashable {
  var mean: Double
  /// Its confidence interval; nil with one replication.
  var interval: Interval?

  init(mean: Double, interval: Interval?) {
    self.mean = mean
    self.interval = interval
  }

  /// The mean of `values`; nil without any.
  init?(of values: [Double], confidence: Double) {
    guard let estimate = Estimate(of: values, confidence: confidence) else { return nil }
    self.init(mean: estimate.mean, interval: estimate.interval)
  }
}

extension ReportColumn {
  /// The column's heading with its unit, and its figures as they stand below one another, all in one unit: `12.3 ± 0.4`.
  func texts(_ figures: [ReportFigure?]) -> (heading: String, cells: [String]) {
    let known = figures.compactMap { $0 }
    let format = FigureFormat(
      unit, for: known.map(\.mean), halfWidths: known.compactMap { $0.interval?.halfWidth }, isCount: isCount)
    let rate = SummaryColumn(rawValue: name)?.rate ?? ""
    let measure = format.unit + rate
    let cells = figures.map { figure -> String in
      guard let figure else { return "–" }
      let halfWidth = figure.interval?.halfWidth ?? 0
      return format.text(figure.mean) + (halfWidth > 0 ? " ± \(format.text(halfWidth))" : "")
    }
    return (measure.isEmpty ? title : "\(title), \(measure)", cells)
  }

  /// One figure with its unit.
  func text(_ value: Double) -> String { FigureFormat(unit, for: [value], isCount: isCount).textWithUnit(value) }
}

/// Rows of a file put together by their names (variant, endpoint, …): what each group's replications had.
struct ReportGroups: Sendable {
  /// The rows of one combination of names.
  struct Group: Sendable {
    let names: [String]
    /// Column by column the values of the replications that have one.
    var values: [[Double]]
  }

  let columns: [ReportColumn]
  private(set) var groups: [Group] = []
  private(set) var scenario: String?

  /// Reads all rows of `table`, of which `places` hold the names and `columns` the figures; a column that is not there has no values.
  /// - Throws: `SystemError`.
  init(_ table: inout ReportTable, namesAt places: [Int], columns: [ReportColumn]) throws {
    self.columns = columns
    let figurePlaces = columns.map { table.placeIfAny($0.name) }
    var known = ReportNames()
    while let row = try table.next() {
      let names = places.map { row.text($0) }
      let number = known.number(of: names.joined(separator: "\u{1F}"))
      if number == groups.count { groups.append(Group(names: names, values: columns.map { _ in [] })) }
      for (index, place) in figurePlaces.enumerated() {
        guard let place, let cell = try row.number(place) else { continue }
        groups[number].values[index].append(columns[index].value(cell))
      }
    }
    scenario = table.scenario
  }

  /// Reads the file called `name`, if there is one; it must have the columns `names` and `columns`.
  /// - Throws: `SystemError`.
  init?(_ name: String, in folder: String, names: [String], columns: [String]) throws {
    guard var table = try ReportTable(name, in: folder, columns: names + columns) else { return nil }
    let places = names.map { table.place($0) }
    try self.init(&table, namesAt: places, columns: columns.map { ReportColumn($0) })
  }

  /// The figure of column `column` of the group at `group`; nil without a value.
  func figure(_ column: Int, of group: Int, confidence: Double) -> ReportFigure? {
    ReportFigure(of: groups[group].values[column], confidence: confidence)
  }

  /// The place of the column called `name`.
  func place(_ name: String) -> Int? { columns.firstIndex { $0.name == name } }

  /// All groups as a table below the titles of their names. Columns without any value but 0 are left out.
  func grid(_ caption: String, titles: [String], confidence: Double) -> ReportGrid {
    let shown = columns.indices.filter { column in
      groups.contains { $0.values[column].contains { $0 != 0 } }
    }
    let texts = shown.map { column in
      columns[column].texts(groups.indices.map { figure(column, of: $0, confidence: confidence) })
    }
    return ReportGrid(
      caption: caption,
      columns: titles.map { ReportGrid.Column(title: $0, isText: true) }
        + texts.map { ReportGrid.Column(title: $0.heading, isText: false) },
      rows: groups.indices.map { group in groups[group].names + texts.map { $0.cells[group] } })
  }
}
