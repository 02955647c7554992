import LoadBalancing
import MeshCore
import Testing

@Suite struct LeastOfDrawsTests {
  private func bench(draws: Int64, weights: [UInt32]) throws -> PolicyBench {
    let descriptor = try #require(PolicyRegistry.policy(named: "random"))
    let given: [(name: String, value: ParameterValue)] = [("form", .word("haproxy")), ("draws", .integer(draws))]
    var bench = PolicyBench(
      descriptor.make(parameters(descriptor, given), BalancerContext()), random: RandomStream(state: 5))
    bench.list(
      weights.enumerated().map { EndpointDescription(identity: EndpointIdentity(Int32($0.offset)), weight: $0.element) }
    )
    return bench
  }

  private func counts(_ bench: inout PolicyBench, picks: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: bench.endpoints.states.count)
    for _ in 0..<picks { counts[Int(bench.pick())] += 1 }
    return counts
  }

  // Goal: one draw is random choice by weight: four standard deviations around what the weights give.
  @Test func oneDrawGoesByWeight() throws {
    var bench = try bench(draws: 1, weights: [1, 3, 4])
    let counts = counts(&bench, picks: 80_000)
    for (count, share) in zip(counts, [0.125, 0.375, 0.5]) {
      #expect(abs(Double(count) - 80_000 * share) < 4 * (80_000 * share * (1 - share)).squareRoot(), "\(counts)")
    }
  }

  // Goal: of two draws the less loaded for its weight stays. A pair that holds the loaded one alone, drawn twice, takes it: 1 in 4.
  @Test func twoDrawsCompareLoads() throws {
    var even = try bench(draws: 2, weights: [1, 1])
    even.begin(0)
    let counts = counts(&even, picks: 40_000)
    #expect(abs(counts[0] - 10_000) < 400, "\(counts)")
    // Two requests at weight 4 are less than one at weight 1: whoever draws both takes the heavier one, and it is drawn 4 times in 5.
    var heavy = try bench(draws: 2, weights: [1, 4])
    for slot in [0, 1, 1] as [Int32] { heavy.begin(slot) }
    let loaded = self.counts(&heavy, picks: 50_000)
    #expect(abs(loaded[0] - 2_000) < 200, "\(loaded)")
  }

  // Goal: at a tie the later draw stays, so that shares go by weight still.
  @Test func tiesKeepShares() throws {
    var bench = try bench(draws: 3, weights: [1, 1, 1, 1])
    for count in counts(&bench, picks: 40_000) { #expect(abs(count - 10_000) < 400) }
  }
}
