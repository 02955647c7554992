// Variants side by side: means over replications with their intervals, and how each differs from the baseline.
//
// Variants meet the same traffic (common random numbers), so replication i of one is compared with replication i of the other:
// the interval of the paired differences is far narrower than the two intervals would suggest. Student's t throughout. One
// replication has no interval.

import Simulation
import Statistics

/// How a variant differs from the baseline in one figure.
public struct BaselineDifference: Sendable, Hashable {
  /// The variant's mean over the baseline's; nil when that is 0.
  public var ratio: Double?
  /// The interval of the ratio, from the paired logarithms; nil with one pair, and where a value is not above 0.
  public var ratioInterval: Interval?
  /// The paired difference, variant minus baseline.
  public var difference: PairedDifference

  /// Compares replication with replication, those that both have; nil without a pair.
  public init?(_ values: [Double?], to baseline: [Double?], confidence: Double) {
    let pairs = zip(values, baseline).compactMap { left, right in left.flatMap { left in right.map { (left, $0) } } }
    guard
      let difference = PairedDifference(of: pairs.map(\.0), over: pairs.map(\.1), confidence: confidence),
      let mean = Moments(pairs.map(\.0)).mean, let baselineMean = Moments(pairs.map(\.1)).mean
    else { return nil }
    self.difference = difference
    self.ratio = baselineMean == 0 ? nil : mean / baselineMean
    if pairs.allSatisfy({ $0.0 > 0 && $0.1 > 0 }) {
      let logarithms = Moments(pairs.map { RatioScale.logarithm($0.0 / $0.1) })
      ratioInterval = logarithms.interval(confidence: confidence).map {
        Interval(low: RatioScale.exponential($0.low), high: RatioScale.exponential($0.high))
      }
    }
  }

  /// Whether the interval of the difference leaves out 0.
  public var isDistinguishable: Bool { difference.interval.map { !$0.contains(0) } ?? false }
}

/// One figure of one variant, over its replications.
public struct ComparisonRow: Sendable, Hashable {
  /// The variant's name.
  public var variant: String
  /// Which figure. Times are nanoseconds.
  public var column: SummaryColumn
  /// Its mean; nil when no replication has a value.
  public var estimate: Estimate?
  /// How it differs from the baseline; nil for the baseline itself.
  public var difference: BaselineDifference?
  /// The probability of so large a difference by chance, corrected for how many variants are held against the baseline in this figure
  /// (Holm); nil for the baseline, and with one replication.
  public var adjustedPValue: Double?

  /// A row.
  public init(variant: String, column: SummaryColumn, estimate: Estimate?, difference: BaselineDifference?) {
    self.variant = variant
    self.column = column
    self.estimate = estimate
    self.difference = difference
  }

  /// Whether the difference from the baseline is more than chance, after the correction; nil where that was not tested.
  public func isShown(confidence: Double) -> Bool? {
    adjustedPValue.map { HolmCorrection.shows($0, confidence: confidence) }
  }
}

/// All figures of all variants of an experiment.
public struct Comparison: Sendable, Hashable {
  /// The baseline's name.
  public var baseline: String
  /// The variants' names, the baseline first.
  public var variants: [String]
  /// Variant by variant, in the order of `SummaryColumn`.
  public var rows: [ComparisonRow]

  /// Compares the variants of `result`.
  public init(_ result: ExperimentResult) {
    let confidence = result.scenario.confidence
    baseline = result.variants.first?.variant.name ?? ""
    variants = result.variants.map(\.variant.name)
    rows = []
    for (index, variant) in result.variants.enumerated() {
      for column in SummaryColumn.allCases {
        let values = variant.values(of: .summary(column))
        rows.append(
          ComparisonRow(
            variant: variant.variant.name, column: column,
            estimate: Estimate(of: values.compactMap { $0 }, confidence: confidence),
            difference: index == 0
              ? nil
              : BaselineDifference(
                values, to: result.variants[0].values(of: .summary(column)), confidence: confidence)))
      }
    }
    correct()
  }

  /// Of many variants some look different by chance: the more there are, the more each has to show.
  private mutating func correct() {
    let columns = SummaryColumn.allCases.count
    for column in 0..<columns {
      let places = stride(from: column, to: rows.count, by: columns).filter {
        rows[$0].difference?.difference.pValue != nil
      }
      let adjusted = HolmCorrection.adjusted(places.map { rows[$0].difference?.difference.pValue ?? 1 })
      for (place, value) in zip(places, adjusted) { rows[place].adjustedPValue = value }
    }
  }

  /// The row of `column` of the variant with the given index.
  public func row(_ column: SummaryColumn, variant: Int) -> ComparisonRow {
    let columns = SummaryColumn.allCases
    return rows[variant * columns.count + (columns.firstIndex(of: column) ?? 0)]
  }
}
