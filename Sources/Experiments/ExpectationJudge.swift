// Judges `expect` rows: an expectation holds when the whole interval is within its bound, fails when the whole interval is
// outside, and otherwise there is not enough data to tell.

import Simulation
import Statistics

/// What became of an expectation.
public enum VerdictKind: String, Sendable, Hashable {
  /// The interval lies wholly within the bound.
  case holds
  /// The interval lies wholly outside.
  case fails
  /// The interval lies across the bound, or there was nothing to measure.
  case notEnoughData
}

/// An expectation and what was measured.
public struct Verdict: Sendable, Hashable {
  /// The expectation.
  public var expectation: Expectation
  /// What became of it.
  public var kind: VerdictKind
  /// What was measured: times are nanoseconds, with `ratioTo` it is the mean of the paired ratios. Nil without a value.
  public var measured: Estimate?
  /// The unit of what was measured.
  public var unit: MetricUnit
  /// Replications that had no value.
  public var missing: Int

  /// A verdict.
  public init(expectation: Expectation, kind: VerdictKind, measured: Estimate?, unit: MetricUnit, missing: Int) {
    self.expectation = expectation
    self.kind = kind
    self.measured = measured
    self.unit = unit
    self.missing = missing
  }
}

/// Judges results.
public enum ExpectationJudge {
  /// A verdict for each expectation of the scenario, in file order.
  public static func verdicts(_ result: ExperimentResult) -> [Verdict] {
    result.scenario.expectations.map { verdict($0, in: result) }
  }

  /// The verdict on one expectation. Replications without a value, and ratios to 0, can keep it from holding: it then either
  /// fails by what the others say or lacks data.
  public static func verdict(_ expectation: Expectation, in result: ExperimentResult) -> Verdict {
    let metric = Metric(named: expectation.metric)
    var values = metric.flatMap { result.variant(named: expectation.variant)?.values(of: $0) } ?? []
    var unit = metric?.unit ?? .number
    if let other = expectation.ratioTo {
      let others = metric.flatMap { result.variant(named: other)?.values(of: $0) } ?? []
      values = zip(values, others).map { value, other in
        guard let value, let other, other != 0 else { return nil }
        return value / other
      }
      unit = .number
    }
    let known = values.compactMap { $0 }
    let missing = values.count - known.count
    guard let measured = Estimate(of: known, confidence: result.scenario.confidence) else {
      return Verdict(
        expectation: expectation, kind: .notEnoughData, measured: nil, unit: unit, missing: missing)
    }
    var kind = kind(
      of: expectation.bound, low: measured.interval?.low ?? measured.mean,
      high: measured.interval?.high ?? measured.mean)
    if kind == .holds && missing > 0 { kind = .notEnoughData }
    return Verdict(expectation: expectation, kind: kind, measured: measured, unit: unit, missing: missing)
  }

  /// How the interval [low, high] lies to `bound`, whose ends belong to it.
  static func kind(of bound: ExpectationBound, low: Double, high: Double) -> VerdictKind {
    let allowed: (low: Double, high: Double) =
      switch bound {
      case .maximum(let most): (-.infinity, most)
      case .minimum(let least): (least, .infinity)
      case .equals(let target, let within):
        (target - within * target.magnitude, target + within * target.magnitude)
      }
    if low >= allowed.low && high <= allowed.high { return .holds }
    if high < allowed.low || low > allowed.high { return .fails }
    return .notEnoughData
  }
}
