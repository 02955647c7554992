// What a comparison comes to, in a sentence a variant: who is faster at the tail and by how much, or that nothing was shown.

import Experiments
import Statistics

/// Sentences about variants beside their baseline.
struct ComparisonVerdict {
  private let comparison: Comparison
  private let confidence: Double

  /// The verdicts of a comparison at a level of confidence, 0…1.
  init(_ comparison: Comparison, confidence: Double) {
    self.comparison = comparison
    self.confidence = confidence
  }

  /// The latencies that are spoken of.
  private static let latencies: [(column: SummaryColumn, name: String)] = [(.latencyP99, "p99"), (.latencyP50, "p50")]

  /// A sentence for each variant but the baseline; none where replications are too few for an interval.
  var sentences: [String] {
    comparison.variants.indices.dropFirst().compactMap { variant in
      let parts =
        Self.latencies.compactMap { latency($0.column, $0.name, variant) } + [successRate(variant)].compactMap { $0 }
      return parts.isEmpty ? nil : "\(comparison.variants[variant]): \(parts.joined(separator: "; "))"
    }
  }

  private var level: String { DecimalNumber(confidence * 100, significantDigits: 4).text + " % CI" }

  private func latency(_ column: SummaryColumn, _ name: String, _ variant: Int) -> String? {
    let row = comparison.row(column, variant: variant)
    guard let isShown = row.isShown(confidence: confidence) else { return nil }
    guard isShown, let ratio = row.difference?.ratio, ratio > 0 else { return "no difference shown at \(name)" }
    let isFaster = ratio < 1
    let factor = text(isFaster ? 1 / ratio : ratio)
    var sentence = "\(factor) × \(isFaster ? "faster" : "slower") at \(name) than \(comparison.baseline)"
    if let interval = row.difference?.ratioInterval, interval.low > 0 {
      let ends = isFaster ? (1 / interval.high, 1 / interval.low) : (interval.low, interval.high)
      sentence += " (\(level) \(text(ends.0))–\(text(ends.1)))"
    }
    return sentence
  }

  private func successRate(_ variant: Int) -> String? {
    let row = comparison.row(.successRate, variant: variant)
    guard row.isShown(confidence: confidence) == true, let difference = row.difference?.difference else { return nil }
    let points = DecimalNumber(difference.mean.magnitude * 100, significantDigits: 2).text
    return "\(points) points \(difference.mean > 0 ? "more" : "fewer") successes"
  }

  /// Three digits: 1.05 and 12.3.
  private func text(_ ratio: Double) -> String { DecimalNumber(ratio, significantDigits: 3).text }
}
