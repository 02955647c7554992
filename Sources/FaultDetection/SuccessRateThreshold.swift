// Which success rate stands out: mean − factor · σ, with the deviation of the whole population (Envoy; gRPC A50).
//
// The rule finds one bad endpoint among many good ones, and is blind where the bad ones are many: with half of the endpoints dead the
// mean is 50, the deviation 50, and the threshold below 0, so that nobody is ever ejected.

/// The threshold of an interval.
@frozen
public struct SuccessRateThreshold: BitwiseCopyable, Hashable, Sendable {
  /// The mean of the rates; -1 where there was nothing to compare.
  public var mean: Double
  /// Whoever is below this stands out; -1 where there was nothing to compare.
  public var threshold: Double
  /// The standard deviation; 0 where there was nothing to compare.
  public var deviation: Double

  /// Nothing to compare.
  public static var none: SuccessRateThreshold { SuccessRateThreshold(mean: -1, threshold: -1, deviation: 0) }

  private init(mean: Double, threshold: Double, deviation: Double) {
    self.mean = mean
    self.threshold = threshold
    self.deviation = deviation
  }

  /// The threshold of these rates, at least one, with `factor` thousandths of a standard deviation. Complexity: O(rates).
  public init(of rates: [Double], factor: UInt32) {
    let count = Double(rates.count)
    mean = rates.reduce(0, +) / count
    let mean = mean
    let variance = rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    deviation = variance.squareRoot()
    threshold = mean - Double(factor) / 1000 * deviation
  }
}
