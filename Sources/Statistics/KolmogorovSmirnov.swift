// How far a sample is from a distribution, and how often chance alone takes one that far.
//
// Kolmogorov 1933 for the limit; Stephens (JRSS B 32:115, 1970) for the correction that makes it good from a few values on.

import CGSL

/// A one-sample Kolmogorov–Smirnov test.
public struct KolmogorovSmirnov: Sendable, Hashable {
  /// The largest distance between the sample's distribution function and the given one.
  public let distance: Double
  /// The probability of a distance at least as large if the sample were from the given distribution.
  public let pValue: Double

  /// Holds `sample` against the continuous distribution function `cumulative`; nil without values.
  ///
  /// Complexity: O(n log n).
  public init?(_ sample: [Double], cumulative: (Double) -> Double) {
    if sample.isEmpty { return nil }
    let count = Double(sample.count)
    var worst = 0.0
    for (index, value) in sample.sorted().enumerated() {
      let share = cumulative(value)
      worst = max(worst, share - Double(index) / count, Double(index + 1) / count - share)
    }
    distance = worst
    pValue = Self.pValue(distance: worst, count: sample.count)
  }

  /// The probability of a distance of at least `distance` among `count` values.
  public static func pValue(distance: Double, count: Int) -> Double {
    let root = Double(count).squareRoot()
    return survival((root + 0.12 + 0.11 / root) * distance)
  }

  /// Kolmogorov's limit: the probability of √n·D of at least `x`.
  static func survival(_ x: Double) -> Double {
    if !(x > 0) { return 1 }
    var sum = 0.0
    if x < 1 {
      // Jacobi's other series of the same function, which converges fast here.
      let exponent = -Double.pi * Double.pi / (8 * x * x)
      for odd in stride(from: 1.0, through: 9, by: 2) {
        let power = odd * odd * exponent
        if power < -700 { break }
        sum += ScientificLibrary.call { gsl_sf_exp(power) }
      }
      return 1 - (2 * Double.pi).squareRoot() / x * sum
    }
    for term in 1...12 {
      let power = -2 * Double(term * term) * x * x
      if power < -700 { break }
      sum += ScientificLibrary.call { gsl_sf_exp(power) } * (term % 2 == 1 ? 2 : -2)
    }
    return min(1, max(0, sum))
  }
}
