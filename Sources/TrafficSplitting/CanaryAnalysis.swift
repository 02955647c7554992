// Canary analysis: a new version gets more traffic step by step while its answers are good enough, and none once they were not too often.
//
// Flagger's rule (pkg/controller/scheduler.go). At each check, in this order: as many failed checks as the threshold allows → aborted, all
// traffic back; the version has traffic and its figures are out of bounds, or there are none → one more failed check, and no step; below
// the last step → the next one; at the last step → promoted. A failed check is never forgotten, so `threshold` bounds them all, not those
// in a row; and the check that ends a release comes one interval after the last one that it was allowed. At a promotion Flagger brings the
// new version to the primary workload and routes all traffic there: here, all traffic goes to the new version.

import MeshCore

/// What a version's answers in an interval were.
public struct CanarySample: Sendable {
  /// Answers, timeouts and broken attempts among them.
  public private(set) var count: UInt64 = 0
  /// Those that were no 5xx.
  public private(set) var successes: UInt64 = 0
  private var microseconds = LogLinearHistogram()

  /// None.
  public init() {}

  /// Counts an answer.
  public mutating func insert(latency: TimeSpan, isSuccess: Bool) {
    count += 1
    if isSuccess { successes += 1 }
    microseconds.insert(latency.nanoseconds / 1000)
  }

  /// Adds what others have counted.
  public mutating func merge(_ other: CanarySample) {
    count += other.count
    successes += other.successes
    microseconds.merge(other.microseconds)
  }

  /// Forgets everything.
  public mutating func clear() {
    count = 0
    successes = 0
    microseconds.clear()
  }

  /// The share of successes, 0…1; nil without answers.
  public var successRate: Double? { count == 0 ? nil : Double(successes) / Double(count) }

  /// How long a quantile of them took, to two digits; nil without answers.
  public func duration(quantile: Double) -> TimeSpan? {
    microseconds.quantile(quantile).map { TimeSpan(nanoseconds: Int64($0 * 1000)) }
  }
}

/// What a check has led to.
public enum CanaryVerdict: Sendable, Hashable {
  /// The new version gets so many per cent.
  case advanced(to: Int32)
  /// Its figures do not allow a step.
  case halted(CanaryFault)
  /// It gets everything.
  case promoted
  /// It gets nothing any more; so many checks have failed.
  case aborted(failedChecks: Int32)
}

/// What is wrong with a version.
public enum CanaryFault: Sendable, Hashable {
  /// It has had no traffic to go by.
  case noAnswers
  /// Too few of its answers were successes.
  case lowSuccessRate(Double, least: Double)
  /// They took too long.
  case longDuration(TimeSpan, most: TimeSpan)
}

/// How far a release has come.
public struct CanaryAnalysis: Sendable {
  /// How far.
  public enum Phase: Sendable, Hashable {
    /// It gets the weight of a step, or none yet.
    case progressing
    /// It gets everything.
    case promoted
    /// It gets nothing.
    case aborted
  }

  /// How far it has come.
  public private(set) var phase = Phase.progressing
  /// What it gets, in per cent.
  public private(set) var weight: Int32 = 0
  /// Checks that have failed.
  public private(set) var failedChecks: Int32 = 0
  private let description: CanaryDescription

  /// A release that has not begun.
  public init(_ description: CanaryDescription) { self.description = description }

  /// A check is due.
  ///
  /// - Parameter sample: The version's answers since the last one.
  /// - Returns: What comes of it; nil once the release is over.
  public mutating func check(_ sample: CanarySample) -> CanaryVerdict? {
    if phase != .progressing { return nil }
    if failedChecks >= description.threshold {
      phase = .aborted
      weight = 0
      return .aborted(failedChecks: failedChecks)
    }
    if weight > 0, let fault = fault(sample) {
      failedChecks += 1
      return .halted(fault)
    }
    if let next = description.stepWeights.first(where: { $0 > weight }) {
      weight = next
      return .advanced(to: next)
    }
    phase = .promoted
    weight = 100
    return .promoted
  }

  private func fault(_ sample: CanarySample) -> CanaryFault? {
    if let least = description.minSuccessRate {
      guard let rate = sample.successRate else { return .noAnswers }
      if rate < least { return .lowSuccessRate(rate, least: least) }
    }
    if let most = description.maxDuration {
      guard let duration = sample.duration(quantile: description.durationQuantile) else { return .noAnswers }
      if duration > most { return .longDuration(duration, most: most) }
    }
    return nil
  }

  /// The weights of a route's split while its canary gets `weight` per cent: the others keep their proportions.
  public static func weights(_ split: [WeightedCluster], canary: Int, weight: Int32) -> [UInt64] {
    let others = split.indices.reduce(UInt64(0)) { $1 == canary ? $0 : $0 + UInt64(split[$1].weight) }
    let (own, rest) = (UInt64(clamping: weight), UInt64(clamping: 100 - weight))
    return split.indices.map { $0 == canary ? own * max(1, others) : rest * UInt64(split[$0].weight) }
  }
}
