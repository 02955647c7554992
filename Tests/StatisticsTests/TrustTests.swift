import Statistics
import Testing

/// Goal: what the statistics promise over many experiments is what they keep. Method: thousands of cheap experiments with a known truth.
@Suite struct TrustTests {
  /// Exponential values: skewed, as latencies are.
  private func exponential(_ random: inout SplitMix) -> Double { -RatioScale.logarithm(random.unit()) }

  /// The mean of 200 exponential values: a replication.
  private func replication(_ random: inout SplitMix) -> Double {
    (0..<200).reduce(0) { sum, _ in sum + exponential(&random) } / 200
  }

  /// Of 10,000 pairs of variants that do not differ, the paired test at 5 % accuses 4.4 to 5.6 %.
  @Test func trueNullsAreRejectedAsOftenAsPromised() {
    var random = SplitMix(state: 11)
    var rejected = 0
    for _ in 0..<10_000 {
      let pairs = (0..<10).map { _ in
        let shared = random.unit() * 20
        let left = (0..<8).reduce(0) { sum, _ in sum + random.unit() }
        let right = (0..<8).reduce(0) { sum, _ in sum + random.unit() }
        return (shared + left, shared + right)
      }
      let difference = PairedDifference(of: pairs.map(\.0), over: pairs.map(\.1), confidence: 0.95)
      if (difference?.pValue ?? 1) < 0.05 { rejected += 1 }
    }
    #expect((440...560).contains(rejected), "\(rejected)")
  }

  /// Stopped by its precision, a mean is within the asked share of the truth as often as its confidence says.
  @Test func precisionIsMet() {
    var random = SplitMix(state: 13)
    var within = 0
    var most = 0
    for _ in 0..<1000 {
      var values = (0..<10).map { _ in replication(&random) }
      while let estimate = Estimate(of: values, confidence: 0.95),
        !RelativePrecision.isMet(mean: estimate.mean, interval: estimate.interval, relative: 0.03)
      {
        let expected = RelativePrecision.expectedCount(
          mean: estimate.mean, interval: estimate.interval, count: values.count, relative: 0.03)
        let next = min(2 * values.count, max(values.count + 2, expected ?? 2 * values.count))
        values += (values.count..<next).map { _ in replication(&random) }
      }
      most = max(most, values.count)
      if abs(values.reduce(0, +) / Double(values.count) - 1) <= 0.03 { within += 1 }
    }
    #expect(within >= 930, "\(within)")
    #expect(most > 20 && most < 200, "\(most)")
  }

  @Test func precisionByHand() {
    let interval = Interval(low: 99, high: 101)
    // Half width 1 of a mean of 100: 1 %, against 0.02 / 1.02 and 0.01 / 1.01.
    #expect(RelativePrecision.isMet(mean: 100, interval: interval, relative: 0.02))
    #expect(!RelativePrecision.isMet(mean: 100, interval: interval, relative: 0.01))
    #expect(!RelativePrecision.isMet(mean: 100, interval: nil, relative: 0.5))
    // (0.01 · 1.005 / 0.005)² times ten.
    #expect(RelativePrecision.expectedCount(mean: 100, interval: interval, count: 10, relative: 0.005) == 41)
    #expect(RelativePrecision.expectedCount(mean: 0, interval: interval, count: 10, relative: 0.005) == nil)
  }

  @Test func pointsFillTheSquare() {
    var cells = Array(repeating: 0, count: 16)
    guard var points = LowDiscrepancy(dimensions: 2) else {
      Issue.record("no points in a square")
      return
    }
    for _ in 0..<64 {
      let point = points.next()
      #expect(point.allSatisfy { 0 < $0 && $0 < 1 })
      cells[Int(point[0] * 4) * 4 + Int(point[1] * 4)] += 1
    }
    // By chance some cell of sixteen would have fewer than two or more than seven of sixty-four.
    #expect(cells.allSatisfy { (3...5).contains($0) }, "\(cells)")
    for dimensions in [0, 41] {
      if case .some = LowDiscrepancy(dimensions: dimensions) { Issue.record("points of \(dimensions) dimensions") }
    }
  }
}
