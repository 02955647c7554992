// The same variant looks the same in every chart of a page.

/// Which line stands for which variant.
struct ReportPalette: Sendable {
  private var known = ReportNames()

  /// No variants yet.
  init() {}

  /// The variants so far, in order.
  var variants: [String] { known.names }

  /// Notes variants; those that are new come after the others.
  mutating func add(_ variants: [String]) { for variant in variants { _ = known.number(of: variant) } }

  /// The number of a variant's line.
  func number(_ variant: String) -> Int { known.known(variant) ?? ChartStyle.distinctLines }

  /// Lines beyond this one are left to the table.
  private static let lineLimit = 60

  /// What is drawn for a variant.
  struct Curve {
    var variant: String
    var points: [ChartPoint?]
  }

  /// The curves on `panel`: first the grey ones as one path, then those with colours of their own.
  func lines(_ curves: [Curve], on panel: ChartPanel) -> [String] {
    let rest = curves.filter { (ChartStyle.distinctLines..<Self.lineLimit).contains(number($0.variant)) }
    let grey = rest.map { panel.path($0.points) }.filter { !$0.isEmpty }
    var lines = grey.isEmpty ? [] : ["<path class=\"line rest\" d=\"\(grey.joined(separator: " "))\"/>"]
    // The baseline on top.
    for curve in curves.reversed() where number(curve.variant) < ChartStyle.distinctLines {
      lines += panel.line(curve.points, style: ChartStyle.line(number(curve.variant)))
    }
    return lines
  }

  /// The legend of a chart with these variants.
  func legend(_ variants: [String]) -> [ChartLegend.Entry] {
    let distinct = variants.filter { number($0) < ChartStyle.distinctLines }
    var entries = distinct.map { ChartLegend.Entry(style: ChartStyle.line(number($0)), label: $0) }
    let others = variants.count - distinct.count
    if others > 0 {
      entries.append(ChartLegend.Entry(style: "line rest", label: "\(others) other\(others == 1 ? "" : "s")"))
    }
    return entries
  }

  /// What a reader has to know of the variants that have no line of their own; empty when all have.
  func remark(_ variants: [String]) -> String {
    let others = variants.count { number($0) >= ChartStyle.distinctLines }
    return others == 0 ? "" : " Ten have lines of their own, the others are grey; the table has all."
  }

  /// A few variants' figures in words, as a picture's description has them.
  static func words(_ parts: [String]) -> String {
    let limit = 6
    return parts.prefix(limit).joined(separator: "; ")
      + (parts.count > limit ? "; and \(parts.count - limit) more in the table" : "") + "."
  }
}
