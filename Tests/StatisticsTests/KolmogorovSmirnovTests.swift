import CGSL
import Statistics
import Testing

/// Goal: the distance is the largest, and its p-value is uniform when the sample is what it is said to be.
@Suite struct KolmogorovSmirnovTests {
  @Test func distanceByHand() throws {
    // Steps of 1/3 at 0.1, 0.4, 0.9 against the uniform distribution: largest after 0.4, 2/3 − 0.4.
    let test = try #require(KolmogorovSmirnov([0.9, 0.1, 0.4]) { $0 })
    #expect(abs(test.distance - (2 / 3.0 - 0.4)) < 1e-15)
    #expect(KolmogorovSmirnov([]) { $0 } == nil)
  }

  /// Kolmogorov's table: 1.3581 is exceeded once in twenty, 1.6276 once in a hundred, 0.5 nearly always.
  @Test(arguments: [(1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001), (0.8276, 0.5), (0.5, 0.963945), (0.1, 1)])
  func limitIsThatOfTheTable(scaled: Double, probability: Double) {
    let count = 100_000_000
    let distance = scaled / Double(count).squareRoot()
    #expect(abs(KolmogorovSmirnov.pValue(distance: distance, count: count) - probability) < 2e-4)
  }

  @Test func pValuesAreUniform() throws {
    var generator = SplitMix(state: 12)
    var low = 0
    for _ in 0..<1000 {
      let test = try #require(KolmogorovSmirnov((0..<50).map { _ in generator.unit() }) { $0 })
      if test.pValue < 0.1 { low += 1 }
    }
    #expect(abs(low - 100) < 4 * 10)
  }

  @Test func aWrongLawIsFound() throws {
    var generator = SplitMix(state: 13)
    let test = try #require(
      KolmogorovSmirnov((0..<5000).map { _ in generator.unit() }) { min(1, $0 * 1.1) })
    #expect(test.pValue < 1e-6)
  }
}
