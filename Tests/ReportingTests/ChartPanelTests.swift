// What panels, legends and heat maps draw: where points lie, where lines break, and which cell has which colour.

import Foundation
import Testing

@testable import Reporting

@Suite struct ChartPanelTests {
  private let panel = ChartPanel(
    left: 100, top: 50, width: 200, height: 100, xScale: .linear(from: 0, to: 10), yScale: .linear(from: 0, to: 1))

  /// Goal: values grow to the right and upwards; a gap breaks the line, a point alone is a stroke that can be seen.
  @Test func lines() {
    #expect(panel.path([ChartPoint(0, 0), ChartPoint(10, 1)]) == "M 100.0 150.0 300.0 50.0")
    let broken = panel.path([nil, ChartPoint(0, 0), ChartPoint(5, 0.5), nil, nil, ChartPoint(10, 1), nil])
    #expect(broken == "M 100.0 150.0 200.0 100.0 M 298.5 50.0 h 3")
    #expect(panel.path([nil, nil]).isEmpty)
    #expect(panel.line([], style: "line s0").isEmpty)
  }

  /// Goal: areas close, bars stand on the foot, bands and whiskers lie where their values are.
  @Test func shapes() {
    let area = panel.area(
      low: [ChartPoint(0, 0), ChartPoint(10, 0)], high: [ChartPoint(0, 1), ChartPoint(10, 1)], style: "area a0")
    #expect(area == ["<path class=\"area a0\" d=\"M 100.0 150.0 300.0 150.0 300.0 50.0 100.0 50.0 Z\"/>"])
    #expect(
      panel.bars([0.5, nil], style: "bar") == [
        "<path class=\"bar\" stroke-width=\"70.0\" d=\"M 150.0 150.0 V 100.0\"/>"
      ])
    #expect(
      panel.band(from: 5, to: 5, style: "fault").contains("x=\"200.0\" y=\"50.0\" width=\"1.0\" height=\"100.0\""))
    #expect(panel.whiskers([(x: 5, low: 0, high: 1)], style: "w") == ["<path class=\"w\" d=\"M 200.0 150.0 V 50.0\"/>"])
  }

  /// Goal: the axes have a label for each tick; without a title below, the panel leaves its x labels to the one below it.
  @Test func axes() {
    let whole = panel.axes(x: "time, s", y: "share").joined()
    for text in [">10</text>", ">0.2</text>", ">time, s</text>", ">share</text>"] {
      #expect(whole.contains(text), "\(text)")
    }
    let upper = panel.axes(x: nil, y: "share").joined()
    #expect(!upper.contains(">10</text>") && upper.contains(">0.2</text>"))
  }

  /// Goal: a legend takes as many rows as its names need, and none overlap.
  @Test func legend() {
    let entries = (0..<10).map { ChartLegend.Entry(style: ChartStyle.line($0), label: "a-variant-with-name-\($0)") }
    let legend = ChartLegend(entries: entries, width: 560)
    #expect(legend.height == 110)
    #expect(ChartLegend(entries: [], width: 560).height == 0)
    let text = legend.elements(left: 0, top: 0).joined()
    for number in 0..<10 {
      #expect(text.contains(">a-variant-with-name-\(number)</text>") && text.contains("s\(number)\""))
    }
  }

  /// Goal: each cell of a heat map has the colour of its value and, where there is room, the value itself; a cell without one is empty.
  @Test func heatMap() {
    let map = HeatMap(
      columns: ["1", "2"], rows: ["a", "b"], values: [[0, 10], [nil, 5]], scale: .linear(from: 0, to: 10),
      text: { "\(Int($0))!" })
    #expect([0, 0.99, 1, 5, 9.5, 10].map(map.step) == [0, 0, 1, 5, 9, 9])
    var sheet = ChartSheet()
    map.draw(on: &sheet, xTitle: "columns", yTitle: "rows")
    let text = sheet.elements.joined(separator: "\n")
    for step in [0, 5, 9] { #expect(text.components(separatedBy: "<path class=\"h\(step)\"").count == 2) }
    #expect(text.contains(">0!</text>") && text.contains(">10!</text>") && text.contains(">5!</text>"))
    #expect(text.components(separatedBy: " z").count == 1 + 3)
  }
}
