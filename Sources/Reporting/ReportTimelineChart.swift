// The time line: success rate and the tail of latency over time, faults as bands across, and below a lane for each variant with the moments
// at which endpoints were taken out and came back.

import Experiments

/// The section about what happened when.
struct ReportTimelineChart {
  let timeline: ReportTimeline
  let events: ReportEvents?
  let palette: ReportPalette
  /// How many replications the run had; nil when no file says it.
  let replications: Int?

  /// Points that a line of the chart, and rows that the table below has at most.
  private static let pointLimit = 300
  private static let rowLimit = 60
  /// With more variants than this the ranges of replications would hide each other.
  private static let mostShaded = 3
  /// Variants that have a lane.
  private static let laneLimit = 24

  /// The section of the page; nil when the file has no rows.
  var section: ReportSection? {
    if timeline.variants.isEmpty { return nil }
    var parts: [ReportPart] = [.charts([(chart: chart, caption: caption)])]
    let list = faultList
    if !list.isEmpty { parts += [.heading("Faults"), .list(list)] }
    parts += [.folded(successGrid), .folded(latencyGrid)]
    if let events, !events.lanes.isEmpty { parts.append(.folded(events.grid(replications: replications))) }
    return ReportSection(name: "timeline", title: "Time line", parts: parts)
  }

  private var lines: ReportTimeline.Lines { timeline.lines(atMost: Self.pointLimit) }

  private var caption: String {
    let merged = lines.merged
    let windows =
      merged > 1
      ? " Each point stands for \(merged) windows: the success rate of all their answers, the highest of their quantiles."
      : ""
    let faults = (events?.faults ?? []).isEmpty ? "" : " Bands are faults, numbered as below."
    let strokes = lanes.first.map {
      " Strokes below are moments of replication \($0.replication): up when an endpoint is ejected or found unhealthy, down when it is back."
    }
    let isShaded = timeline.variants.count <= Self.mostShaded && (replications ?? 2) > 1
    let shades = isShaded ? " Around p99 the shade reaches from the lowest replication to the highest." : ""
    let remark = palette.remark(timeline.variants)
    return "All replications together, the warm-up too.\(windows)\(shades)\(faults)\(strokes ?? "")\(remark)"
  }

  /// Lanes with something in them, as many as are drawn.
  private var lanes: [ReportEvents.Lane] {
    Array((events?.lanes ?? []).filter { !$0.outs.isEmpty || !$0.backs.isEmpty }.prefix(Self.laneLimit))
  }

  /// The different faults' names, in the order of their first beginnings: their numbers in the chart.
  private var faultNames: ReportNames {
    var names = ReportNames()
    for fault in events?.faults ?? [] { _ = names.number(of: fault.label) }
    return names
  }

  private var faultList: [String] {
    let faults = events?.faults ?? []
    let names = faultNames.names
    let limit = 20
    var list = names.prefix(limit).enumerated().map { number, name -> String in
      let rounds = faults.filter { $0.label == name }
      let first = rounds.first.map { fault in
        "\(Self.seconds(fault.begin)) to \(fault.end.map(Self.seconds) ?? "the end")"
      }
      let more = rounds.count > 1 ? ", and \(rounds.count - 1) times more" : ""
      return "\(number + 1): \(name.isEmpty ? "a fault" : name), \(first ?? "")\(more)"
    }
    if names.count > limit { list.append("\(names.count - limit) other faults are in events.csv") }
    return list
  }

  private static func seconds(_ time: Double) -> String { ReportColumn("time_s").text(time * 1e9) }

  private var chart: Chart {
    let lines = self.lines
    let x = ChartScale.linear(from: 0, to: max(timeline.end, lines.width), isTight: true)
    let middles = { (values: [Double?]) -> [ChartPoint?] in
      values.enumerated().map { place, value in value.map { ChartPoint((Double(place) + 0.5) * lines.width, $0) } }
    }
    var sheet = ChartSheet()
    sheet.legend(palette.legend(timeline.variants))
    let rates = lines.lines.map { line in line.successRate.map { $0.map { $0 * 100 } } }
    let success = sheet.panel(
      height: 150, x: x, y: .perCent(lines.lines.flatMap { $0.successRate.compactMap { $0 } }),
      yTitle: "success rate, %")
    drawFaults(on: &sheet, success, isNumbered: true)
    sheet.draw(palette.lines(curves(lines, rates.map(middles)), on: success))
    let quantiles = lines.lines.flatMap { $0.p99.compactMap { $0 } }.filter { $0 > 0 }
    let hasLanes = !lanes.isEmpty
    let latency = sheet.panel(
      height: 190, x: x, y: .fitting(quantiles, ratio: 20), xTitle: hasLanes ? nil : "time, s",
      yTitle: "latency p99, ms")
    drawFaults(on: &sheet, latency, isNumbered: false)
    if lines.lines.count <= Self.mostShaded {
      for line in lines.lines where line.replications > 1 {
        let style = ChartStyle.area(palette.number(line.variant))
        let low = middles(line.lowest).compactMap { $0 }
        sheet.draw(latency.area(low: low, high: middles(line.highest).compactMap { $0 }, style: style))
      }
    }
    sheet.draw(palette.lines(curves(lines, lines.lines.map { middles($0.p99) }), on: latency))
    if hasLanes { drawLanes(on: &sheet, x) }
    return sheet.chart("timeline", title: "Success rate and latency p99 over time", words: words(lines))
  }

  private func curves(_ lines: ReportTimeline.Lines, _ points: [[ChartPoint?]]) -> [ReportPalette.Curve] {
    zip(lines.lines, points).map { ReportPalette.Curve(variant: $0.variant, points: $1) }
  }

  private func drawFaults(on sheet: inout ChartSheet, _ panel: ChartPanel, isNumbered: Bool) {
    let names = faultNames
    var lastLabel = -100.0
    for fault in events?.faults ?? [] {
      sheet.draw([panel.band(from: fault.begin, to: fault.end ?? timeline.end, style: "fault")])
      let place = panel.x(fault.begin) + 3
      // Numbers that would stand on one another are left out.
      if isNumbered, place - lastLabel > 16, let number = names.known(fault.label) {
        sheet.draw([Markup.text("\(number + 1)", x: place, y: panel.top + 14, style: "tick")])
        lastLabel = place
      }
    }
  }

  private func drawLanes(on sheet: inout ChartSheet, _ x: ChartScale) {
    let lanes = self.lanes
    let laneHeight = 36.0
    let height = laneHeight * Double(lanes.count)
    let panel = sheet.panel(
      height: height, x: x, y: ChartScale(kind: .linear, low: 0, high: 1, ticks: []), xTitle: "time, s",
      yTitle: "endpoints taken out and back")
    drawFaults(on: &sheet, panel, isNumbered: false)
    for (number, lane) in lanes.enumerated() {
      let top = panel.top + laneHeight * Double(number)
      let middle = top + 26
      sheet.draw([
        "<path class=\"lane\" d=\"M \(Markup.number(panel.left)) \(Markup.number(middle)) h \(Markup.number(panel.width))\"/>"
      ])
      sheet.draw([Markup.text(Markup.shortened(lane.variant, to: 40), x: panel.left + 4, y: top + 13, style: "tick")])
      sheet.draw(strokes(lane.outs, on: panel, from: middle, by: -9, style: "out"))
      sheet.draw(strokes(lane.backs, on: panel, from: middle, by: 9, style: "back"))
    }
    sheet.legend([
      ChartLegend.Entry(sample: .tick, style: "out", label: "ejected or unhealthy"),
      ChartLegend.Entry(sample: .tick, style: "back", label: "returned or healthy"),
    ])
  }

  /// A stroke at each moment; those that no screen tells apart are one.
  private func strokes(_ times: [Double], on panel: ChartPanel, from: Double, by: Double, style: String) -> [String] {
    let grain = 3.0
    var strokes: [String] = []
    var last = -1.0
    for time in times.sorted() {
      let place = (panel.x(time) / grain).rounded() * grain
      if place == last { continue }
      last = place
      strokes.append("M \(Markup.number(place)) \(Markup.number(from)) v \(Markup.number(by))")
    }
    return strokes.isEmpty ? [] : ["<path class=\"\(style)\" d=\"\(strokes.joined(separator: " "))\"/>"]
  }

  private func words(_ lines: ReportTimeline.Lines) -> String {
    let worst = lines.lines.map { line -> String in
      let rate = line.successRate.compactMap { $0 }.min().map { ReportColumn("success_rate").text($0) } ?? "–"
      let peak = line.p99.compactMap { $0 }.max().map { ReportColumn("latency_p99_ms").text($0 * 1e6) } ?? "–"
      return "\(line.variant): lowest success rate \(rate), highest p99 \(peak)"
    }
    let count = (events?.faults ?? []).count
    let faults = count == 0 ? "" : "\(count) fault\(count == 1 ? "" : "s") marked. "
    return "Success rate and 0.99 quantile of latency, window by window. " + faults + ReportPalette.words(worst)
  }

  private var successGrid: ReportGrid {
    grid(ReportColumn("success_rate"), "Success rate over time") { $0.successRate }
  }

  private var latencyGrid: ReportGrid {
    grid(ReportColumn("latency_p99_ms"), "Latency p99 over time, mean over replications") { line in
      line.p99.map { $0.map { $0 * 1e6 } }
    }
  }

  /// A row a window, a column a variant; of long runs fewer windows than the chart has.
  private func grid(
    _ column: ReportColumn, _ caption: String, _ values: (ReportTimeline.Line) -> [Double?]
  ) -> ReportGrid {
    let lines = timeline.lines(atMost: Self.rowLimit)
    let all = lines.lines.map(values)
    let texts = column.texts(
      all.flatMap { values -> [ReportFigure?] in values.map { $0.map { ReportFigure(mean: $0, interval: nil) } } })
    let count = all.first?.count ?? 0
    let unit = texts.heading.contains(", ") ? texts.heading.split(separator: " ").last.map { ", \($0)" } ?? "" : ""
    return ReportGrid(
      caption: "\(caption)\(unit)",
      columns: [ReportGrid.Column(title: "from, s", isText: false)]
        + lines.lines.map { ReportGrid.Column(title: $0.variant, isText: false) },
      rows: (0..<count).map { place in
        [DecimalNumber(Double(place) * lines.width, significantDigits: 6).text]
          + all.indices.map { texts.cells[$0 * count + place] }
      })
  }
}
