import LoadBalancing
import MeshCore
import Testing

private func bench(_ given: [(name: String, value: ParameterValue)] = [], count: Int) -> PolicyBench {
  PolicyBench(WeightedResponseTime(parameters(WeightedResponseTime.descriptor, given)), count: count)
}

extension PolicyBench {
  /// So many answers of a slot with that latency.
  fileprivate mutating func answers(_ count: Int, of slot: Int32, milliseconds: Int64, isSuccess: Bool = true) {
    for _ in 0..<count {
      begin(slot)
      end(slot, latency: .milliseconds(milliseconds), isSuccess: isSuccess)
    }
  }
}

@Suite struct WeightedResponseTimeTests {
  // Goal: after an update shares are those of 1 / latency, to a percent; before it they stay equal.
  @Test(arguments: 1...6) func sharesFollowInverseLatency(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let latencies = (0..<2 + random.below(5)).map { _ in Int64(10 + random.below(50)) }
    var bench = bench(count: latencies.count)
    for (slot, latency) in latencies.enumerated() { bench.answers(200, of: Int32(slot), milliseconds: latency) }
    let equal = 1 / Double(latencies.count)
    for share in bench.shares(of: latencies.count, picks: 5000) { #expect(abs(share - equal) < 0.001) }
    bench.go(to: .zero + .seconds(1))
    let total = latencies.reduce(0) { $0 + 1 / Double($1) }
    for (share, latency) in zip(bench.shares(of: latencies.count, picks: 20_000), latencies) {
      #expect(abs(share - 1 / Double(latency) / total) < 0.01)
    }
  }

  // Goal: a very slow endpoint keeps a tenth of the mean's turns, so that it can be seen to recover; then it gets its share back.
  @Test func theClampKeepsTheSlowInSight() {
    var bench = bench(count: 5)
    for slot in 0..<4 as Range<Int32> { bench.answers(200, of: slot, milliseconds: 1) }
    bench.answers(200, of: 4, milliseconds: 100_000)
    bench.go(to: .zero + .seconds(1))
    // The mean is 20 s: the others' weight is cut at 10, its own is 0.2.
    #expect(abs(bench.shares(of: 5, picks: 40_200)[4] - 0.2 / 40.2) < 0.001)
    bench.answers(500, of: 4, milliseconds: 1)
    bench.go(to: .zero + .seconds(2))
    for share in bench.shares(of: 5, picks: 10_000) { #expect(abs(share - 0.2) < 0.01) }
  }

  // Goal: failing fast does not attract, and what is not known weighs as the mean.
  @Test func failuresDoNotCount() {
    var bench = bench(count: 3)
    bench.answers(200, of: 0, milliseconds: 10)
    bench.answers(200, of: 1, milliseconds: 10)
    bench.answers(500, of: 1, milliseconds: 1, isSuccess: false)
    bench.go(to: .zero + .seconds(1))
    for share in bench.shares(of: 3, picks: 9000) { #expect(abs(share - 1.0 / 3) < 0.01) }
  }
}
