// Parameters that a scenario gives in the words of its author, solved for those that a sampler needs.
//
// GSL and the C library may differ between machines in the last bit. What is solved here feeds a simulation that must not, so
// it is rounded to 12 significant digits.

import CGSL
import Foundation

extension Double {
  /// The nearest number of 12 significant decimal digits.
  public var roundedToTwelveDigits: Double {
    if !isFinite { return self }
    return Double(String(format: "%.11e", self)) ?? self
  }
}

/// A lognormal distribution: the exponential of a normal variate with mean `location` and deviation `scale`.
public struct Lognormal: Sendable, Hashable {
  /// The mean of the logarithm, of whatever unit the parameters have.
  public let location: Double
  /// The deviation of the logarithm; no unit.
  public let scale: Double

  private init?(exactLocation: Double, exactScale: Double) {
    if !exactLocation.isFinite || !exactScale.isFinite || exactScale < 0 { return nil }
    location = exactLocation.roundedToTwelveDigits
    scale = exactScale.roundedToTwelveDigits
  }

  /// With the given median and 0.99 quantile; nil unless 0 < median ≤ p99.
  public init?(median: Double, p99: Double) {
    if !(median > 0 && p99 >= median) { return nil }
    let location = ScientificLibrary.call { gsl_sf_log(median) }
    let distance = ScientificLibrary.call { gsl_sf_log(p99 / median) }
    self.init(exactLocation: location, exactScale: distance / NormalDistribution.quantile(0.99))
  }

  /// With the given median and deviation of the logarithm; nil unless median > 0 and sigma ≥ 0.
  public init?(median: Double, sigma: Double) {
    if !(median > 0 && sigma >= 0) { return nil }
    self.init(exactLocation: ScientificLibrary.call { gsl_sf_log(median) }, exactScale: sigma)
  }

  /// With the given mean and standard deviation; nil unless mean > 0 and deviation ≥ 0.
  public init?(mean: Double, standardDeviation: Double) {
    if !(mean > 0 && standardDeviation >= 0) { return nil }
    let ratio = standardDeviation / mean
    let variance = ScientificLibrary.call { gsl_log1p(ratio * ratio) }
    let location = ScientificLibrary.call { gsl_sf_log(mean) } - variance / 2
    self.init(exactLocation: location, exactScale: variance.squareRoot())
  }
}
