// The distributions that intervals and tests are read from.

import CGSL

/// Student's t distribution.
public enum StudentDistribution {
  /// The point below which a t variate lies with probability `probability` (0…1). Not a number where `degreesOfFreedom` is not
  /// above 0.
  public static func quantile(_ probability: Double, degreesOfFreedom: Double) -> Double {
    if !(degreesOfFreedom > 0) || !(probability >= 0 && probability <= 1) { return .nan }
    return ScientificLibrary.call { gsl_cdf_tdist_Pinv(probability, degreesOfFreedom) }
  }

  /// The probability of a t variate of at most `value`.
  public static func cumulative(_ value: Double, degreesOfFreedom: Double) -> Double {
    if !(degreesOfFreedom > 0) { return .nan }
    return ScientificLibrary.call { gsl_cdf_tdist_P(value, degreesOfFreedom) }
  }

  /// The probability of a t variate at least as far from 0 as `value`, on either side.
  public static func twoSided(_ value: Double, degreesOfFreedom: Double) -> Double {
    if !(degreesOfFreedom > 0) { return .nan }
    return min(1, 2 * ScientificLibrary.call { gsl_cdf_tdist_Q(abs(value), degreesOfFreedom) })
  }
}

/// The normal distribution with mean 0 and deviation 1.
public enum NormalDistribution {
  /// The point below which a variate lies with probability `probability` (0…1).
  public static func quantile(_ probability: Double) -> Double {
    if !(probability >= 0 && probability <= 1) { return .nan }
    return ScientificLibrary.call { gsl_cdf_ugaussian_Pinv(probability) }
  }

  /// The probability of a variate of at most `value`.
  public static func cumulative(_ value: Double) -> Double { ScientificLibrary.call { gsl_cdf_ugaussian_P(value) } }
}
