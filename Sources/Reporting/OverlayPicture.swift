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
  private static let rowHeight = 300.0
  private static let top = 78.0

  /// The picture, as SVG.
  public var svg: String {
    var elements = [
      Markup.text(validation.scenario, x: 24, y: 32, style: "head"),
      Markup.text("latency in both worlds; real proxy: \(validation.proxy)", x: 24, y: 54),
    ]
    elements += ChartLegend(entries: OverlayCurves.legend, width: 330).elements(left: 580, top: 18)
    var words: [String] = []
    for (place, overlay) in validation.overlays.enumerated() {
      let top = Self.top + Self.rowHeight * Double(place)
      let curves = OverlayCurves(simulated: Self.points(overlay.simulated), measured: Self.points(overlay.measured))
      elements.append(Markup.text(overlay.variant, x: 24, y: top + 2, style: "head"))
      elements += curves.elements(
        whole: OverlayCurves.Place(left: 64, top: top + 26, width: 380, height: 220),
        tail: OverlayCurves.Place(left: 512, top: top + 26, width: 380, height: 220))
      words.append("\(overlay.variant): \(curves.words).")
    }
    let height = Self.top + Self.rowHeight * Double(max(1, validation.overlays.count))
    return Chart(
      name: "validation", title: "\(validation.scenario): latencies simulated and measured",
      words: words.joined(separator: " "), width: Self.width, height: height, elements: elements
    ).file
  }

  /// What is drawn of a distribution; nothing of an empty one.
  private static func points(_ latency: LatencyHistogram) -> [QuantilePoint] {
    quantiles.compactMap { quantile in
      latency.quantile(quantile).map { QuantilePoint(quantile: quantile, latency: $0 / 1e6) }
    }
  }

  /// Two hundred even steps of the whole, and even steps of the tail's own scale up to 0.9995.
  private static let quantiles: [Double] = {
    let whole = (0..<180).map { Double($0) / 200 }
    let tail = [(0.9, 0.09), (0.99, 0.009)].flatMap { floor, width in
      (0..<45).map { floor + width * Double($0) / 45 }
    }
    return whole + tail + (0...10).map { 0.999 + 0.00005 * Double($0) }
  }()
}
