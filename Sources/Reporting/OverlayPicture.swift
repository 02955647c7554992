// Both worlds' latencies in one picture: for each variant the distribution function, and beside it its tail on a logarithmic scale, where
// the two part if they do. A file of its own: no script, no font, nothing from anywhere; it follows the reader's light or dark theme.

import Experiments
import Simulation

/// The picture of a comparison.
public struct OverlayPicture {
  private let validation: Validation

  /// The picture of a comparison.
  public init(_ validation: Validation) { self.validation = validation }

  private static let width = 920.0
  private static let panel = (width: 380.0, height: 220.0)
  private static let lefts = [64.0, 512.0]
  private static let rowHeight = 300.0
  private static let top = 78.0

  /// The picture, as SVG.
  public var svg: String {
    let height = Self.top + Self.rowHeight * Double(max(1, validation.overlays.count))
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.text(Self.width)) \(Self.text(height))\" width=\"\(Self.text(Self.width))\" height=\"\(Self.text(height))\" role=\"img\">",
      "<title>\(Self.escaped(validation.scenario)): latencies simulated and measured</title>", Self.style,
      "<rect class=\"page\" width=\"100%\" height=\"100%\"/>",
      "<text class=\"head\" x=\"24\" y=\"32\">\(Self.escaped(validation.scenario))</text>",
      "<text x=\"24\" y=\"54\">latency in both worlds; real proxy: \(Self.escaped(validation.proxy))</text>",
      "<path class=\"simulated\" d=\"M 600 30 h 34\"/><text x=\"642\" y=\"34\">simulated</text>",
      "<path class=\"measured\" d=\"M 740 30 h 34\"/><text x=\"782\" y=\"34\">measured</text>",
    ]
    for (place, overlay) in validation.overlays.enumerated() {
      lines += row(overlay, top: Self.top + Self.rowHeight * Double(place))
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static let style = """
    <style>
    svg { --page: #fff; --ink: #222; --faint: #777; --line: #ddd; --one: #1f6fb4; --two: #d1571b; font: 13px sans-serif; }
    @media (prefers-color-scheme: dark) { svg { --page: #16181c; --ink: #e6e6e6; --faint: #9a9a9a; --line: #3a3d42; --one: #6db3f2; --two: #ff9e66; } }
    .page { fill: var(--page); } text { fill: var(--ink); } .head { font-size: 17px; font-weight: 600; }
    .tick { fill: var(--faint); font-size: 11px; } .grid { stroke: var(--line); stroke-width: 1; fill: none; }
    .simulated { stroke: var(--one); stroke-width: 4; fill: none; opacity: 0.65; }
    .measured { stroke: var(--two); stroke-width: 1.6; fill: none; stroke-dasharray: 5 3; }
    </style>
    """

  private func row(_ overlay: LatencyOverlay, top: Double) -> [String] {
    var lines = [
      "<text x=\"24\" y=\"\(Self.text(top + 14))\">\(Self.escaped(overlay.variant))</text>"
    ]
    let both = [overlay.simulated, overlay.measured]
    let bodyEnd = both.compactMap { $0.quantile(0.95) }.max() ?? 1
    let tailEnd = both.compactMap { $0.quantile(0.9995) }.max() ?? 1
    let body = Axis(left: Self.lefts[0], top: top + 26, latest: bodyEnd, isTail: false)
    let tail = Axis(left: Self.lefts[1], top: top + 26, latest: tailEnd, isTail: true)
    for axis in [body, tail] {
      lines += axis.frame
      for (name, latency) in [("simulated", overlay.simulated), ("measured", overlay.measured)] where latency.count > 0
      {
        lines.append("<path class=\"\(name)\" d=\"\(axis.curve(latency))\"/>")
      }
    }
    return lines
  }

  /// One panel's scales. The latency of a request lies along it, the share of requests that take no longer up it.
  private struct Axis {
    var left: Double
    var top: Double
    /// The latency at the right edge, nanoseconds.
    var latest: Double
    var isTail: Bool

    /// Powers of ten down to which the tail goes: 0.9995.
    private static let depth = 3.3

    func x(_ latency: Double) -> Double { left + min(1, latency / max(1, latest)) * panel.width }

    func y(_ quantile: Double) -> Double {
      let part = isTail ? min(1, Self.nines(quantile) / Self.depth) : quantile
      return top + (1 - part) * panel.height
    }

    /// −log10(1 − q) of the quantiles that are drawn, by halving: exact at powers of ten, near enough between.
    private static func nines(_ quantile: Double) -> Double {
      var rest = max(1e-9, 1 - quantile)
      var sum = 0.0
      while rest <= 0.1 {
        rest *= 10
        sum += 1
      }
      // log10 by bisection over squares: 20 binary digits.
      var value = 1 / rest
      var digit = 0.5
      for _ in 0..<20 {
        value *= value
        if value >= 10 {
          value /= 10
          sum += digit
        }
        digit /= 2
      }
      return sum
    }

    var frame: [String] {
      var lines: [String] = []
      let marks = isTail ? [0, 0.9, 0.99, 0.999] : [0, 0.25, 0.5, 0.75, 1]
      for mark in marks {
        let height = OverlayPicture.text(y(mark))
        lines.append(
          "<path class=\"grid\" d=\"M \(OverlayPicture.text(left)) \(height) h \(OverlayPicture.text(panel.width))\"/>")
        lines.append(
          "<text class=\"tick\" text-anchor=\"end\" x=\"\(OverlayPicture.text(left - 6))\" y=\"\(OverlayPicture.text(y(mark) + 4))\">\(DecimalNumber(mark).text)</text>"
        )
      }
      let step = Self.step(latest / 1e6)
      var mark = 0.0
      while mark <= latest / 1e6 * 1.0001 {
        let place = OverlayPicture.text(x(mark * 1e6))
        lines.append(
          "<path class=\"grid\" d=\"M \(place) \(OverlayPicture.text(top)) v \(OverlayPicture.text(panel.height))\"/>")
        lines.append(
          "<text class=\"tick\" text-anchor=\"middle\" x=\"\(place)\" y=\"\(OverlayPicture.text(top + panel.height + 16))\">\(DecimalNumber(mark).text)</text>"
        )
        mark += step
      }
      lines.append(
        "<text class=\"tick\" text-anchor=\"end\" x=\"\(OverlayPicture.text(left + panel.width))\" y=\"\(OverlayPicture.text(top + panel.height + 32))\">\(isTail ? "latency, ms; the tail" : "latency, ms; share of requests")</text>"
      )
      return lines
    }

    /// A round step that makes four to nine marks.
    private static func step(_ most: Double) -> Double {
      var step = 0.001
      while most / step > 100 { step *= 10 }
      while most / step > 8 { step *= most / step > 40 ? 5 : 2 }
      return step
    }

    func curve(_ latency: LatencyHistogram) -> String {
      var path = ""
      let quantiles = isTail ? OverlayPicture.tails : OverlayPicture.bodies
      for quantile in quantiles {
        guard let value = latency.quantile(quantile), value <= latest else { continue }
        path += "\(path.isEmpty ? "M" : "L") \(OverlayPicture.text(x(value))) \(OverlayPicture.text(y(quantile))) "
      }
      return String(path.dropLast())
    }
  }

  private static let bodies = (0...200).map { Double($0) / 200 }
  /// Even steps of the tail's own scale, up to 0.9995.
  private static let tails: [Double] = {
    var tails: [Double] = []
    for (floor, width) in [(0.0, 0.9), (0.9, 0.09), (0.99, 0.009)] {
      for step in 0..<45 { tails.append(floor + width * Double(step) / 45) }
    }
    return tails + (0...10).map { 0.999 + 0.00005 * Double($0) }
  }()

  static func text(_ value: Double) -> String { DecimalNumber.fixed(value, places: 1) }

  private static func escaped(_ text: String) -> String {
    text.map { ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;"][$0] ?? String($0) }.joined()
  }
}
