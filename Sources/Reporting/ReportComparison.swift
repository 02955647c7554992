// `comparison.csv` as read, or the same made of `summary.csv` where that is all there is: every figure of every variant.

import Experiments
import Statistics

/// Variants side by side.
struct ReportComparison: Sendable {
  /// One figure of one variant.
  struct Row: Sendable {
    var figure: ReportFigure?
    /// Beside the baseline; nil for the baseline itself and where nothing can be compared.
    var ratio: Double?
    var difference: ReportFigure?
    /// Corrected for how many variants are held against the baseline, where the file says it.
    var adjustedPValue: Double?
    var pValue: Double?
  }

  /// The variants' names, in the order of the file.
  private(set) var variants: [String]
  /// The name of the one that the others are compared with; nil where nothing is compared.
  private(set) var baseline: String?
  /// The figures, in the order of the file.
  private(set) var metrics: [ReportColumn]
  private(set) var scenario: String?
  /// By variant and metric.
  private var rows: [[Row?]]

  /// What is known of one figure of one variant, by their places.
  func row(_ metric: Int, of variant: Int) -> Row? { rows[variant][metric] }

  /// The place of the metric whose column is called `name`.
  func place(_ name: String) -> Int? { metrics.firstIndex { $0.name == name } }

  /// Reads `comparison.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let columns = [
      "variant", "metric", "mean", "ci_low", "ci_high", "baseline", "ratio", "difference", "difference_ci_low",
      "difference_ci_high", "p_value", "replications",
    ]
    guard var table = try ReportTable("comparison.csv", in: folder, columns: columns) else { return nil }
    let places = columns.map { table.place($0) }
    let adjustedPlace = table.placeIfAny("p_adjusted")
    var variantNames = ReportNames()
    var metricNames = ReportNames()
    var cells: [(variant: Int, metric: Int, row: Row)] = []
    var baseline: String?
    while let row = try table.next() {
      let variant = variantNames.number(of: row.text(places[0]))
      let metric = metricNames.number(of: row.text(places[1]))
      let column = ReportColumn(row.text(places[1]))
      let own = row.text(places[5])
      if !own.isEmpty { baseline = own }
      cells.append(
        (
          variant, metric,
          Row(
            figure: try Self.figure(row, places[2], places[3], places[4], column), ratio: try row.number(places[6]),
            difference: try Self.figure(row, places[7], places[8], places[9], column),
            adjustedPValue: try adjustedPlace.flatMap { try row.number($0) }, pValue: try row.number(places[10]))
        ))
    }
    variants = variantNames.names
    metrics = metricNames.names.map { ReportColumn($0) }
    self.baseline = baseline
    scenario = table.scenario
    rows = Array(repeating: Array(repeating: nil, count: metricNames.names.count), count: variantNames.names.count)
    for cell in cells { rows[cell.variant][cell.metric] = cell.row }
  }

  /// The figures of `groups`, which are the rows of `summary.csv` by variant; nothing is compared.
  init(_ groups: ReportGroups, confidence: Double) {
    variants = groups.groups.map { $0.names.first ?? "" }
    metrics = groups.columns
    baseline = nil
    scenario = groups.scenario
    rows = groups.groups.indices.map { group in
      groups.columns.indices.map { Row(figure: groups.figure($0, of: group, confidence: confidence)) }
    }
  }

  private static func figure(
    _ row: ReportRow, _ mean: Int, _ low: Int, _ high: Int, _ column: ReportColumn
  ) throws -> ReportFigure? {
    guard let value = try row.number(mean) else { return nil }
    var interval: Interval?
    if let low = try row.number(low), let high = try row.number(high) {
      interval = Interval(low: column.value(low), high: column.value(high))
    }
    return ReportFigure(mean: column.value(value), interval: interval)
  }

  /// What people ask first: it stands where no page is too narrow for it.
  private static let first = [
    "success_rate", "latency_p50_ms", "latency_p99_ms", "latency_p999_ms", "latency_mean_ms", "failures",
  ]

  /// The metrics that say something, by their places: the main ones, and others where any variant has more than 0.
  var shownMetrics: [Int] {
    let always = Self.first.dropLast() + ["requests", "throughput_rps", "latency_p90_ms", "latency_max_ms"]
    let shown = metrics.indices.filter { metric in
      let means = variants.indices.compactMap { row(metric, of: $0)?.figure?.mean }
      return always.contains(metrics[metric].name) ? !means.isEmpty : means.contains { $0 != 0 }
    }
    let first = Self.first.compactMap { name in shown.first { metrics[$0].name == name } }
    return first + shown.filter { !first.contains($0) }
  }

  /// The variants as rows, what they measured as columns.
  var grid: ReportGrid {
    let texts = shownMetrics.map { metric in
      metrics[metric].texts(variants.indices.map { row(metric, of: $0)?.figure })
    }
    return ReportGrid(
      caption: "Means over replications ± half their interval",
      columns: [ReportGrid.Column(title: "variant", isText: true)]
        + texts.map { ReportGrid.Column(title: $0.heading, isText: false) },
      rows: variants.indices.map { variant in [variants[variant]] + texts.map { $0.cells[variant] } })
  }

  /// Every figure that says something with its interval, and how it differs from the baseline's.
  var differences: ReportGrid {
    var rows: [[String]] = []
    for metric in shownMetrics {
      let column = metrics[metric]
      for variant in variants.indices {
        guard let row = self.row(metric, of: variant) else { continue }
        func text(_ value: Double?) -> String { value.map { column.text($0) } ?? "" }
        func plain(_ value: Double?) -> String { value.map { DecimalNumber($0, significantDigits: 3).text } ?? "" }
        rows.append([
          column.title, variants[variant], text(row.figure?.mean), text(row.figure?.interval?.low),
          text(row.figure?.interval?.high), plain(row.ratio), text(row.difference?.mean),
          text(row.difference?.interval?.low), text(row.difference?.interval?.high), plain(row.pValue),
          plain(row.adjustedPValue),
        ])
      }
    }
    let titles = [
      "metric", "variant", "mean", "from", "to", "ratio", "difference", "from", "to", "p", "p, corrected",
    ]
    return ReportGrid(
      caption: "Every figure with its interval\(baseline.map { ", and its difference from \($0)" } ?? "")",
      columns: titles.enumerated().map { ReportGrid.Column(title: $0.element, isText: $0.offset < 2) }, rows: rows)
  }
}
