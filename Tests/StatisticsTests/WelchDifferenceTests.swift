import Statistics
import Testing

/// Goal: differences of means with unequal spreads are the textbook's. Method: published examples, and samples whose truth is
/// known.
@Suite struct WelchDifferenceTests {
  /// Goal: figures of others. The three examples of Wikipedia's "Welch's t-test" (2024) give t = −2.46 with 25.0 degrees of
  /// freedom and p = 0.021 for the first; p = 0.0108 with 2.0 for four against three values, one side scattered 25 times as
  /// widely. The further digits are a numerical integral of Student's density.
  @Test func knownExamples() throws {
    let first = try #require(
      WelchDifference(
        of: [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4],
        over: [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4],
        confidence: 0.95))
    #expect(abs(first.mean + 2.166_666_666_667) < 1e-10)
    #expect(abs(try #require(first.degreesOfFreedom) - 24.988_529_290_231) < 1e-9)
    #expect(abs(try #require(first.pValue) - 0.021_378_001_462_87) < 1e-10)
    let interval = try #require(first.interval)
    #expect(abs(interval.low + 3.984_096_267_14) < 1e-8 && abs(interval.high + 0.349_237_066_19) < 1e-8)
    let few = try #require(
      WelchDifference(of: [3.0, 4.0, 1.0, 2.1], over: [490.2, 340.0, 433.9], confidence: 0.95))
    #expect(abs(try #require(few.degreesOfFreedom) - 2.000_852_348_856) < 1e-9)
    #expect(abs(try #require(few.pValue) - 0.010_751_561_15) < 1e-8)
  }

  /// Goal: with as many values and equal spread on both sides it is Student's own test, with 2n − 2 degrees of freedom.
  @Test func equalSpreadIsStudents() throws {
    let difference = try #require(WelchDifference(of: [11, 12, 13], over: [1, 2, 3], confidence: 0.95))
    #expect(abs(try #require(difference.degreesOfFreedom) - 4) < 1e-12)
    #expect(difference.mean == 10)
    // 2.7764 · √(1/3 + 1/3)
    let half = 2.776_445_105_197_799 * (2 / 3.0).squareRoot()
    #expect(abs(try #require(difference.interval).halfWidth - half) < 1e-8)
  }

  @Test func tooFewValues() throws {
    #expect(WelchDifference(of: [], over: [1], confidence: 0.95) == nil)
    #expect(WelchDifference(of: [1], over: [], confidence: 0.95) == nil)
    let single = try #require(WelchDifference(of: [5], over: [1, 2, 3], confidence: 0.95))
    #expect(single.mean == 3 && single.interval == nil && single.pValue == nil && single.degreesOfFreedom == nil)
  }

  @Test func differencesWithoutSpread() throws {
    let none = try #require(WelchDifference(of: [3, 3], over: [3, 3, 3], confidence: 0.95))
    #expect(none.pValue == 1 && none.interval == Interval(low: 0, high: 0))
    let some = try #require(WelchDifference(of: [4, 4], over: [3, 3, 3], confidence: 0.95))
    #expect(some.pValue == 0 && some.interval == Interval(low: 1, high: 1))
    // One side alone has spread: the degrees of freedom are that side's.
    let half = try #require(WelchDifference(of: [4, 4], over: [3, 5, 7], confidence: 0.95))
    #expect(abs(try #require(half.degreesOfFreedom) - 2) < 1e-12)
  }

  /// Goal: an interval of 90 % holds the truth nine times in ten, though spreads differ tenfold. Method: 2000 samples of five
  /// and eight normal variates.
  @Test func intervalsHoldWhatTheyPromise() throws {
    var generator = SplitMix(state: 31)
    var hits = 0
    for _ in 0..<2000 {
      let values = (0..<5).map { _ in 7 + 10 * NormalDistribution.quantile(generator.unit()) }
      let baseline = (0..<8).map { _ in 5 + NormalDistribution.quantile(generator.unit()) }
      let difference = try #require(WelchDifference(of: values, over: baseline, confidence: 0.9))
      if try #require(difference.interval).contains(2) { hits += 1 }
    }
    #expect(abs(hits - 1800) < 4 * 14)
  }
}
