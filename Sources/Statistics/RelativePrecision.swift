// When to stop repeating: once the interval is narrow enough beside the mean.
//
// The sequential procedure of Law and Carson (Operations Research 27:1011, 1979; Law, Simulation Modeling and Analysis, section 9.4.1): the
// half width over the mean must not be above g/(1 + g) for the mean to be off by at most g of the truth, at the interval's confidence.

/// A relative error that is asked for.
public enum RelativePrecision {
  /// Whether `interval` tells `mean` as closely as `relative` (above 0) asks; without an interval it does not.
  public static func isMet(mean: Double, interval: Interval?, relative: Double) -> Bool {
    guard let interval else { return false }
    return interval.halfWidth <= mean.magnitude * limit(relative)
  }

  /// How many replications are likely to do, where `count` have given a mean with `interval`; nil where that cannot be told.
  public static func expectedCount(mean: Double, interval: Interval?, count: Int, relative: Double) -> Int? {
    let wanted = mean.magnitude * limit(relative)
    guard let interval, wanted > 0 else { return nil }
    let ratio = interval.halfWidth / wanted
    let expected = Double(count) * ratio * ratio
    return expected < 1e9 ? Int(expected.rounded(.up)) : nil
  }

  private static func limit(_ relative: Double) -> Double { relative / (1 + relative) }
}
