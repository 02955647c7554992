// A panel of a chart: two scales, their grid, and what is drawn between them.

/// A point in the scales' own units.
struct ChartPoint: Sendable, Hashable {
  var x: Double
  var y: Double

  init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// A rectangle with a scale along it and one up it.
struct ChartPanel: Sendable {
  let left: Double
  let top: Double
  let width: Double
  let height: Double
  let xScale: ChartScale
  let yScale: ChartScale

  /// Where `value` lies from left to right.
  func x(_ value: Double) -> Double { left + xScale.part(value) * width }

  /// Where `value` lies from top to bottom.
  func y(_ value: Double) -> Double { top + (1 - yScale.part(value)) * height }

  /// The grid with its labels, and the titles: the y scale's stands above the panel, where it needs not be turned. Without `xTitle` what
  /// stands below says what lies along.
  func axes(x xTitle: String?, y yTitle: String) -> [String] {
    var grid: [String] = []
    var labels: [String] = []
    for tick in yScale.ticks {
      let place = y(tick.value)
      grid.append("M \(Markup.number(left)) \(Markup.number(place)) h \(Markup.number(width))")
      labels.append(Markup.text(tick.label, x: left - 7, y: place + 5, anchor: .end, style: "tick"))
    }
    for tick in xScale.ticks {
      let place = x(tick.value)
      grid.append("M \(Markup.number(place)) \(Markup.number(top)) v \(Markup.number(height))")
      if xTitle != nil {
        // The last label would reach over the picture's edge, a long first one under the lowest beside it.
        let isLast = place > left + width - 12
        let isFirst = place < left + 1 && tick.label.count > 1
        labels.append(
          Markup.text(
            tick.label, x: isLast ? place + 6 : isFirst ? place - 3 : place, y: top + height + 18,
            anchor: isLast ? .end : isFirst ? .start : .middle, style: "tick"))
      }
    }
    labels.append(Markup.text(yTitle, x: max(4, left - 60), y: top - 9, style: "title"))
    if let xTitle, !xTitle.isEmpty {
      labels.append(Markup.text(xTitle, x: left + width, y: top + height + 38, anchor: .end, style: "title"))
    }
    return ["<path class=\"grid\" d=\"\(grid.joined(separator: " "))\"/>"] + labels
  }

  /// The line through `points` as a path's data; it breaks where there is no point. A point alone is a short stroke.
  func path(_ points: [ChartPoint?]) -> String {
    var runs: [[ChartPoint]] = [[]]
    for point in points {
      if let point {
        runs[runs.count - 1].append(point)
      } else if !runs[runs.count - 1].isEmpty {
        runs.append([])
      }
    }
    let paths = runs.compactMap { run -> String? in
      guard let first = run.first else { return nil }
      if run.count == 1 { return "M \(Markup.number(x(first.x) - 1.5)) \(Markup.number(y(first.y))) h 3" }
      return "M " + run.map { "\(Markup.number(x($0.x))) \(Markup.number(y($0.y)))" }.joined(separator: " ")
    }
    return paths.joined(separator: " ")
  }

  /// The line through `points`; nothing without points.
  func line(_ points: [ChartPoint?], style: String) -> [String] {
    let data = path(points)
    return data.isEmpty ? [] : ["<path class=\"\(style)\" d=\"\(data)\"/>"]
  }

  /// What lies between two lines over the same places.
  func area(low: [ChartPoint], high: [ChartPoint], style: String) -> [String] {
    if low.count < 2 || high.count < 2 { return [] }
    let outline: [ChartPoint] = low + Array(high.reversed())
    return ["<path class=\"\(style)\" d=\"\(path(outline)) Z\"/>"]
  }

  /// A stroke over each interval, from bottom to top.
  func whiskers(_ intervals: [(x: Double, low: Double, high: Double)], style: String) -> [String] {
    if intervals.isEmpty { return [] }
    let strokes = intervals.map { interval in
      "M \(Markup.number(x(interval.x))) \(Markup.number(y(interval.low))) V \(Markup.number(y(interval.high)))"
    }
    return ["<path class=\"\(style)\" d=\"\(strokes.joined(separator: " "))\"/>"]
  }

  /// A band over the panel's whole height; at least a stroke wide.
  func band(from: Double, to: Double, style: String) -> String {
    let start = x(from)
    let width = max(1, x(to) - start)
    return
      "<rect class=\"\(style)\" x=\"\(Markup.number(start))\" y=\"\(Markup.number(top))\" width=\"\(Markup.number(width))\" height=\"\(Markup.number(height))\"/>"
  }

  /// Upright bars over equal parts of the panel, from its foot; where there is no value there is no bar.
  func bars(_ values: [Double?], style: String) -> [String] {
    if values.isEmpty { return [] }
    let step = width / Double(values.count)
    let foot = Markup.number(top + height)
    let strokes = values.enumerated().compactMap { place, value in
      value.map { "M \(Markup.number(left + (Double(place) + 0.5) * step)) \(foot) V \(Markup.number(y($0)))" }
    }
    if strokes.isEmpty { return [] }
    let thickness = Markup.number(max(0.3, step * 0.7))
    return ["<path class=\"\(style)\" stroke-width=\"\(thickness)\" d=\"\(strokes.joined(separator: " "))\"/>"]
  }
}
