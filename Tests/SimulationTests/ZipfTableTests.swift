import MeshCore
import Simulation
import Testing

/// Goal: keys come by Zipf's law. Method: chi-square of 200,000 draws over the most popular keys and the rest.
@Suite struct ZipfTableTests {
  /// The probabilities of the first `shown` keys, by definition.
  private func probabilities(keys: Int, exponent: Double, shown: Int) -> [Double] {
    var sum = 0.0
    for key in 1...keys { sum += Elementary.power(Double(key), -exponent) }
    return (1...shown).map { Elementary.power(Double($0), -exponent) / sum }
  }

  @Test(arguments: [
    (1, 1.1), (2, 0.0), (10, 0.0), (50, 0.7), (1000, 1.0), (10_000, 1.1), (1_000_001, 0.8), (1_000_001, 1.0),
    (1_000_001, 2.5), (1_000_001, 0.0),
  ])
  func followsItsLaw(keys: Int, exponent: Double) {
    let table = ZipfTable(keys: keys, exponent: exponent)
    let draws = 200_000
    let shown = min(keys, 20)
    var counts = [Int](repeating: 0, count: shown + 1)
    for number in 0..<UInt64(draws) {
      let key = table.sample(RandomKey(value: mix64(number &+ 77)))
      if key >= UInt64(keys) { Issue.record("key \(key) of \(keys)") }
      counts[min(shown, Int(key))] += 1
    }
    var statistic = 0.0
    var cells = 0.0
    var rest = 1.0
    func compare(_ count: Int, _ probability: Double) {
      let expected = probability * Double(draws)
      if expected < 5 { return }
      statistic += (Double(count) - expected) * (Double(count) - expected) / expected
      cells += 1
    }
    for (key, probability) in probabilities(keys: keys, exponent: exponent, shown: shown).enumerated() {
      rest -= probability
      compare(counts[key], probability)
    }
    compare(counts[shown], rest)
    #expect(cells > 0)
    // Four deviations above the mean of a chi-square.
    #expect(statistic < cells + 4 * (2 * cells).squareRoot())
  }

  /// Goal: table and rejection tell the same law on both sides of the border between them.
  @Test func bothMethodsAgree() {
    let small = ZipfTable(keys: ZipfTable.largestTable, exponent: 0.9)
    let large = ZipfTable(keys: ZipfTable.largestTable + 1, exponent: 0.9)
    var sums = (0.0, 0.0)
    let draws = 100_000
    for number in 0..<UInt64(draws) {
      let key = RandomKey(value: mix64(number))
      sums.0 += Elementary.logarithm(Double(small.sample(key)) + 1)
      sums.1 += Elementary.logarithm(Double(large.sample(key)) + 1)
    }
    #expect(abs(sums.0 - sums.1) / Double(draws) < 0.06)
  }
}
