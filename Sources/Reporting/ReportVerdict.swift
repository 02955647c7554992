// What a comparison comes to, in plain words: a sentence a variant and figure, or that no difference was shown.
//
// A difference counts as shown when its interval leaves out 0 and, where the file has them, the p-value corrected for the number of
// variants agrees: of fifty variants some look different by chance.

import Experiments
import Statistics

/// Sentences about variants beside their baseline.
struct ReportVerdict {
  let comparison: ReportComparison
  /// The level of the intervals; nil where nothing says it.
  let confidence: Double?

  /// The figures that are spoken of.
  private static let spoken = [
    ("latency_p99_ms", "latency p99"), ("latency_p50_ms", "latency p50"), ("success_rate", "success rate"),
  ]

  /// The sentences by figure, those that there are, a sentence for each variant but the baseline.
  var groups: [(title: String, sentences: [String])] {
    guard let baseline = comparison.baseline else { return [] }
    return Self.spoken.compactMap { name, title -> (title: String, sentences: [String])? in
      guard let metric = comparison.place(name) else { return nil }
      let sentences = comparison.variants.indices.compactMap { variant in
        comparison.variants[variant] == baseline ? nil : sentence(metric, title, variant, baseline)
      }
      return sentences.isEmpty ? nil : (title: title, sentences: sentences)
    }
  }

  /// One sentence: `peakEwma: latency p99 2.3 × lower than roundRobin (difference -6.72 ms, 95 % CI -7.21 to -6.24)`.
  private func sentence(_ metric: Int, _ title: String, _ variant: Int, _ baseline: String) -> String? {
    guard let row = comparison.row(metric, of: variant), let difference = row.difference else { return nil }
    let column = comparison.metrics[metric]
    let isRate = column.unit == .fraction
    let unit = isRate ? " points" : " \(column.shownUnit)"
    func text(_ value: Double) -> String { DecimalNumber(column.shown(value), significantDigits: 3).text }
    let name = "\(comparison.variants[variant]): \(title)"
    let size = "difference \(text(difference.mean))\(unit)"
    let change = change(row.ratio, difference.mean, points: isRate ? text(difference.mean.magnitude) : nil)
    guard let interval = difference.interval else {
      return
        "\(name) \(change) than \(baseline) in the one replication there is (\(size)); without an interval that shows nothing"
    }
    let spread = "\(size), \(level) \(text(interval.low)) to \(text(interval.high))"
    if interval.contains(0) { return "\(name): no difference shown from \(baseline) (\(spread))" }
    if let adjusted = row.adjustedPValue, !HolmCorrection.shows(adjusted, confidence: confidence ?? 0.95) {
      let chance = DecimalNumber(adjusted, significantDigits: 2).text
      return
        "\(name): no difference shown from \(baseline) (\(spread), p \(chance) corrected for the number of variants)"
    }
    return "\(name) \(change) than \(baseline) (\(spread))"
  }

  private var level: String {
    confidence.map { DecimalNumber($0 * 100, significantDigits: 4).text + " % CI" } ?? "CI"
  }

  /// By how much, in the way people say it: a multiple, or per cent where it is less than half as much again; rates in points.
  private func change(_ ratio: Double?, _ difference: Double, points: String?) -> String {
    let way = difference < 0 ? "lower" : "higher"
    if let points { return "\(points) points \(way)" }
    guard let ratio, ratio > 0 else { return way }
    let factor = ratio < 1 ? 1 / ratio : ratio
    if factor >= 1.5 { return "\(DecimalNumber(factor, significantDigits: 2).text) × \(way)" }
    return "\(DecimalNumber((ratio - 1).magnitude * 100, significantDigits: 2).text) % \(way)"
  }
}
