// What `weir capacity` prints: a line a variant.

import Experiments
import Statistics

/// Capacities side by side.
public struct CapacityTable {
  private let results: [CapacityResult]
  private let confidence: Double

  /// The table of `results` at a level of confidence, 0…1.
  public init(_ results: [CapacityResult], confidence: Double) {
    self.results = results
    self.confidence = confidence
  }

  /// The table, ending in a line feed; `title` and `objective` stand above it.
  public func text(title: String, objective: String, on canvas: Canvas) -> String {
    let level = DecimalNumber(confidence * 100, significantDigits: 4).text
    var table = TextTable(alignments: [.left, .right, .right, .left])
    table.rows.append(
      ["", "requests/s", "× the scenario's load", ""].map { TextCell(text: $0, style: .strong) })
    for result in results {
      table.rows.append([
        TextCell(text: result.variant), TextCell(text: result.load.map { rate(result, $0) } ?? "-"),
        TextCell(text: result.factor.map { FigureFormat.text($0, .number) } ?? "-"),
        TextCell(text: remark(result), style: .faint),
      ])
    }
    let lines =
      [canvas.styled(title, .strong) + ": the highest load that holds \(objective), mean ± \(level) % interval", ""]
      + table.lines(on: canvas)
    return lines.joined(separator: "\n") + "\n"
  }

  private func rate(_ result: CapacityResult, _ load: Double) -> String {
    Estimate(of: result.factors.map { $0 * load }, confidence: confidence).map { FigureFormat.text($0, .number) } ?? "-"
  }

  private func remark(_ result: CapacityResult) -> String {
    var parts: [String] = []
    if let difference = result.difference, let ratio = difference.ratio, let first = results.first {
      let factor = DecimalNumber(ratio, significantDigits: 3).text
      let interval = difference.ratioInterval.map {
        " (\(DecimalNumber($0.low, significantDigits: 3).text)–\(DecimalNumber($0.high, significantDigits: 3).text))"
      }
      parts.append(
        difference.isDistinguishable
          ? "\(factor) × \(first.variant)\(interval ?? "")" : "no difference to \(first.variant) shown")
    }
    if result.unbounded > 0 {
      parts.append("\(result.unbounded) of \(result.factors.count) replications found no end of it, or no beginning")
    }
    return parts.joined(separator: "; ")
  }
}
