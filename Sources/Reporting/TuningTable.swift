// What `weir tune` prints: the setting found, how good it is, and what is as good.

import Experiments
import Statistics

/// A search's result.
public struct TuningTable {
  private let result: TuningResult
  private let paths: [String]
  private let metric: Metric

  /// The table of `result` over `paths`.
  public init(_ result: TuningResult, paths: [String], metric: Metric) {
    self.result = result
    self.paths = paths
    self.metric = metric
  }

  /// How many rivals are shown.
  private static let limit = 10

  /// The table, ending in a line feed.
  public func text(title: String, on canvas: Canvas) -> String {
    var lines = [
      canvas.styled(title, .strong) + ": \(metric.name), \(result.settings) settings in \(result.runs) runs", "",
    ]
    for (path, value) in zip(paths, result.best.values) { lines.append("--set \(path)=\(value)") }
    lines.append("")
    let estimates = [("found", result.estimate), ("the file's own setting", result.ownEstimate)]
    for (name, estimate) in estimates {
      lines.append("\(name): \(estimate.map { FigureFormat.text($0, metric.unit) } ?? "-")")
    }
    lines.append(verdict)
    if !result.rivals.isEmpty {
      lines += ["", "not told from it, by the \(result.best.figures.count) replications of the race:"]
      let all = [result.best] + result.rivals
      for (place, path) in paths.enumerated() {
        let values = all.map { $0.values[place] }
        let shown = values.prefix(Self.limit).joined(separator: ", ")
        lines.append("  \(path): \(shown)\(values.count > Self.limit ? ", … (\(values.count) in all)" : "")")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var verdict: String {
    guard let difference = result.difference, let interval = difference.difference.interval else {
      return "no difference can be told"
    }
    if !difference.isDistinguishable {
      return
        "no difference shown between them, on \(difference.difference.replications) replications that the race has not seen"
    }
    let format = FigureFormat(
      metric.unit, for: [interval.low, interval.high, difference.difference.mean], halfWidths: [interval.halfWidth])
    let unit = format.unit.isEmpty ? "" : " " + format.unit
    return
      "difference: \(format.text(difference.difference.mean)) (\(format.text(interval.low)) to \(format.text(interval.high)))\(unit), "
      + "on \(difference.difference.replications) replications that the race has not seen"
  }
}
