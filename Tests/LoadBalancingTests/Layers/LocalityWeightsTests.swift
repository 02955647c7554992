import LoadBalancing
import MeshCore
import Testing

@Suite struct LocalityWeightsTests {
  // Goal: over many turns each locality is chosen in proportion to its effective weight, to one turn.
  @Test(arguments: 1...50) func turnsFollowWeights(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let localities = (0..<1 + random.below(6)).map { _ in
      let total = Int32(1 + random.below(8))
      let healthy = Int32(random.below(Int(total) + 1))
      return LocalityGroup(
        weight: UInt32(random.below(5)), total: total, healthy: healthy,
        degraded: Int32(random.below(Int(total - healthy) + 1)))
    }
    var weights = LocalityWeights()
    weights.rebuild(localities, seed: random.next())
    for availability in [Availability.healthy, .degraded] {
      let expected = localities.map { $0.effectiveWeight(availability) }
      let sum = expected.reduce(0, +)
      if sum == 0 {
        #expect(weights.next(availability) == -1)
        continue
      }
      var counts = [Int](repeating: 0, count: localities.count)
      let turns = 2000
      for _ in 0..<turns { counts[Int(weights.next(availability))] += 1 }
      for (count, weight) in zip(counts, expected) {
        #expect(abs(Double(count) - weight / sum * Double(turns)) <= 2, "\(localities)")
      }
    }
  }

  // Goal: the effective weight is whole while overprovisioning covers the loss, falls in proportion after, and excluded
  // endpoints do not count.
  @Test func effectiveWeights() {
    let weight = { (healthy: Int32, total: Int32, excluded: Int32) in
      LocalityGroup(weight: 10, total: total, healthy: healthy, excluded: excluded).effectiveWeight(.healthy)
    }
    #expect(weight(5, 5, 0) == 10 && weight(8, 10, 0) == 10)
    #expect(abs(weight(5, 10, 0) - 7) < 1e-12)
    #expect(weight(1, 3, 2) == 10 && weight(0, 3, 3) == 0 && weight(0, 0, 0) == 0)
  }

  // Goal: a subset's locality weight is scaled by its members and rounded half up.
  @Test func subsetsScaleWeights() {
    #expect(LocalityWeights.scaled(50, members: 1, of: 2) == 25)
    #expect(LocalityWeights.scaled(3, members: 1, of: 2) == 2)
    #expect(LocalityWeights.scaled(1, members: 1, of: 3) == 0)
    #expect(LocalityWeights.scaled(7, members: 0, of: 3) == 0 && LocalityWeights.scaled(7, members: 3, of: 0) == 0)
    #expect(LocalityWeights.scaled(.max, members: .max, of: 1) > 4_000_000_000)
  }
}
