// `run.replications: auto`: more replications until named figures are known well enough.
//
// All variants have the same replications, so that they stay comparable pair by pair; the figure that is known worst decides. What is
// judged are whole rounds, so the number of threads and who is first change nothing.

import Simulation
import Statistics

/// How well some figures have to be known.
public struct PrecisionGoal: Sendable, Hashable {
  /// A figure and how far off its mean may be.
  public struct Target: Sendable, Hashable {
    /// The figure.
    public var metric: Metric
    /// As a share of it, above 0.
    public var relative: Double

    /// A target.
    public init(metric: Metric, relative: Double) {
      self.metric = metric
      self.relative = relative
    }
  }

  /// The figures, of every variant.
  public var targets: [Target]
  /// The most replications.
  public var most: Int

  /// How many replications there are before anything is judged: of fewer, chance ends the matter too soon.
  public static let first = 10

  /// A goal.
  public init(targets: [Target], most: Int) {
    self.targets = targets
    self.most = most
  }

  /// How many replications there have to be in all, where `count` have given `results`; nil when that is enough, or all there may be.
  func next(after count: Int, _ results: [VariantResult], confidence: Double) -> Int? {
    var wanted = 0
    for missed in missed(results, confidence: confidence) {
      let expected = RelativePrecision.expectedCount(
        mean: missed.estimate.mean, interval: missed.estimate.interval, count: count, relative: missed.target.relative)
      wanted = max(wanted, expected ?? 2 * count)
    }
    if wanted == 0 || count >= most { return nil }
    // A guess from few replications may be far off: at most twice as many, and at least two more.
    return min(most, max(count + 2, min(wanted, 2 * count)))
  }

  /// What is to be said where the cap was reached before the goal, a line a figure.
  func notes(_ results: [VariantResult], confidence: Double) -> [String] {
    missed(results, confidence: confidence).map { missed in
      let known = missed.estimate.interval.map { interval -> String in
        let share = interval.halfWidth / missed.estimate.mean.magnitude * 100
        return share.isFinite ? "±\(DecimalNumber(share, significantDigits: 2).text) %" : "no share of 0"
      }
      return "precision: \(missed.target.metric.name) of \(missed.variant) is known to \(known ?? "nothing") after "
        + "\(missed.estimate.replications) replications, the most that run.maxReplications allows; "
        + "asked for \(DecimalNumber(missed.target.relative * 100, significantDigits: 3).text) %"
    }
  }

  private struct Missed {
    var variant: String
    var target: Target
    var estimate: Estimate
  }

  /// The figures that are not known well enough. One that no replication has is never waited for.
  private func missed(_ results: [VariantResult], confidence: Double) -> [Missed] {
    results.flatMap { result in
      targets.compactMap { target -> Missed? in
        let values = result.values(of: target.metric).compactMap { $0 }
        guard let estimate = Estimate(of: values, confidence: confidence) else { return nil }
        let isMet = RelativePrecision.isMet(
          mean: estimate.mean, interval: estimate.interval, relative: target.relative)
        return isMet ? nil : Missed(variant: result.variant.name, target: target, estimate: estimate)
      }
    }
  }
}
