// A distribution of latencies in both worlds: the whole, and beside or below it the tail on a scale of its own, where the two part if they do.

import Experiments

/// A quantile of latency.
struct QuantilePoint: Sendable, Hashable {
  /// 0…1.
  var quantile: Double
  /// Milliseconds.
  var latency: Double
}

/// One distribution as simulated and as measured, by quantiles in rising order.
struct OverlayCurves {
  let simulated: [QuantilePoint]
  let measured: [QuantilePoint]

  /// Where a panel goes.
  struct Place {
    var left: Double
    var top: Double
    var width: Double
    var height: Double
  }

  /// How deep the tail goes.
  static let depth = 0.9995

  /// What the two lines are.
  static let legend = [
    ChartLegend.Entry(style: "simulated", label: "simulated"), ChartLegend.Entry(style: "measured", label: "measured"),
  ]

  /// Both panels: latencies lie along, the share of requests that take no longer lies up.
  func elements(whole: Place, tail: Place) -> [String] {
    // The slowest twentieth would press the whole into a corner; the tail shows it.
    panel(whole, upTo: 0.95, y: .linear(from: 0, to: 1, ticks: 5), "share of requests")
      + panel(tail, upTo: Self.depth, y: .nines(to: Self.depth), "quantile: the tail")
  }

  private func panel(_ place: Place, upTo last: Double, y: ChartScale, _ title: String) -> [String] {
    let longest = (simulated + measured).filter { $0.quantile <= last }.map(\.latency).max() ?? 1
    let panel = ChartPanel(
      left: place.left, top: place.top, width: place.width, height: place.height,
      xScale: .linear(from: 0, to: longest, isTight: true), yScale: y)
    func curve(_ points: [QuantilePoint], _ style: String) -> [String] {
      let within = points.filter { $0.latency <= longest && $0.quantile <= y.high }
      return panel.line(within.map { ChartPoint($0.latency, $0.quantile) }, style: style)
    }
    return panel.axes(x: "latency, ms", y: title) + curve(simulated, "simulated") + curve(measured, "measured")
  }

  /// Median and tail of both, in words.
  var words: String {
    let parts = [(0.5, "p50"), (0.99, "p99")].compactMap { quantile, name -> String? in
      guard let left = value(quantile, in: simulated), let right = value(quantile, in: measured) else { return nil }
      let format = FigureFormat(.time, for: [left * 1e6, right * 1e6])
      return "\(name) simulated \(format.textWithUnit(left * 1e6)), measured \(format.textWithUnit(right * 1e6))"
    }
    return parts.isEmpty ? "nothing to compare" : parts.joined(separator: "; ")
  }

  private func value(_ quantile: Double, in points: [QuantilePoint]) -> Double? {
    points.last { $0.quantile <= quantile + 1e-9 }?.latency
  }
}
