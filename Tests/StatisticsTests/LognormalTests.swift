import CGSL
import Statistics
import Testing

/// Goal: solved parameters give back what was asked for, and impossible wishes give nothing.
@Suite struct LognormalTests {
  @Test func medianAndTail() throws {
    let solved = try #require(Lognormal(median: 5e6, p99: 40e6))
    #expect(abs(gsl_cdf_lognormal_P(5e6, solved.location, solved.scale) - 0.5) < 1e-10)
    #expect(abs(gsl_cdf_lognormal_P(40e6, solved.location, solved.scale) - 0.99) < 1e-10)
  }

  @Test func medianAndSigma() throws {
    let solved = try #require(Lognormal(median: 5e6, sigma: 0.7))
    #expect(solved.scale == 0.7)
    #expect(abs(gsl_cdf_lognormal_P(5e6, solved.location, 0.7) - 0.5) < 1e-10)
  }

  @Test func meanAndDeviation() throws {
    let solved = try #require(Lognormal(mean: 3e6, standardDeviation: 4e6))
    let variance = solved.scale * solved.scale
    let mean = gsl_sf_exp(solved.location + variance / 2)
    #expect(abs(mean / 3e6 - 1) < 1e-10)
    #expect(abs((gsl_expm1(variance)).squareRoot() * mean / 4e6 - 1) < 1e-10)
  }

  @Test func impossibleWishes() {
    #expect(Lognormal(median: 5, p99: 4) == nil)
    #expect(Lognormal(median: 0, p99: 4) == nil)
    #expect(Lognormal(median: 5, sigma: -1) == nil)
    #expect(Lognormal(mean: -1, standardDeviation: 1) == nil)
    #expect(Lognormal(mean: 1, standardDeviation: .nan) == nil)
    #expect(Lognormal(mean: .infinity, standardDeviation: 1) == nil)
    #expect(Lognormal(median: 5, p99: 5)?.scale == 0)
  }

  /// Goal: a last bit that differs between machines does not reach the simulation.
  @Test func twelveDigitsAreKept() {
    #expect((1.0 / 3).roundedToTwelveDigits == 0.333333333333)
    #expect((2e20 / 3).roundedToTwelveDigits == 6.66666666667e19)
    #expect((-1.5).roundedToTwelveDigits == -1.5)
    #expect(0.0.roundedToTwelveDigits == 0)
    #expect(Double.infinity.roundedToTwelveDigits == .infinity)
    let value = 15.424948470398375
    #expect(value.roundedToTwelveDigits == value.nextUp.roundedToTwelveDigits)
  }
}
