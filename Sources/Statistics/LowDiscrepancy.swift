// Points that fill a box evenly: the Sobol sequence, as GSL has it (Antonov and Saleev, 1979).

import CGSL

/// Evenly spread points.
public struct LowDiscrepancy: ~Copyable {
  private let generator: UnsafeMutablePointer<gsl_qrng>
  private let dimensions: Int

  /// The most dimensions.
  public static let dimensionLimit = 40

  /// Points of so many dimensions, 1 to `dimensionLimit`; nil for others.
  public init?(dimensions: Int) {
    guard (1...Self.dimensionLimit).contains(dimensions),
      let generator = ScientificLibrary.call({ gsl_qrng_alloc(weir_gsl_sobol(), UInt32(dimensions)) })
    else { return nil }
    self.generator = generator
    self.dimensions = dimensions
  }

  deinit { gsl_qrng_free(generator) }

  /// The next point, each coordinate above 0 and below 1. The first is the middle.
  public mutating func next() -> [Double] {
    var point = Array(repeating: 0.0, count: dimensions)
    gsl_qrng_get(generator, &point)
    return point
  }
}
