import CGSL
import MeshCore
import Simulation
import Testing

/// Goal: each distribution is the one it is called. Method: a million draws of a fixed seed against GSL's distribution
/// function (Kolmogorov–Smirnov: √n·D exceeds 1.95 once in a thousand) and against mean and variance (five deviations).
@Suite struct DistributionTableTests {
  static let draws = 1_000_000

  @Test(arguments: Law.continuous)
  func followsItsLaw(law: Law) {
    let sample = LawSample(of: law, draws: Self.draws, seed: 1)
    let count = Double(Self.draws)
    #expect(sample.distance() * count.squareRoot() < 1.95)
    #expect(abs(sample.mean - law.mean) < 5 * (law.variance / count).squareRoot() + 1e-6 * law.mean)
    #expect(abs(sample.variance / law.variance - 1) < 5 * (law.kurtosis / count).squareRoot())
    #expect(abs((law.description.mean ?? .nan) / law.mean - 1) < 1e-9)
  }

  /// Goal: the test above can fail. Method: the exponential's draws against one with a mean 1 % larger.
  @Test func aSlightlyWrongLawIsFound() {
    var law = Law.exponential
    law.share = { gsl_cdf_exponential_P($0, 5.05e6) }
    let sample = LawSample(of: law, draws: Self.draws, seed: 1)
    #expect(sample.distance() * Double(Self.draws).squareRoot() > 1.95)
  }

  /// Goal: the normal distribution above 0, and all that falls below at 0.
  @Test func normalIsCutAtZero() {
    let law = Law(
      "normal", .normal(mean: 2e6, standardDeviation: 2e6), mean: 0, variance: 0, kurtosis: 3
    ) { gsl_cdf_gaussian_P($0 - 2e6, 2e6) }
    let sample = LawSample(of: law, draws: Self.draws, seed: 1)
    #expect(sample.distance(above: gsl_cdf_ugaussian_P(-1)) * Double(Self.draws).squareRoot() < 1.95)
    let mean = 2e6 * (gsl_cdf_ugaussian_P(1) + gsl_ran_ugaussian_pdf(1))
    #expect(abs((law.description.mean ?? 0) / mean - 1) < 1e-9)
    #expect(abs(sample.mean / mean - 1) < 0.005)
    // Where the cut takes nothing, and where it takes nearly all.
    #expect(DistributionDescription.normal(mean: 100, standardDeviation: 1).mean == 100)
    let rare = DistributionDescription.normal(mean: -3, standardDeviation: 1).mean ?? 0
    #expect(abs(rare / (gsl_ran_ugaussian_pdf(3) - 3 * gsl_cdf_ugaussian_Q(3)) - 1) < 1e-6)
  }

  /// Goal: steps are equally likely, the first is the minimum, and none reaches the maximum.
  @Test(arguments: [(4.0, 16.0, 3.0, [4, 7, 10, 13]), (0.0, 10.0, 4.0, [0, 4, 8]), (5.0, 5.0, 1.0, [5])])
  func stepsAreEquallyLikely(minimum: Double, maximum: Double, step: Double, values: [Int64]) {
    let description = DistributionDescription.uniform(minimum: minimum, maximum: maximum, step: step)
    expectEquallyLikely(values, of: description)
    #expect(description.mean == Double(values.reduce(0, +)) / Double(values.count))
  }

  /// Goal: each recorded value comes equally often.
  @Test func empiricalValuesAreEquallyLikely() {
    expectEquallyLikely([10, 20, 40, 80, 160], of: .empirical([10, 20, 40, 80, 160]))
    #expect(DistributionDescription.empirical([10, 20, 40, 80, 160]).mean == 62)
  }

  /// Goal: a quantile function of many points, with a jump and a flat piece among them, is followed point by point. Method: as
  /// many points as the recorded latencies of "Beyond Round Robin" have; the share of draws below each.
  @Test func manyQuantilesAreFollowed() {
    var points = (0...1000).map { QuantilePoint(probability: Double($0) / 1000, value: Double($0 * $0)) }
    for place in 400...410 { points[place].value = points[400].value }
    points.insert(QuantilePoint(probability: 0.7, value: 600_000), at: 701)
    for place in 702..<points.count { points[place].value += 600_000 }
    var table = DistributionTable()
    let index = table.add(.quantiles(points))
    let draws = 50_000
    let values = (0..<UInt64(draws)).map { Double(table.sample(index, RandomKey(value: mix64($0)))) }.sorted()
    for place in stride(from: 7, to: points.count - 1, by: 13) where !(395...415).contains(place) {
      let below = Double(values.prefix { $0 <= points[place].value + 0.5 }.count) / Double(draws)
      #expect(abs(below - points[place].probability) < 0.01, "point \(place)")
    }
    let flat = values.filter { $0 == points[405].value }.count
    #expect(abs(flat - draws / 100) < 5 * 23)
    #expect(!values.contains { $0 > 490_001 && $0 < 599_999 })
    let mean = values.reduce(0, +) / Double(draws)
    #expect(abs((DistributionDescription.quantiles(points).mean ?? 0) / mean - 1) < 0.01)
  }

  private func expectEquallyLikely(_ values: [Int64], of description: DistributionDescription) {
    var table = DistributionTable()
    let index = table.add(description)
    var counts: [Int64: Int] = [:]
    let draws = 60_000
    for number in 0..<UInt64(draws) { counts[table.sample(index, RandomKey(value: mix64(number))), default: 0] += 1 }
    #expect(counts.keys.sorted() == values)
    let expected = Double(draws) / Double(values.count)
    for value in values { #expect(abs(Double(counts[value] ?? 0) - expected) < 5 * expected.squareRoot()) }
  }

  /// Goal: draws are whole nanoseconds, rounded to the nearest, never negative, never beyond what the clock can add.
  @Test func drawsAreWholeNanosecondsWithinBounds() {
    var table = DistributionTable()
    let key = RandomKey(value: 1)
    let cases: [(DistributionDescription, Int64)] = [
      (.constant(1.5), 2), (.constant(1.4), 1), (.constant(-3), 0), (.shifted(by: -1e9, of: .constant(5)), 0),
      (.constant(1e300), DistributionTable.longest),
    ]
    for (description, expected) in cases {
      let index = table.add(description)
      #expect(table.sample(index, key) == expected)
    }
    let heavy = table.add(.pareto(minimum: 1, alpha: 0.001, maximum: nil))
    for number in 0..<100 {
      let draw = table.sample(heavy, key.key(UInt64(number)))
      #expect(draw > 0 && draw <= DistributionTable.longest)
    }
  }

  /// Goal: a draw depends on its key alone, whatever else the table holds, so variants with other distributions meet the same
  /// draws.
  @Test func drawsDependOnTheKeyAlone() {
    var table = DistributionTable()
    var other = DistributionTable()
    _ = other.add(.quantiles([QuantilePoint(probability: 0, value: 1), QuantilePoint(probability: 1, value: 2)]))
    for law in Law.continuous {
      let index = table.add(law.description)
      _ = other.add(.mixture([MixturePart(weight: 1, distribution: .constant(3))]))
      let otherIndex = other.add(law.description)
      for number in 0..<50 {
        let key = RandomKey(value: mix64(UInt64(number)))
        let draw = table.sample(index, key)
        #expect(draw == other.sample(otherIndex, key))
      }
    }
  }

  /// Goal: where no mean exists none is given.
  @Test func infiniteMeansAreNil() {
    let heavy = DistributionDescription.pareto(minimum: 1, alpha: 1, maximum: nil)
    #expect(heavy.mean == nil)
    #expect(DistributionDescription.shifted(by: 1, of: heavy).mean == nil)
    #expect(DistributionDescription.mixture([MixturePart(weight: 0.1, distribution: heavy)]).mean == nil)
    #expect(DistributionDescription.constant(7).mean == 7)
  }
}
