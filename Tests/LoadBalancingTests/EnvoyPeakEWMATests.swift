import Foundation
import LoadBalancing
import MeshCore
import Testing

private func bench(count: Int) -> PolicyBench {
  let given: [(name: String, value: ParameterValue)] = [("form", .word("envoy")), ("defaultRtt", .integer(10_000_000))]
  return PolicyBench(
    PeakEWMA.descriptor.make(parameters(PeakEWMA.descriptor, given), BalancerContext()), count: count)
}

@Suite struct EnvoyPeakEWMATests {
  // Goal: through random answers the costs are those of an obvious reference: every 100 ms all samples of at least a millisecond,
  // each with the share of its own age.
  @Test(arguments: 1...10) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    var bench = bench(count: 3)
    var samples = [[(value: Double, time: Int64)]](repeating: [], count: 3)
    var averages = [Double](repeating: 0, count: 3)
    var nextRound: Int64 = 100
    for _ in 0..<2000 {
      let time = bench.now.nanoseconds / 1_000_000 + Int64(random.below(30))
      while nextRound <= time {
        for slot in 0..<3 {
          for sample in samples[slot] {
            let age = Double(nextRound - sample.time) / 1000
            let share = averages[slot] == 0 || age <= 0 ? 1 : 1 - exp(-age / 10)
            averages[slot] = share * sample.value + (1 - share) * averages[slot]
          }
          samples[slot] = []
        }
        nextRound += 100
      }
      bench.go(to: .zero + .milliseconds(time))
      let slot = random.below(3)
      let latency = random.below(50_000_000)
      bench.begin(Int32(slot))
      bench.end(Int32(slot), latency: TimeSpan(nanoseconds: Int64(latency)))
      if latency >= 1_000_000 { samples[slot].append((Double(latency / 1_000_000), time)) }
      for slot in 0..<3 as Range<Int32> {
        let cost = bench.policy.rank(bench.endpoints.view, slot: slot, at: bench.now)
        let expected = averages[Int(slot)] == 0 ? 10 : averages[Int(slot)]
        try #require(abs((cost ?? .nan) - expected) <= 1e-9 * expected)
      }
    }
  }

  // Goal: the tie bias is there: of two idle equals always the second, of four the odd ones seven times as often.
  @Test func tiesAreBiased() {
    var two = bench(count: 2)
    #expect(two.shares(of: 2, picks: 1000) == [0, 1])
    var four = bench(count: 4)
    for (share, expected) in zip(four.shares(of: 4, picks: 100_000), [0.0625, 0.4375, 0.0625, 0.4375]) {
      #expect(abs(share - expected) < 0.006)
    }
  }

  // Goal: an endpoint that is faster than a millisecond stays unmeasured, and dear while it has requests.
  @Test func theFastLookUnmeasured() {
    var bench = bench(count: 2)
    for _ in 0..<100 {
      bench.begin(0)
      bench.end(0, latency: .microseconds(900))
    }
    bench.go(to: .zero + .milliseconds(200))
    bench.begin(0)
    #expect(bench.policy.rank(bench.endpoints.view, slot: 0, at: bench.now) == 1_000_001)
  }
}
