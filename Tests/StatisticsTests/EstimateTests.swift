import Statistics
import Testing

/// Goal: intervals and p-values are textbook's. Method: tables of Student's t and an example by hand.
@Suite struct EstimateTests {
  @Test func quantilesAreThoseOfTheTables() {
    #expect(abs(StudentDistribution.quantile(0.975, degreesOfFreedom: 4) - 2.776_445_105_197_799) < 1e-10)
    #expect(abs(StudentDistribution.quantile(0.975, degreesOfFreedom: 9) - 2.262_157_162_740_991) < 1e-10)
    #expect(abs(StudentDistribution.quantile(0.995, degreesOfFreedom: 1) - 63.656_741_162_871_58) < 1e-8)
    #expect(abs(StudentDistribution.cumulative(2.776_445_105_197_799, degreesOfFreedom: 4) - 0.975) < 1e-12)
    #expect(abs(NormalDistribution.quantile(0.99) - 2.326_347_874_040_841) < 1e-12)
    #expect(abs(NormalDistribution.cumulative(1) - 0.841_344_746_068_543) < 1e-12)
  }

  /// Goal: no argument ends the process, which GSL would do by itself.
  @Test func argumentsOutsideTheDomainGiveNoNumber() {
    #expect(StudentDistribution.quantile(0.5, degreesOfFreedom: 0).isNaN)
    #expect(StudentDistribution.quantile(2, degreesOfFreedom: 3).isNaN)
    #expect(StudentDistribution.quantile(.nan, degreesOfFreedom: 3).isNaN)
    #expect(StudentDistribution.cumulative(1, degreesOfFreedom: -1).isNaN)
    #expect(NormalDistribution.quantile(-1).isNaN)
  }

  @Test func intervalOfFiveReplications() throws {
    let estimate = try #require(Estimate(of: [10, 12, 9, 11, 13], confidence: 0.95))
    #expect(estimate.mean == 11)
    #expect(estimate.replications == 5)
    let interval = try #require(estimate.interval)
    // 2.7764 · √(2.5 / 5)
    #expect(abs(interval.halfWidth - 1.963_243_161_477_559) < 1e-9)
    #expect(abs(interval.low - (11 - 1.963_243_161_477_559)) < 1e-9)
    #expect(interval.contains(12) && !interval.contains(13))
  }

  @Test func oneReplicationHasNoInterval() throws {
    let estimate = try #require(Estimate(of: [7], confidence: 0.95))
    #expect(estimate.mean == 7 && estimate.interval == nil)
    let difference = try #require(PairedDifference(of: [7], over: [5], confidence: 0.95))
    #expect(difference.mean == 2 && difference.interval == nil && difference.pValue == nil)
    #expect(Estimate(of: [], confidence: 0.95) == nil)
    #expect(PairedDifference(of: [], over: [], confidence: 0.95) == nil)
    #expect(PairedDifference(of: [1, 2], over: [1], confidence: 0.95) == nil)
  }

  /// Goal: what pairs have in common cancels. Method: differences 1, 2, 3 over widely scattered pairs: t = 2·√3, two degrees.
  @Test func pairedDifference() throws {
    let difference = try #require(PairedDifference(of: [101, 12, 1003], over: [100, 10, 1000], confidence: 0.95))
    #expect(difference.mean == 2)
    // For two degrees of freedom: p = 1 − t / √(2 + t²).
    let t = 2 * 3.0.squareRoot()
    #expect(abs(try #require(difference.pValue) - (1 - t / (2 + t * t).squareRoot())) < 1e-12)
    #expect(abs(try #require(difference.interval).halfWidth - 4.302_652_729_911_275 / 3.0.squareRoot()) < 1e-8)
  }

  @Test func differencesWithoutSpread() throws {
    let none = try #require(PairedDifference(of: [3, 4], over: [3, 4], confidence: 0.95))
    #expect(none.pValue == 1 && none.interval == Interval(low: 0, high: 0))
    let same = try #require(PairedDifference(of: [4, 5], over: [3, 4], confidence: 0.95))
    #expect(same.pValue == 0 && same.interval == Interval(low: 1, high: 1))
  }

  /// Goal: an interval of 90 % holds the truth nine times in ten. Method: 2000 samples of five normal variates.
  @Test func intervalsHoldWhatTheyPromise() throws {
    var generator = SplitMix(state: 3)
    var hits = 0
    for _ in 0..<2000 {
      let values = (0..<5).map { _ in 5 + NormalDistribution.quantile(generator.unit()) }
      if try #require(Estimate(of: values, confidence: 0.9)?.interval).contains(5) { hits += 1 }
    }
    #expect(abs(hits - 1800) < 4 * 14)
  }
}

/// Goal: parts add up to the whole, and no digits are lost next to a large mean.
@Suite struct MomentsTests {
  @Test func partsAddUp() throws {
    var generator = SplitMix(state: 8)
    let values = (0..<1000).map { _ in 1e9 + generator.unit() }
    let whole = Moments(values)
    var together = Moments()
    for part in [0..<1, 1..<1, 1..<400, 400..<1000] { together.add(Moments(values[part])) }
    #expect(together.count == 1000)
    #expect(abs(try #require(together.mean) - (try #require(whole.mean))) < 1e-14 * 1e9)
    #expect(abs(try #require(together.variance) / (try #require(whole.variance)) - 1) < 1e-6)
    #expect(abs(try #require(whole.variance) - 1 / 12.0) < 0.01)
  }

  @Test func fewNumbers() {
    #expect(Moments().mean == nil && Moments().variance == nil)
    #expect(Moments([4]).mean == 4 && Moments([4]).variance == nil)
    #expect(Moments([4, 8]).variance == 8)
  }
}
