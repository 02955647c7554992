// A heat map: a coloured cell for each pair of two things, with its value in it where there is room. The colour is never the only sign:
// values stand in the cells or in the table beside the chart.

/// Cells by two things.
struct HeatMap {
  /// What lies along, from left to right.
  let columns: [String]
  /// What lies up, from bottom to top.
  let rows: [String]
  /// The values, by row and column.
  let values: [[Double?]]
  /// From values to colours.
  let scale: ChartScale
  /// How a value is written.
  let text: (Double) -> String

  /// The step of colour that `value` has.
  func step(_ value: Double) -> Int {
    min(ChartStyle.heatSteps - 1, Int(scale.part(value) * Double(ChartStyle.heatSteps)))
  }

  /// Draws colours' meaning and cells on `sheet`; `xTitle` says what lies along, `yTitle` what lies up.
  func draw(on sheet: inout ChartSheet, xTitle: String, yTitle: String) {
    drawKey(on: &sheet)
    let height = min(44, max(14, 440 / Double(max(1, rows.count))))
    let panel = sheet.panel(
      height: height * Double(max(1, rows.count)), x: .places(columns),
      y: .places(rows, ticks: 20, letters: 8), xTitle: xTitle, yTitle: yTitle)
    let width = panel.width / Double(max(1, columns.count))
    var squares: [[String]] = Array(repeating: [], count: ChartStyle.heatSteps)
    var texts: [String] = []
    for (row, line) in values.enumerated() {
      for (column, value) in line.enumerated() {
        guard let value else { continue }
        let left = panel.left + width * Double(column)
        let top = panel.top + panel.height - height * Double(row + 1)
        let step = step(value)
        squares[step].append(
          "M \(Markup.number(left)) \(Markup.number(top)) h \(Markup.number(width)) v \(Markup.number(height)) h \(Markup.number(-width)) z"
        )
        if width >= 46 && height >= 18 {
          texts.append(
            Markup.text(
              text(value), x: left + width / 2, y: top + height / 2 + 5, anchor: .middle,
              style: ChartStyle.text(onHeat: step)))
        }
      }
    }
    for (step, paths) in squares.enumerated() where !paths.isEmpty {
      sheet.draw(["<path class=\"h\(step)\" d=\"\(paths.joined(separator: " "))\"/>"])
    }
    sheet.draw(texts)
  }

  private func drawKey(on sheet: inout ChartSheet) {
    let top = sheet.room(30) + 6
    let size = 24.0
    let left = ChartSheet.left + 60
    for step in 0..<ChartStyle.heatSteps {
      let x = Markup.number(left + size * Double(step))
      sheet.draw([
        "<rect class=\"h\(step)\" x=\"\(x)\" y=\"\(Markup.number(top))\" width=\"\(Markup.number(size))\" height=\"16\"/>"
      ])
    }
    let right = left + size * Double(ChartStyle.heatSteps)
    sheet.draw([
      Markup.text(text(scale.low), x: left - 7, y: top + 13, anchor: .end, style: "tick"),
      Markup.text(text(scale.high), x: right + 7, y: top + 13, style: "tick"),
    ])
  }
}
