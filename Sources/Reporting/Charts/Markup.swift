// Text and numbers as they stand in SVG and HTML: escaped, and short.

import Experiments

/// What pictures and pages are written with.
enum Markup {
  /// `text` as content, or as an attribute's value in double quotes. Names come from files, so nothing in them may be taken for markup.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\n", "\r", "\t": escaped += " "
      // XML 1.0 has no way to write most of these.
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE:
        escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// A coordinate: one digit behind the point is a tenth of what a screen shows.
  static func number(_ value: Double) -> String { DecimalNumber.fixed(value, places: 1) }

  /// `text`, at most `count` characters of it.
  static func shortened(_ text: String, to count: Int) -> String {
    text.count <= count ? text : String(text.prefix(max(1, count - 1))) + "…"
  }

  /// Where a text stands beside its place.
  enum Anchor: String {
    case start
    case middle
    case end
  }

  /// A text in a picture; the place is its baseline.
  static func text(_ text: String, x: Double, y: Double, anchor: Anchor = .start, style: String = "") -> String {
    let kind = style.isEmpty ? "" : " class=\"\(style)\""
    let side = anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
    return "<text\(kind)\(side) x=\"\(number(x))\" y=\"\(number(y))\">\(escaped(text))</text>"
  }
}
