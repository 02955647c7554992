import Foundation
import LoadBalancing
import MeshCore
import Testing

@Suite struct RoundRobinTests {
  // Goal: with equal weights the policy is hosts[counter++ modulo n], through endpoint changes and the counter's overflow.
  @Test(arguments: [0, 5, UInt64.max - 10]) func equalsACounter(_ seed: UInt64) {
    var bench = PolicyBench(RoundRobin(), random: scripted([seed]))
    var random = RandomStream(state: 3)
    var counter = seed
    for _ in 0..<50 {
      let count = random.below(6)
      bench.list(weights: Array(repeating: 7, count: count))
      for _ in 0..<random.below(8) {
        if count == 0 {
          #expect(bench.pick() == -1)
        } else {
          #expect(bench.pick() == Int32(counter % UInt64(count)))
          counter &+= 1
        }
      }
    }
  }

  // Goal: with unequal weights each endpoint's turns are its share of any long run, to a turn or two.
  @Test(arguments: 1...20) func sharesFollowWeights(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let weights = (0..<2 + random.below(8)).map { _ in UInt32(1 + random.below(10)) }
    var bench = PolicyBench(RoundRobin(), random: random)
    bench.list(weights: weights)
    let total = Int(weights.reduce(0, +))
    let counts = bench.picks(20 * total).reduce(into: [Int](repeating: 0, count: weights.count)) { $0[$1] += 1 }
    for (count, weight) in zip(counts, weights) { #expect(abs(count - 20 * Int(weight)) <= 2, "\(weights)") }
  }

  // Goal: gRPC's and Finagle's turns know no weights: each endpoint once a round, whatever it weighs.
  @Test func turnsOfAllAlike() {
    var bench = PolicyBench(
      RoundRobin(parameters(RoundRobin.descriptor, [("schedule", .word("ignore"))])), random: scripted([1]))
    bench.list(weights: [1, 30, 4])
    #expect(bench.picks(7) == [1, 2, 0, 1, 2, 0, 1])
  }

  // Goal: data planes with streams of their own do not walk in step.
  @Test func startsDifferFromPlaneToPlane() {
    var starts: [Int] = []
    for plane in 0..<200 {
      var bench = PolicyBench(RoundRobin(), count: 10, random: RandomStream(state: UInt64(plane) &* 0x1234_5678_9abc))
      starts.append(Int(bench.pick()))
    }
    for start in 0..<10 { #expect((8...34).contains(starts.filter { $0 == start }.count)) }
  }

  // Goal: nginx's own example, 5 to 1 to 1, and any weights against the rule written down again.
  @Test(arguments: 1...10) func smoothTurnsAreThoseOfNginx(_ round: Int) {
    let given: [(name: String, value: ParameterValue)] = [("schedule", .word("smooth"))]
    var random = RandomStream(state: UInt64(round))
    let weights =
      round == 1 ? [5, 1, 1] : (0..<2 + random.below(6)).map { $0 == 0 ? 11 : 1 + random.below(10) }
    var bench = PolicyBench(RoundRobin(parameters(RoundRobin.descriptor, given)))
    bench.list(weights: weights.map { UInt32($0) })
    var credits = weights.map { _ in 0 }
    let expected = (0..<100).map { _ in
      for place in weights.indices { credits[place] += weights[place] }
      let best = credits.firstIndex(of: credits.max() ?? 0) ?? -1
      credits[best] -= weights.reduce(0, +)
      return best
    }
    let picks = bench.picks(100)
    #expect(picks == expected)
    if round == 1 { #expect(Array(picks.prefix(7)) == [0, 0, 1, 0, 2, 0, 0]) }
  }

  // Goal: gRPC's turns go on through endpoint changes and give each endpoint its share.
  @Test func staticStrideFollowsWeights() {
    let given: [(name: String, value: ParameterValue)] = [("schedule", .word("staticStride"))]
    var bench = PolicyBench(RoundRobin(parameters(RoundRobin.descriptor, given)))
    bench.list(weights: [1, 10, 2, 20])
    for (share, weight) in zip(bench.shares(of: 4, picks: 33_000), [1.0, 10, 2, 20]) {
      #expect(abs(share - weight / 33) < 0.001)
    }
    bench.list(weights: [3, 3, 4])
    #expect(abs(bench.shares(of: 3, picks: 10_000)[2] - 0.4) < 0.001)
  }
}
