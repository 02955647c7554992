// What replications say about a figure: its mean, how sure that is, and how it differs from a baseline.
//
// Replications are independent runs with seeds of their own, so Student's t applies (Law, Simulation Modeling and Analysis,
// sections 9.4 and 10.2). Variants share the seeds of their replications: differences are taken pair by pair, and what both
// have in common cancels.

/// A range that holds the truth with some confidence, ends included.
public struct Interval: Sendable, Hashable {
  /// The lower end.
  public var low: Double
  /// The upper end.
  public var high: Double

  /// From `low` to `high`.
  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Whether `value` lies within.
  public func contains(_ value: Double) -> Bool { low <= value && value <= high }

  /// Half the width.
  public var halfWidth: Double { (high - low) / 2 }
}

/// A mean over replications.
public struct Estimate: Sendable, Hashable {
  /// The mean.
  public var mean: Double
  /// The confidence interval of the mean; nil with one replication.
  public var interval: Interval?
  /// How many replications.
  public var replications: Int

  /// The mean of `values`, one a replication, with a Student t interval of `confidence` (0…1, say 0.95); nil without values.
  public init?(of values: [Double], confidence: Double) {
    let moments = Moments(values)
    guard let mean = moments.mean else { return nil }
    self.mean = mean
    self.replications = values.count
    self.interval = moments.interval(confidence: confidence)
  }
}

/// A difference between two variants over replications with common seeds: variant minus baseline.
public struct PairedDifference: Sendable, Hashable {
  /// The mean difference.
  public var mean: Double
  /// Its confidence interval; nil with one pair.
  public var interval: Interval?
  /// The probability of a difference at least as large if there were none (two-sided paired t test); nil with one pair.
  public var pValue: Double?
  /// How many pairs.
  public var replications: Int

  /// The differences `values` − `baseline`, replication by replication; nil without values or with unequal counts.
  public init?(of values: [Double], over baseline: [Double], confidence: Double) {
    if values.count != baseline.count { return nil }
    let moments = Moments(zip(values, baseline).map { $0 - $1 })
    guard let mean = moments.mean else { return nil }
    self.mean = mean
    self.replications = values.count
    self.interval = moments.interval(confidence: confidence)
    self.pValue = moments.pValueOfZeroMean
  }
}

extension Moments {
  /// The Student t interval of the mean; nil with fewer than two numbers.
  public func interval(confidence: Double) -> Interval? {
    guard let mean, let standardError else { return nil }
    let degrees = Double(count - 1)
    // Rounded, because GSL's last bits depend on the CPU and result files must not.
    let quantile = StudentDistribution.quantile(0.5 + confidence / 2, degreesOfFreedom: degrees).roundedToTwelveDigits
    let half = quantile * standardError
    // Without spread the interval is a point, also at full confidence, where the quantile is infinite.
    return standardError == 0 ? Interval(low: mean, high: mean) : Interval(low: mean - half, high: mean + half)
  }

  /// The two-sided p-value of the t test that the true mean is 0; nil with fewer than two numbers.
  public var pValueOfZeroMean: Double? {
    guard let mean, let standardError else { return nil }
    if standardError == 0 { return mean == 0 ? 1 : 0 }
    return StudentDistribution.twoSided(mean / standardError, degreesOfFreedom: Double(count - 1))
  }
}
