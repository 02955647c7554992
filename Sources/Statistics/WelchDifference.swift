// How two means differ whose replications have nothing in common: other seeds, other numbers of them, other spreads.
//
// Welch, The generalization of "Student's" problem when several different population variances are involved (Biometrika
// 34:28, 1947), with the degrees of freedom of Satterthwaite (Biometrics Bulletin 2:110, 1946). Where seeds are common,
// `PairedDifference` sees far more.

/// A difference between the means of two independent sets of replications: values minus baseline.
public struct WelchDifference: Sendable, Hashable {
  /// The difference of the means.
  public var mean: Double
  /// Its confidence interval; nil with fewer than two values on either side.
  public var interval: Interval?
  /// The probability of a difference at least as large if there were none (Welch's t test, two-sided); nil with fewer
  /// than two values on either side.
  public var pValue: Double?
  /// The degrees of freedom, not whole; nil without an interval, and where nothing has any spread.
  public var degreesOfFreedom: Double?

  /// The mean of `values` − the mean of `baseline`; nil when one of them is empty.
  public init?(of values: [Double], over baseline: [Double], confidence: Double) {
    let (own, other) = (Moments(values), Moments(baseline))
    guard let ownMean = own.mean, let otherMean = other.mean else { return nil }
    mean = ownMean - otherMean
    guard let ownVariance = own.variance, let otherVariance = other.variance else { return }
    let (ownPart, otherPart) = (ownVariance / Double(own.count), otherVariance / Double(other.count))
    let error = (ownPart + otherPart).squareRoot()
    if error == 0 {
      interval = Interval(low: mean, high: mean)
      pValue = mean == 0 ? 1 : 0
      return
    }
    let whole = ownPart + otherPart
    // In shares, so that nothing under- or overflows.
    let (ownShare, otherShare) = (ownPart / whole, otherPart / whole)
    let degrees =
      1 / (ownShare * ownShare / Double(own.count - 1) + otherShare * otherShare / Double(other.count - 1))
    degreesOfFreedom = degrees
    pValue = StudentDistribution.twoSided(mean / error, degreesOfFreedom: degrees)
    // Rounded, because GSL's last bits depend on the CPU and result files must not.
    let quantile = StudentDistribution.quantile(0.5 + confidence / 2, degreesOfFreedom: degrees).roundedToTwelveDigits
    interval = Interval(low: mean - quantile * error, high: mean + quantile * error)
  }
}
