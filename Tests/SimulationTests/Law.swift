// Distributions with what GSL and pencil and paper know of them, and samples to hold against that.

import CGSL
import MeshCore
import Simulation
import Testing

/// A distribution as a scenario says it, with GSL's distribution function and the moments it must show.
struct Law: Sendable, CustomTestStringConvertible {
  var name: String
  var description: DistributionDescription
  var mean: Double
  var variance: Double
  /// The fourth central moment over the squared variance, or more: how far a sample variance may stray.
  var kurtosis: Double
  /// The share of draws at or below a number of nanoseconds.
  var share: @Sendable (Double) -> Double

  init(
    _ name: String, _ description: DistributionDescription, mean: Double, variance: Double, kurtosis: Double,
    share: @escaping @Sendable (Double) -> Double
  ) {
    self.name = name
    self.description = description
    self.mean = mean
    self.variance = variance
    self.kurtosis = kurtosis
    self.share = share
  }

  var testDescription: String { name }

  static let exponential = Law("exponential", .exponential(mean: 5e6), mean: 5e6, variance: 25e12, kurtosis: 9) {
    gsl_cdf_exponential_P($0, 5e6)
  }

  static let continuous: [Law] = sums + tails + composites

  private static let sums: [Law] = [
    exponential,
    Law("uniform", .uniform(minimum: 2e6, maximum: 8e6, step: nil), mean: 5e6, variance: 3e12, kurtosis: 1.8) {
      gsl_cdf_flat_P($0, 2e6, 8e6)
    },
    Law("erlang 3", .erlang(mean: 6e6, stages: 3), mean: 6e6, variance: 12e12, kurtosis: 5) {
      gsl_cdf_gamma_P($0, 3, 2e6)
    },
    Law("erlang 40", .erlang(mean: 40e6, stages: 40), mean: 40e6, variance: 40e12, kurtosis: 3.15) {
      gsl_cdf_gamma_P($0, 40, 1e6)
    },
    Law("gamma 2.5", .gamma(mean: 5e6, shape: 2.5), mean: 5e6, variance: 10e12, kurtosis: 5.4) {
      gsl_cdf_gamma_P($0, 2.5, 2e6)
    },
    Law("gamma 0.4", .gamma(mean: 4e6, shape: 0.4), mean: 4e6, variance: 40e12, kurtosis: 18) {
      gsl_cdf_gamma_P($0, 0.4, 10e6)
    },
  ]

  private static let tails: [Law] = [
    Law(
      "lognormal", .lognormal(location: 15.4, scale: 0.5), mean: gsl_sf_exp(15.525),
      variance: gsl_sf_exp(31.05) * gsl_sf_expm1(0.25), kurtosis: 9
    ) { gsl_cdf_lognormal_P($0, 15.4, 0.5) },
    Law(
      "weibull", .weibull(scale: 5e6, shape: 2), mean: 5e6 * gsl_sf_gamma(1.5),
      variance: 25e12 * (1 - gsl_sf_gamma(1.5) * gsl_sf_gamma(1.5)), kurtosis: 3.3
    ) { gsl_cdf_weibull_P($0, 5e6, 2) },
    Law("pareto", .pareto(minimum: 1e6, alpha: 6, maximum: nil), mean: 1.2e6, variance: 0.06e12, kurtosis: 60) {
      gsl_cdf_pareto_P($0, 6, 1e6)
    },
    // Density 1 / (0.9 x²) from 1 to 10: mean ln 10 / 0.9, mean square 10.
    Law(
      "pareto, cut", .pareto(minimum: 1e6, alpha: 1, maximum: 10e6), mean: 1e6 * gsl_sf_log(10) / 0.9,
      variance: 1e12 * (10 - gsl_sf_log(10) * gsl_sf_log(10) / 0.81), kurtosis: 6
    ) { min(1, gsl_cdf_pareto_P($0, 1, 1e6) / 0.9) },
  ]

  private static let composites: [Law] = [
    Law(
      "hyperexponential",
      .hyperexponential([
        HyperexponentialPhase(probability: 0.9, mean: 2e6), HyperexponentialPhase(probability: 0.1, mean: 30e6),
      ]), mean: 4.8e6, variance: (0.9 * 2 * 4 + 0.1 * 2 * 900 - 4.8 * 4.8) * 1e12, kurtosis: 80
    ) { 0.9 * gsl_cdf_exponential_P($0, 2e6) + 0.1 * gsl_cdf_exponential_P($0, 30e6) },
    Law(
      "quantiles",
      .quantiles([
        QuantilePoint(probability: 0, value: 0), QuantilePoint(probability: 0.5, value: 4e6),
        QuantilePoint(probability: 1, value: 12e6),
      ]), mean: 5e6, variance: (0.5 * 16 / 3 + 0.5 * 208 / 3 - 25) * 1e12, kurtosis: 2.5
    ) { $0 < 4e6 ? $0 / 8e6 : min(1, 0.5 + ($0 - 4e6) / 16e6) },
    Law(
      "mixture",
      .mixture([
        MixturePart(weight: 0.25, distribution: .uniform(minimum: 0, maximum: 4e6, step: nil)),
        MixturePart(
          weight: 0.75,
          distribution: .mixture([
            MixturePart(weight: 0.5, distribution: .exponential(mean: 8e6)),
            MixturePart(weight: 0.5, distribution: .gamma(mean: 6e6, shape: 3)),
          ])),
      ]), mean: 5.75e6, variance: (0.25 * 16 / 3 + 0.375 * 128 + 0.375 * 48 - 5.75 * 5.75) * 1e12, kurtosis: 12
    ) {
      0.25 * gsl_cdf_flat_P($0, 0, 4e6) + 0.375 * gsl_cdf_exponential_P($0, 8e6) + 0.375 * gsl_cdf_gamma_P($0, 3, 2e6)
    },
    Law("shifted", .shifted(by: 3e6, of: .exponential(mean: 2e6)), mean: 5e6, variance: 4e12, kurtosis: 9) {
      gsl_cdf_exponential_P($0 - 3e6, 2e6)
    },
  ]
}

/// Draws of one distribution, summed up: moments, and counts of F(x) on a grid, from which the Kolmogorov–Smirnov distance
/// follows, to 1/16384, without sorting.
struct LawSample {
  private static let cells = 16_384
  private(set) var mean = 0.0
  private var count = 0.0
  private var squares = 0.0
  private var grid = [Int32](repeating: 0, count: LawSample.cells)

  init(of law: Law, draws: Int, seed: UInt64) {
    var table = DistributionTable()
    let index = table.add(law.description)
    let family = RandomKey(seed: seed, replication: 0, purpose: .demand, entity: 0)
    for number in 0..<UInt64(draws) {
      let value = Double(table.sample(index, family.key(number)))
      count += 1
      let distance = value - mean
      mean += distance / count
      squares += distance * (value - mean)
      grid[min(Self.cells - 1, max(0, Int(law.share(value) * Double(Self.cells))))] += 1
    }
  }

  var variance: Double { squares / (count - 1) }

  /// The largest distance of the two distribution functions at a point of the grid above `floor`.
  func distance(above floor: Double = 0) -> Double {
    var seen = 0
    var worst = 0.0
    for cell in 0..<Self.cells {
      seen += Int(grid[cell])
      let level = Double(cell + 1) / Double(Self.cells)
      if level > floor + 1 / Double(Self.cells) { worst = max(worst, abs(Double(seen) / count - level)) }
    }
    return worst
  }
}
