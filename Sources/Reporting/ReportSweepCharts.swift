// A sweep in pictures: over one path a curve for each variant with intervals over replications; over two a heat map for
// each variant, and where one of the paths has numbers a curve over them for each value of the other.

import Experiments
import Statistics

/// The section about a sweep.
struct ReportSweepCharts {
  let sweep: ReportSweep
  let palette: ReportPalette
  /// The level of the intervals, 0…1.
  let confidence: Double

  /// Variants that have heat maps.
  private static let mapLimit = 10
  /// Values along one side of a heat map.
  private static let sideLimit = 60

  /// The figures that are drawn.
  private static let drawn = [
    (column: "latency_p99_ms", title: "Latency p99", name: "latency-p99"),
    (column: "success_rate", title: "Success rate", name: "success-rate"),
  ]

  /// The section of the page; nil when the file has no rows.
  var section: ReportSection? {
    if sweep.groups.groups.isEmpty { return nil }
    var parts: [ReportPart] = []
    switch sweep.axes.count {
    case 1:
      let lines = sweep.variants.map { variant in Line(name: variant, variant: variant, values: { [$0] }) }
      parts.append(.charts(charts(of: lines, over: sweep.axes[0], palette)))
    case 2:
      parts.append(.charts(curvesOfTwo + maps))
      if sweep.variants.count > Self.mapLimit {
        parts.append(.words("The first \(Self.mapLimit) variants have heat maps; the table has all."))
      }
    default:
      parts.append(.words("Swept over \(sweep.axes.count) paths: too many for a picture, so the table has it all."))
    }
    let grid = sweep.groups.grid(
      "Every cell of the sweep: means over replications ± half their interval",
      titles: sweep.axes.map(\.path) + ["variant"], confidence: confidence)
    parts.append(sweep.axes.count > 2 ? .grid(grid) : .folded(grid))
    return ReportSection(name: "sweep", title: "Sweep", parts: parts)
  }

  /// A curve: what stands beside it in the legend, and whose cells it goes through.
  private struct Line {
    var name: String
    var variant: String
    /// The values of a cell, one an axis, from the one that the chart is drawn over.
    var values: (String) -> [String]
  }

  /// Curves over that one of two paths which has numbers, the later one if both have; none where neither has.
  private var curvesOfTwo: [(chart: Chart, caption: String)] {
    guard let place = [1, 0].first(where: { sweep.axes[$0].numbers != nil && sweep.axes[$0].labels.count > 1 })
    else { return [] }
    let other = sweep.axes[1 - place]
    let lines = other.labels.flatMap { label in
      sweep.variants.map { variant in
        Line(
          name: sweep.variants.count == 1 ? label : "\(label), \(variant)", variant: variant,
          values: { place == 1 ? [label, $0] : [$0, label] })
      }
    }
    var own = ReportPalette()
    own.add(lines.map(\.name))
    return charts(of: lines, over: sweep.axes[place], own, also: " and \(other.path)")
  }

  private func charts(
    of lines: [Line], over axis: ReportSweepAxis, _ palette: ReportPalette, also: String = ""
  ) -> [(chart: Chart, caption: String)] {
    let caption = "Means over replications; strokes are their intervals." + palette.remark(lines.map(\.name))
    return Self.drawn.map { (chart: curves($0, of: lines, over: axis, palette, also: also), caption: caption) }
  }

  /// A scale that has room for means and their intervals. Whether it is logarithmic is up to the means alone, and then what is not above 0 of
  /// an interval has no place on it.
  private func scale(_ column: ReportColumn, _ figures: [ReportFigure]) -> ChartScale {
    let means = figures.map(\.mean)
    let ends = figures.flatMap { [$0.interval?.low, $0.interval?.high].compactMap { $0 } }
    if column.unit == .fraction { return ChartScale.perCent(means + ends) }
    let plain = ChartScale.fitting(means.map(column.shown), ratio: 30)
    let room = (means + ends).filter { plain.kind == .linear || $0 > 0 }
    return ChartScale.fitting(room.map(column.shown), ratio: plain.kind == .linear ? .infinity : 0)
  }

  /// A point of a curve, in the chart's units.
  private struct Mark {
    var x: Double
    var label: String
    var figure: ReportFigure
  }

  private func curves(
    _ drawn: (column: String, title: String, name: String), of lines: [Line], over axis: ReportSweepAxis,
    _ palette: ReportPalette, also: String
  ) -> Chart {
    let column = ReportColumn(drawn.column)
    let names = lines.map(\.name)
    let marks = lines.map { line in
      axis.labels.enumerated().compactMap { place, label in
        sweep.figure(drawn.column, line.values(label), line.variant, confidence: confidence).map { figure in
          Mark(x: axis.numbers?[place] ?? Double(place), label: label, figure: figure)
        }
      }
    }
    let x =
      axis.numbers.map { ChartScale.fitting($0, ratio: 50, includesZero: false) } ?? ChartScale.places(axis.labels)
    let y = scale(column, marks.flatMap { $0.map(\.figure) })
    var sheet = ChartSheet()
    sheet.legend(palette.legend(names))
    let panel = sheet.panel(
      height: 250, x: x, y: y, xTitle: axis.title, yTitle: "\(drawn.title.lowercased()), \(column.shownUnit)")
    for (name, own) in zip(names, marks) where palette.number(name) < ChartStyle.distinctLines {
      let intervals = own.compactMap { mark in
        mark.figure.interval.map { (x: mark.x, low: column.shown($0.low), high: column.shown($0.high)) }
      }
      sheet.draw(panel.whiskers(intervals, style: ChartStyle.line(palette.number(name)) + " whisker"))
    }
    let curves = zip(names, marks).map { name, own in
      ReportPalette.Curve(variant: name, points: own.map { ChartPoint($0.x, column.shown($0.figure.mean)) })
    }
    sheet.draw(palette.lines(curves, on: panel))
    let words = zip(names, marks).compactMap { name, own -> String? in
      guard let first = own.first, let last = own.last else { return nil }
      return
        "\(name): \(column.text(first.figure.mean)) at \(first.label), \(column.text(last.figure.mean)) at \(last.label)"
    }
    return sheet.chart(
      "sweep-\(drawn.name)", title: "\(drawn.title) by \(axis.path)\(also)",
      words: "\(drawn.title) over the values of \(axis.path). " + ReportPalette.words(words))
  }

  private var maps: [(chart: Chart, caption: String)] {
    let variants = Array(sweep.variants.prefix(Self.mapLimit))
    return Self.drawn.flatMap { drawn -> [(chart: Chart, caption: String)] in
      // One scale for all variants, so that their colours can be compared.
      let common = scale(ReportColumn(drawn.column), variants)
      return variants.enumerated().map { number, variant in
        (chart: heatMap(drawn, variant, number: number + 1, common), caption: mapCaption)
      }
    }
  }

  private var mapCaption: String {
    let cut = sweep.axes.contains { $0.labels.count > Self.sideLimit }
    return "Dark is little, bright is much; all variants have the same scale."
      + (cut ? " Of the longer path the first \(Self.sideLimit) values are drawn." : "")
  }

  private func cells(_ column: ReportColumn, _ variant: String) -> [[Double?]] {
    sweep.axes[1].labels.prefix(Self.sideLimit).map { row in
      sweep.axes[0].labels.prefix(Self.sideLimit).map { place in
        sweep.figure(column.name, [place, row], variant, confidence: confidence).map { column.shown($0.mean) }
      }
    }
  }

  private func scale(_ column: ReportColumn, _ variants: [String]) -> ChartScale {
    let values = variants.flatMap { variant in cells(column, variant).flatMap { $0.compactMap { $0 } } }
    if column.unit == .fraction { return ChartScale.perCent(values.map { $0 / 100 }) }
    return ChartScale.fitting(values, ratio: 30, includesZero: false)
  }

  private func heatMap(
    _ drawn: (column: String, title: String, name: String), _ variant: String, number: Int, _ scale: ChartScale
  ) -> Chart {
    let column = ReportColumn(drawn.column)
    let values = cells(column, variant)
    var sheet = ChartSheet()
    sheet.text("\(drawn.title), \(column.shownUnit): \(Markup.shortened(variant, to: 40))")
    let map = HeatMap(
      columns: Array(sweep.axes[0].labels.prefix(Self.sideLimit)),
      rows: Array(sweep.axes[1].labels.prefix(Self.sideLimit)),
      values: values, scale: scale, text: { DecimalNumber($0, significantDigits: 3).text })
    map.draw(
      on: &sheet, xTitle: Markup.shortened(sweep.axes[0].path, to: 60),
      yTitle: Markup.shortened(sweep.axes[1].path, to: 60))
    let known = values.flatMap { $0.compactMap { $0 } }
    let range =
      known.min().map { low in
        "from \(map.text(low)) to \(map.text(known.max() ?? low)) \(column.shownUnit)"
      } ?? "nothing was measured"
    return sheet.chart(
      "sweep-\(drawn.name)-\(number)",
      title: "\(drawn.title) of \(variant) by \(sweep.axes[0].path) and \(sweep.axes[1].path)",
      words: "\(drawn.title) in each cell of the sweep: \(range).")
  }
}
