// Logarithms for ratios: half as much and twice as much are equally far from the same.

import CGSL

/// The scale on which ratios are averaged.
public enum RatioScale {
  /// The natural logarithm of `ratio`, above 0.
  public static func logarithm(_ ratio: Double) -> Double {
    // Rounded, as all that GSL gives to result files.
    ScientificLibrary.call { gsl_sf_log(ratio) }.roundedToTwelveDigits
  }

  /// The ratio with this natural logarithm.
  public static func exponential(_ logarithm: Double) -> Double {
    ScientificLibrary.call { gsl_sf_exp(logarithm) }.roundedToTwelveDigits
  }
}
