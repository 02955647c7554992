import Foundation
import LoadBalancing
import MeshCore
import Testing

private func policy(_ given: (name: String, value: ParameterValue)...) -> LeastRequest {
  LeastRequest(parameters(LeastRequest.descriptor, given))
}

/// The samplings, by what a scenario says.
private let samplings: [[(name: String, value: ParameterValue)]] = [
  [("choices", .integer(2))], [("choices", .integer(3))], [("choices", .integer(5))],
  [("choices", .integer(2)), ("sampling", .word("withReplacement"))],
  [("choices", .integer(5)), ("sampling", .word("withReplacement"))],
  [("fullScan", .flag(true))],
]

@Suite struct LeastRequestTests {
  // Goal: row 30 of the published results. With weights drawn from, an endpoint of half the others' weight is in the pair of
  // two distinct ones .61, .56, .53 and .52 times as often as another, for 3, 4, 6 and 10 endpoints: Finagle's figures. (With
  // two both are in it but for pairs that five redraws leave with one.) Being idle while the others are busy, it is chosen
  // whenever it is in the pair.
  @Test(arguments: [(3, 0.61), (4, 0.56), (6, 0.53), (10, 0.52)])
  func weightedPairsAreBiased(_ n: Int, _ ratio: Double) {
    var bench = PolicyBench(policy(("weighting", .word("compare"))))
    bench.list(weights: Array(repeating: 2, count: n - 1) + [1])
    bench.setInFlight(Array(repeating: 1, count: n - 1) + [0])
    let inPair = bench.shares(of: n, picks: 100_000)[n - 1]
    let other = (2 - inPair) / Double(n - 1)
    #expect(abs(inPair / other - ratio) < 0.02)
  }

  // Goal: load over weight decides, in the pair and in the full scan; with `ignore` weights change nothing.
  @Test func loadIsComparedByWeight() {
    for full in [false, true] {
      var bench = PolicyBench(policy(("weighting", .word("compare")), ("fullScan", .flag(full))))
      bench.list(weights: [1, 4])
      bench.setInFlight([2, 7])
      #expect(bench.shares(of: 2, picks: 1000)[1] > 0.9)
      bench.setInFlight([1, 5])
      // Five redraws leave the heavy one alone in its pair now and then: 0.8^7 of all.
      #expect(bench.shares(of: 2, picks: 1000)[0] > (full ? 0.999 : 0.75))
    }
    var weighted = PolicyBench(policy(("weighting", .word("ignore"))))
    weighted.list(weights: [1, 2, 9])
    var plain = PolicyBench(policy(), count: 3)
    #expect(weighted.picks(500) == plain.picks(500))
  }

  // Goal: idle endpoints are chosen in proportion to their weights when one is drawn.
  @Test func drawsFollowWeights() {
    var bench = PolicyBench(policy(("weighting", .word("compare")), ("choices", .integer(1))))
    bench.list(weights: [1, 2, 3, 10])
    for (share, weight) in zip(bench.shares(of: 4, picks: 100_000), [1.0, 2, 3, 10]) {
      #expect(abs(share - weight / 16) < 0.006)
    }
  }

  // Goal: a drawn sample is uniform: the chance to be chosen, by rank, is that of the least of d distinct endpoints out of
  // n, C(n − 1 − rank, d − 1) / C(n, d).
  @Test(arguments: [(2, 2), (5, 2), (5, 3), (7, 4), (6, 6), (4, 9)])
  func distinctSamplesAreUniform(_ n: Int, _ choices: Int) {
    var bench = PolicyBench(policy(("choices", .integer(Int64(choices)))), count: n)
    bench.setInFlight(Array(0..<n))
    let picks = 60_000
    let shares = bench.shares(of: n, picks: picks)
    let d = min(choices, n)
    for rank in 0..<n {
      let expected = binomial(n - 1 - rank, d - 1) / binomial(n, d)
      #expect(abs(shares[rank] - expected) < 5 * (expected * (1 - expected) / Double(picks)).squareRoot() + 1e-9)
    }
  }

  private func binomial(_ n: Int, _ k: Int) -> Double {
    k < 0 || k > n ? 0 : (0..<k).reduce(1) { $0 * Double(n - $1) / Double($1 + 1) }
  }

  // Goal: when all tie, no endpoint is preferred, whatever the way of choosing.
  @Test(arguments: samplings.indices) func tiesAreUniform(_ sampling: Int) {
    var bench = PolicyBench(LeastRequest(parameters(LeastRequest.descriptor, samplings[sampling])), count: 6)
    for share in bench.shares(of: 6, picks: 60_000) { #expect(abs(share - 1.0 / 6) < 0.008) }
  }

  // Goal: sampling with replacement and the full scan are their one-line definitions, draw for draw.
  @Test(arguments: 1...50) func equalsItsDefinition(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let n = 1 + random.below(8)
    let choices = 1 + random.below(6)
    let active = (0..<n).map { _ in random.below(4) }
    var replacing = PolicyBench(
      policy(("choices", .integer(Int64(choices))), ("sampling", .word("withReplacement"))), count: n, random: random)
    var scanning = PolicyBench(policy(("fullScan", .flag(true))), count: n, random: random)
    replacing.setInFlight(active)
    scanning.setInFlight(active)
    for _ in 0..<50 {
      var draws = replacing.random
      let drawn = (0..<choices).map { _ in Int(draws.next() % UInt64(n)) }
      let least = drawn.reduce(drawn[0]) { active[$1] < active[$0] ? $1 : $0 }
      try #require(Int(replacing.pick()) == least)

      draws = scanning.random
      var candidates: [Int] = []
      var chosen = -1
      for place in 0..<n where candidates.isEmpty || active[place] <= active[candidates[0]] {
        if candidates.isEmpty || active[place] < active[candidates[0]] {
          candidates = [place]
          chosen = place
        } else {
          candidates.append(place)
          if draws.next() % UInt64(candidates.count) == 0 { chosen = place }
        }
      }
      try #require(Int(scanning.pick()) == chosen)
    }
  }

  // Goal: one choice is random choice; a single endpoint is chosen without a draw unless Envoy draws.
  @Test func degenerateChoices() {
    var one = PolicyBench(policy(("choices", .integer(1))), count: 4)
    one.setInFlight([9, 0, 0, 0])
    for share in one.shares(of: 4, picks: 40_000) { #expect(abs(share - 0.25) < 0.01) }

    var single = PolicyBench(policy(), count: 1)
    single.random = scripted([5])
    #expect(single.pick() == 0)
    #expect(single.random.drawnFromScript == 0)
  }

  // Goal: with unequal weights and nothing in flight the long-run shares are the weights'.
  @Test func weightedSharesFollowWeights() {
    var bench = PolicyBench(policy())
    bench.list(weights: [1, 2, 7])
    let shares = bench.shares(of: 3, picks: 10_000)
    for (share, expected) in zip(shares, [0.1, 0.2, 0.7]) { #expect(abs(share - expected) < 0.001) }
  }

  // Goal: an exponent no table holds still gives weights above 0, so that no deadline is not a number.
  @Test(arguments: [0.0, 0.5, 1, 2, 100]) func weightsStayPositive(_ exponent: Double) {
    let bias = ActiveRequestBias(exponent)
    for active in [0, 1, 255, 256, 100_000, Int32.max - 1] {
      let weight = bias.effectiveWeight(1, active: active)
      #expect(weight > 0 && weight <= 1)
    }
  }
}
