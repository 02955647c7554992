import Experiments
import Simulation
import Statistics
import SyntheticResults
import Testing

@Suite struct ComparisonTests {
  /// Mean and interval of 10, 12, 14, by hand: the standard deviation is 2, its error 2 / √3, Student's t with 2 degrees of
  /// freedom at 97.5 % is 4.302652729749464 (t = α √(2 / (1 − α²)) with α = 0.95).
  @Test func intervalByHand() throws {
    let estimate = try #require(Estimate(of: [10, 12, 14], confidence: 0.95))
    #expect(estimate.mean == 12)
    #expect(estimate.replications == 3)
    let halfWidth = try #require(estimate.interval?.halfWidth)
    #expect(abs(halfWidth - 4.968275423501) < 1e-8)
    #expect(abs(try #require(estimate.interval?.low) - (12 - halfWidth)) < 1e-12)
    #expect(abs(try #require(estimate.interval?.high) - (12 + halfWidth)) < 1e-12)
  }

  /// One value has no interval, equal values have one without width, no values have no mean.
  @Test func degenerateIntervals() throws {
    let one = try #require(Estimate(of: [7.25], confidence: 0.95))
    #expect(one.mean == 7.25)
    #expect(one.interval == nil)
    let equal = try #require(Estimate(of: [0.1, 0.1, 0.1], confidence: 0.99))
    #expect(equal.mean == 0.1)
    #expect(equal.interval?.halfWidth == 0)
    #expect(Estimate(of: [], confidence: 0.95) == nil)
  }

  /// Paired differences 1, 2, 3 by hand: t = 2 √3 = 3.4641, two-sided p = 1 − t / √(t² + 2) = 0.0741799.
  @Test func pairedDifferencesByHand() throws {
    let difference = try #require(BaselineDifference([11, 14, 17], to: [10, 12, 14], confidence: 0.95))
    #expect(difference.ratio == 14.0 / 12.0)
    #expect(difference.difference.mean == 2)
    #expect(abs(try #require(difference.difference.interval?.halfWidth) - 2.484137711750) < 1e-8)
    #expect(abs(try #require(difference.difference.pValue) - 0.074_179_9) < 1e-5)
    #expect(!difference.isDistinguishable)
  }

  /// Replications without a value drop out in pairs; a baseline of 0 has no ratio; differences that are all equal are certain.
  @Test func pairsWithGaps() throws {
    let gaps = try #require(BaselineDifference([nil, 5, 6], to: [1, 0, nil], confidence: 0.95))
    #expect(gaps.difference == PairedDifference(of: [5], over: [0], confidence: 0.95))
    #expect(gaps.ratio == nil)
    #expect(gaps.difference.pValue == nil)
    #expect(BaselineDifference([nil], to: [1], confidence: 0.95) == nil)
    #expect(BaselineDifference([3, 4], to: [1, 2], confidence: 0.95)?.difference.pValue == 0)
    #expect(BaselineDifference([1, 2], to: [1, 2], confidence: 0.95)?.difference.pValue == 1)
  }

  /// An experiment is compared variant by variant in the order of the columns; the baseline has no difference to itself.
  @Test func rowsOfAnExperiment() {
    let scenario = syntheticScenario()
    let result = ExperimentResult(
      scenario: scenario,
      variants: [
        VariantResult(
          variant: scenario.variants[0],
          replications: [syntheticResult(replication: 0, p99: 10), syntheticResult(replication: 1, p99: 20)]),
        VariantResult(
          variant: scenario.variants[1],
          replications: [syntheticResult(replication: 0, p99: 5), syntheticResult(replication: 1, p99: 10)]),
      ])
    let comparison = Comparison(result)
    #expect(comparison.baseline == "roundRobin")
    #expect(comparison.rows.count == 2 * SummaryColumn.allCases.count)
    #expect(comparison.row(.latencyP99, variant: 0).estimate?.mean == 15e6)
    #expect(comparison.row(.latencyP99, variant: 0).difference == nil)
    #expect(comparison.row(.latencyP99, variant: 1).difference?.ratio == 0.5)
    #expect(comparison.row(.latencyP99, variant: 1).difference?.difference.mean == -7.5e6)
    #expect(comparison.row(.latencyMean, variant: 1).estimate == nil)
  }
}
