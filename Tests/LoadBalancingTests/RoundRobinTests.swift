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

  // Goal: data planes with streams of their own do not walk in step.
  @Test func startsDifferFromPlaneToPlane() {
    var starts: [Int] = []
    for plane in 0..<200 {
      var bench = PolicyBench(RoundRobin(), count: 10, random: RandomStream(state: UInt64(plane) &* 0x1234_5678_9abc))
      starts.append(Int(bench.pick()))
    }
    for start in 0..<10 { #expect((8...34).contains(starts.filter { $0 == start }.count)) }
  }
}
