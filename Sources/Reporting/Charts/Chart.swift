// A chart: a picture with a title and words that say what it shows, to stand in a page or alone.

/// A picture in SVG.
public struct Chart: Sendable, Hashable {
  /// A name of lower-case letters, digits and hyphens; `<name>.svg` when it is a file.
  public let name: String
  /// What it is a picture of.
  let title: String
  /// What it shows, in words, with the main figures: for whoever cannot see it.
  let words: String
  let width: Double
  let height: Double
  /// What is drawn, one element each.
  let elements: [String]

  private var attributes: String {
    "role=\"img\" aria-labelledby=\"\(name)-title \(name)-words\" viewBox=\"0 0 \(Markup.number(width)) \(Markup.number(height))\""
  }

  private var names: [String] {
    [
      "<title id=\"\(name)-title\">\(Markup.escaped(title))</title>",
      "<desc id=\"\(name)-words\">\(Markup.escaped(words))</desc>",
    ]
  }

  /// The chart as a part of a page, which has the style.
  var inline: String { (["<svg \(attributes)>"] + names + elements + ["</svg>"]).joined(separator: "\n") }

  /// The chart as a file of its own: no script, no font, nothing from anywhere; it follows the reader's light or dark theme.
  public var file: String {
    let size = "width=\"\(Markup.number(width))\" height=\"\(Markup.number(height))\""
    let opening = ["<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) \(attributes)>"]
    let ground = ["<style>\n\(ChartStyle.whole)\n</style>", "<rect class=\"page\" width=\"100%\" height=\"100%\"/>"]
    return (opening + names + ground + elements + ["</svg>"]).joined(separator: "\n") + "\n"
  }
}

/// A chart in the making: legend and panels below one another, all as wide as a column of a page and still legible on a phone.
struct ChartSheet {
  static let width = 600.0
  static let left = 66.0
  static let right = 16.0
  /// How wide a panel is.
  static let panelWidth = width - left - right

  private(set) var elements: [String] = []
  /// Where the next part begins.
  private(set) var bottom = 6.0

  /// Adds what is drawn into the parts that are there.
  mutating func draw(_ more: [String]) { elements += more }

  /// Adds a legend.
  mutating func legend(_ entries: [ChartLegend.Entry]) {
    let legend = ChartLegend(entries: entries, width: Self.width - 16)
    elements += legend.elements(left: 8, top: bottom)
    bottom += legend.height
  }

  /// Adds a line of text.
  mutating func text(_ text: String, style: String = "") {
    elements.append(Markup.text(text, x: 8, y: bottom + 17, style: style))
    bottom += 24
  }

  /// Leaves room for what the caller draws, and returns where that begins.
  mutating func room(_ height: Double) -> Double {
    defer { bottom += height }
    return bottom
  }

  /// Adds a panel with its axes; without `xTitle` it shares the scale of the one below.
  mutating func panel(
    height: Double, x: ChartScale, y: ChartScale, xTitle: String? = nil, yTitle: String
  ) -> ChartPanel {
    let panel = ChartPanel(
      left: Self.left, top: bottom + 28, width: Self.panelWidth, height: height, xScale: x, yScale: y)
    elements += panel.axes(x: xTitle, y: yTitle)
    bottom = panel.top + height + (xTitle == nil ? 8 : 46)
    return panel
  }

  /// The finished chart.
  func chart(_ name: String, title: String, words: String) -> Chart {
    Chart(name: name, title: title, words: words, width: Self.width, height: bottom + 6, elements: elements)
  }
}
