// `latency.csv` as read, and its two charts: the distribution, and the quantiles with the tail spread out (as HdrHistogram plots them).

import Experiments

/// Latencies by quantile, variant by variant.
struct ReportLatency: Sendable {
  /// One variant's.
  struct Variant: Sendable {
    let name: String
    /// In rising order.
    var points: [QuantilePoint] = []
    /// The intervals over replications, where the file has them, in milliseconds.
    var low: [ChartPoint] = []
    var high: [ChartPoint] = []

    /// The latency at a quantile, milliseconds; nil when it is not among the points.
    func latency(_ quantile: Double) -> Double? {
      points.first { ($0.quantile - quantile).magnitude < 1e-9 }?.latency
    }
  }

  private(set) var variants: [Variant] = []
  private(set) var scenario: String?

  /// Reads `latency.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let columns = ["variant", "quantile", "latency_ms"]
    guard var table = try ReportTable("latency.csv", in: folder, columns: columns) else { return nil }
    let places = columns.map { table.place($0) }
    let lowPlace = table.placeIfAny("ci_low_ms")
    let highPlace = table.placeIfAny("ci_high_ms")
    var known = ReportNames()
    while let row = try table.next() {
      let number = known.number(of: row.text(places[0]))
      if number == variants.count { variants.append(Variant(name: row.text(places[0]))) }
      let quantile = try row.figure(places[1])
      guard let latency = try row.number(places[2]) else { continue }
      variants[number].points.append(QuantilePoint(quantile: quantile, latency: latency))
      if let low = try lowPlace.flatMap({ try row.number($0) }),
        let high = try highPlace.flatMap({ try row.number($0) })
      {
        variants[number].low.append(ChartPoint(quantile, low))
        variants[number].high.append(ChartPoint(quantile, high))
      }
    }
    for number in variants.indices { variants[number].points.sort { $0.quantile < $1.quantile } }
    scenario = table.scenario
  }

  /// How deep the tail is drawn: to the last quantile below 1 that there is.
  private static let depth = 0.9999
  /// Latencies below this share of the highest lie on a chart's edge: a few requests of next to no work would take most of it.
  private static let smallest = 1e-5

  /// The section of the page.
  func section(_ palette: ReportPalette) -> ReportSection? {
    let drawn = variants.filter { !$0.points.isEmpty }
    if drawn.isEmpty { return nil }
    let names = drawn.map(\.name)
    let remark = palette.remark(names)
    return ReportSection(
      name: "latency", title: "Latency",
      parts: [
        .charts([
          (
            chart: distribution(drawn, palette),
            caption: "The share of requests that take no longer; the slowest hundredth is left to the tail." + remark
          ),
          (
            chart: tail(drawn, palette),
            caption:
              "Each step to the right is a tenth of the requests that are left; steep ends are long tails. "
              + "The highest of all is in the table." + remark
          ),
        ]),
        .folded(grid(drawn)),
      ])
  }

  /// Quantiles of a few variants, in words.
  private func words(_ drawn: [Variant], _ quantiles: [(Double, String)]) -> String {
    ReportPalette.words(
      drawn.map { variant in
        let parts = quantiles.compactMap { quantile, name in
          variant.latency(quantile).map { "\(name) \(ReportColumn("latency_ms").text($0 * 1e6))" }
        }
        return "\(variant.name): \(parts.joined(separator: ", "))"
      })
  }

  private func distribution(_ drawn: [Variant], _ palette: ReportPalette) -> Chart {
    let bodies = drawn.map { variant in variant.points.filter { $0.quantile <= 0.99 } }
    let x = ChartScale.fitting(bodies.flatMap { $0.map(\.latency) }.filter { $0 > 0 }, ratio: 40, depth: Self.smallest)
    var sheet = ChartSheet()
    sheet.legend(palette.legend(drawn.map(\.name)))
    let panel = sheet.panel(
      height: 270, x: x, y: .linear(from: 0, to: 1, ticks: 5), xTitle: "latency, ms", yTitle: "share of requests")
    let curves = zip(drawn, bodies).map { variant, points in
      ReportPalette.Curve(variant: variant.name, points: points.map { ChartPoint($0.latency, $0.quantile) })
    }
    sheet.draw(palette.lines(curves, on: panel))
    return sheet.chart(
      "latency-distribution", title: "Distribution of latency",
      words: "How many requests take no longer than a latency. " + words(drawn, [(0.5, "p50"), (0.9, "p90")]))
  }

  private func tail(_ drawn: [Variant], _ palette: ReportPalette) -> Chart {
    let tails = drawn.map { variant in variant.points.filter { $0.quantile <= Self.depth && $0.latency > 0 } }
    let y = ChartScale.fitting(tails.flatMap { $0.map(\.latency) }, ratio: 20, depth: Self.smallest)
    var sheet = ChartSheet()
    sheet.legend(palette.legend(drawn.map(\.name)))
    let panel = sheet.panel(
      height: 270, x: .nines(to: Self.depth), y: y, xTitle: "quantile", yTitle: "latency, ms")
    if drawn.count <= 3 {
      for variant in drawn {
        let low = variant.low.filter { $0.x <= Self.depth && $0.y > 0 }
        let high = variant.high.filter { $0.x <= Self.depth && $0.y > 0 }
        sheet.draw(panel.area(low: low, high: high, style: ChartStyle.area(palette.number(variant.name))))
      }
    }
    let curves = zip(drawn, tails).map { variant, points in
      ReportPalette.Curve(variant: variant.name, points: points.map { ChartPoint($0.quantile, $0.latency) })
    }
    sheet.draw(palette.lines(curves, on: panel))
    let bands =
      drawn.count <= 3 && drawn.contains { $0.low.count > 1 } ? " The bands are intervals over replications." : ""
    return sheet.chart(
      "latency-tail", title: "Latency by quantile, the tail spread out",
      words: "The latency that a share of requests stays below, towards the slowest of all. "
        + words(drawn, [(0.99, "p99"), (0.999, "p99.9")]) + bands)
  }

  private func grid(_ drawn: [Variant]) -> ReportGrid {
    let shown = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1]
    let latency = ReportColumn("latency_ms")
    let texts = shown.map { quantile in
      latency.texts(
        drawn.map { variant in
          variant.latency(quantile).map { ReportFigure(mean: $0 * 1e6, interval: nil) }
        })
    }
    return ReportGrid(
      caption: "Latency by quantile, all replications together",
      columns: [ReportGrid.Column(title: "variant", isText: true)]
        + zip(shown, texts).map { quantile, column -> ReportGrid.Column in
          let unit = column.heading.split(separator: " ").last.map(String.init) ?? ""
          return ReportGrid.Column(title: "\(DecimalNumber(quantile).text), \(unit)", isText: false)
        },
      rows: drawn.indices.map { variant in [drawn[variant].name] + texts.map { $0.cells[variant] } })
  }
}
