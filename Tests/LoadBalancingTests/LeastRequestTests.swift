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
