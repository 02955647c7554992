// Charts as parts of a page and as files of their own, and what their text is escaped to.

import Foundation
import Testing

@testable import Reporting

@Suite struct ChartTests {
  private func chart() -> Chart {
    var sheet = ChartSheet()
    sheet.legend([ChartLegend.Entry(style: "line s0", label: "<b>&\"'")])
    let panel = sheet.panel(
      height: 100, x: .linear(from: 0, to: 1), y: .linear(from: 0, to: 1), xTitle: "x", yTitle: "y")
    sheet.draw(panel.line([ChartPoint(0, 0), ChartPoint(1, 1)], style: "line s0"))
    return sheet.chart("a-chart", title: "A <title>", words: "Rises from 0 to 1 & ends.")
  }

  /// Goal: a chart says what it is and what it shows, to whoever cannot see it too.
  @Test func names() {
    let text = chart().inline
    #expect(text.hasPrefix("<svg role=\"img\" aria-labelledby=\"a-chart-title a-chart-words\" viewBox=\"0 0 600.0 "))
    #expect(text.contains("<title id=\"a-chart-title\">A &lt;title&gt;</title>"))
    #expect(text.contains("<desc id=\"a-chart-words\">Rises from 0 to 1 &amp; ends.</desc>"))
    #expect(!text.contains("<style") && !text.contains("<b>"))
  }

  /// Goal: as a file it has its style with it, follows the theme, calls nobody and is XML.
  @Test func file() throws {
    let text = chart().file
    #expect(text.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\"") && text.hasSuffix("</svg>\n"))
    #expect(text.contains("prefers-color-scheme: dark") && text.contains("@media print"))
    for word in ["href", "<script", "url(", "@import", "src="] { #expect(!text.contains(word), "\(word)") }
    #expect(unbalanced(text) == nil)
  }

  /// Goal: ten lines differ in their dashes or colours, each pair of them.
  @Test func linesDiffer() {
    let rules = (0..<ChartStyle.distinctLines).map { number in
      ChartStyle.shapes.components(separatedBy: ".s\(number) {").last?.components(separatedBy: "}").first ?? ""
    }
    #expect(Set(rules).count == ChartStyle.distinctLines)
    #expect(ChartStyle.line(9) == "line s9" && ChartStyle.line(10) == "line rest")
  }

  /// Goal: nothing in a name becomes markup, ends an attribute or is no character of XML.
  @Test func escaping() {
    #expect(Markup.escaped("<a href=\"x\" b='y'>&amp;") == "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;")
    #expect(Markup.escaped("a\u{0}b\u{1B}c\nd\u{85}é\u{FFFE}🎈") == "a\u{FFFD}b\u{FFFD}c d\u{FFFD}é\u{FFFD}🎈")
    #expect(Markup.shortened("abcdef", to: 6) == "abcdef" && Markup.shortened("abcdefg", to: 6) == "abcde…")
  }
}

/// The first element of `text` that is not closed where it should be; nil when all are.
func unbalanced(_ text: String) -> String? {
  var open: [String] = []
  // What stands in a style sheet is no markup.
  let parts = text.components(separatedBy: "<style>").enumerated().map { place, part in
    place == 0 ? part : part.components(separatedBy: "</style>").dropFirst().joined(separator: "</style>")
  }
  for piece in parts.joined().components(separatedBy: "<").dropFirst() {
    guard let end = piece.firstIndex(of: ">") else { return "<\(piece)" }
    let tag = piece[..<end]
    let name = String(tag.prefix { !$0.isWhitespace && $0 != "/" || $0 == "/" && tag.first == "/" })
    if name.hasPrefix("!") || tag.hasSuffix("/") || ["meta", "link"].contains(name) { continue }
    if name.hasPrefix("/") {
      guard open.last == String(name.dropFirst()) else { return "<\(tag)> in \(open.last ?? "nothing")" }
      open.removeLast()
    } else {
      open.append(name)
    }
  }
  return open.last
}
