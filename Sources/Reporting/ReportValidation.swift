// `validation.csv` and `validation-latency.csv` as read, and their section: the lab beside real sockets.

import Experiments

/// A scenario in both worlds.
struct ReportValidation: Sendable {
  private struct Row: Sendable {
    var variant: String
    var metric: String
    var simulated: Double?
    var low: Double?
    var high: Double?
    var measured: Double?
    var ratio: Double?
    var tolerance: Double?
    var verdict: String
  }

  private struct Overlay: Sendable {
    var variant: String
    var simulated: [QuantilePoint] = []
    var measured: [QuantilePoint] = []
  }

  private(set) var scenario: String?
  private var proxy = ""
  private var rows: [Row] = []
  private var overlays: [Overlay] = []

  /// Reads both files in `folder`; nil when there is neither.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let hasFigures = try readFigures(folder)
    let hasLatencies = try readLatencies(folder)
    if !hasFigures && !hasLatencies { return nil }
  }

  private mutating func readFigures(_ folder: String) throws -> Bool {
    let columns = [
      "variant", "proxy", "metric", "simulated", "sim_ci_low", "sim_ci_high", "measured", "ratio", "tolerance",
      "verdict",
    ]
    guard var table = try ReportTable("validation.csv", in: folder, columns: columns) else { return false }
    let places = columns.map { table.place($0) }
    while let row = try table.next() {
      let numbers = try places[3...8].map { try row.number($0) }
      proxy = row.text(places[1])
      rows.append(
        Row(
          variant: row.text(places[0]), metric: row.text(places[2]), simulated: numbers[0], low: numbers[1],
          high: numbers[2], measured: numbers[3], ratio: numbers[4], tolerance: numbers[5],
          verdict: row.text(places[9])))
    }
    scenario = table.scenario
    return true
  }

  private mutating func readLatencies(_ folder: String) throws -> Bool {
    let columns = ["variant", "world", "quantile", "latency_ms"]
    guard var table = try ReportTable("validation-latency.csv", in: folder, columns: columns) else { return false }
    let places = columns.map { table.place($0) }
    var known = ReportNames()
    while let row = try table.next() {
      let number = known.number(of: row.text(places[0]))
      if number == overlays.count { overlays.append(Overlay(variant: row.text(places[0]))) }
      let quantile = try row.figure(places[2])
      guard let latency = try row.number(places[3]) else { continue }
      let point = QuantilePoint(quantile: quantile, latency: latency)
      switch row.text(places[1]) {
      case "simulated": overlays[number].simulated.append(point)
      case "measured": overlays[number].measured.append(point)
      default: throw row.fault("world: '\(row.text(places[1]))'; expected simulated or measured")
      }
    }
    scenario = scenario ?? table.scenario
    return true
  }

  /// The variants, in the order of the files.
  var variants: [String] {
    var known = ReportNames()
    for row in rows { _ = known.number(of: row.variant) }
    for overlay in overlays { _ = known.number(of: overlay.variant) }
    return known.names
  }

  /// Variants that have a picture.
  private static let chartLimit = 10

  /// What the figures come to. A void one says nothing of the lab: its runs were disturbed.
  private var verdict: String {
    let proxyText = proxy.isEmpty ? "" : " (real proxy: \(proxy))"
    let void = rows.count { $0.verdict == ValidationVerdict.void.rawValue }
    let failing = rows.count { $0.verdict != ValidationVerdict.holds.rawValue } - void
    let disturbed = void == 0 ? "" : " \(void) of \(rows.count) figures are void: their runs were disturbed."
    if void == rows.count { return "Nothing can be said of lab and real sockets\(proxyText).\(disturbed)" }
    if failing > 0 {
      return
        "Lab and real sockets do not agree within the tolerance in \(failing) of \(rows.count) figures\(proxyText).\(disturbed)"
    }
    let all = void == 0 ? "all \(rows.count)" : "\(rows.count - void)"
    return "Lab and real sockets agree within the tolerance in \(all) figures\(proxyText).\(disturbed)"
  }

  /// The section of the page.
  var section: ReportSection? {
    if rows.isEmpty && overlays.isEmpty { return nil }
    var parts: [ReportPart] = []
    if !rows.isEmpty { parts.append(.words(verdict)) }
    let charts = overlays.prefix(Self.chartLimit).enumerated().map {
      number, overlay -> (chart: Chart, caption: String) in
      (
        chart: Self.chart(overlay, number: number + 1),
        caption: "Above all requests, below the tail on a scale of its own."
      )
    }
    if !charts.isEmpty { parts.append(.charts(charts)) }
    if overlays.count > Self.chartLimit { parts.append(.words("The first \(Self.chartLimit) variants are drawn.")) }
    if !rows.isEmpty { parts.append(.grid(grid)) }
    let latencies = latencyGrid
    if !latencies.rows.isEmpty { parts.append(.folded(latencies)) }
    return ReportSection(name: "validation", title: "Simulated and measured", parts: parts)
  }

  private static func chart(_ overlay: Overlay, number: Int) -> Chart {
    let curves = OverlayCurves(simulated: overlay.simulated, measured: overlay.measured)
    var sheet = ChartSheet()
    sheet.legend(OverlayCurves.legend)
    let height = 200.0
    let top = sheet.room(2 * (height + 74))
    func place(_ row: Double) -> OverlayCurves.Place {
      OverlayCurves.Place(
        left: ChartSheet.left, top: top + 28 + row * (height + 74), width: ChartSheet.panelWidth, height: height)
    }
    sheet.draw(curves.elements(whole: place(0), tail: place(1)))
    return sheet.chart(
      "validation-\(number)", title: "\(overlay.variant): latency simulated and measured", words: curves.words + ".")
  }

  private var grid: ReportGrid {
    let titles = [
      ("variant", true), ("metric", true), ("simulated", false), ("from", false), ("to", false), ("measured", false),
      ("measured ÷ simulated", false), ("tolerance", false), ("verdict", true),
    ]
    return ReportGrid(
      caption: "Figures in both worlds", columns: titles.map { ReportGrid.Column(title: $0.0, isText: $0.1) },
      rows: rows.map { row in
        let unit = Metric(named: row.metric)?.unit ?? .number
        func text(_ value: Double?) -> String { value.map { Self.text($0, unit) } ?? "–" }
        let ratio = row.ratio.map { DecimalNumber($0, significantDigits: 3).text } ?? "–"
        return [
          row.variant, row.metric, text(row.simulated), text(row.low), text(row.high), text(row.measured), ratio,
          text(row.tolerance), row.verdict,
        ]
      })
  }

  /// A figure of the file with its unit: latencies stand there in milliseconds, fractions as such.
  private static func text(_ value: Double, _ unit: MetricUnit) -> String {
    FigureFormat(unit, for: [unit == .time ? value * 1e6 : value]).textWithUnit(unit == .time ? value * 1e6 : value)
  }

  private var latencyGrid: ReportGrid {
    let shown = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999]
    var rows: [[String]] = []
    for overlay in overlays {
      for (world, points) in [("simulated", overlay.simulated), ("measured", overlay.measured)] {
        var row = [overlay.variant, world]
        for quantile in shown {
          let point = points.first { ($0.quantile - quantile).magnitude < 1e-9 }
          row.append(point.map { DecimalNumber($0.latency, significantDigits: 4).text } ?? "–")
        }
        rows.append(row)
      }
    }
    return ReportGrid(
      caption: "Latency by quantile in both worlds, ms",
      columns: [ReportGrid.Column(title: "variant", isText: true), ReportGrid.Column(title: "world", isText: true)]
        + shown.map { ReportGrid.Column(title: DecimalNumber($0).text, isText: false) }, rows: rows)
  }
}
