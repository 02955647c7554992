import LoadBalancing
import MeshCore
import Testing

/// Priorities of up to ten endpoints each.
private func randomGroups(_ random: inout RandomStream) -> [PriorityGroup] {
  (0..<1 + random.below(5)).map { _ in
    let total = random.below(11)
    let healthy = random.below(total + 1)
    let degraded = random.below(total - healthy + 1)
    let excluded = random.below(total - healthy - degraded + 1)
    return PriorityGroup(
      total: Int32(total), healthy: Int32(healthy), degraded: Int32(degraded), excluded: Int32(excluded),
      overprovisioning: [100, 140, 200][random.below(3)])
  }
}

@Suite struct PriorityLoadTests {
  // Goal: whatever the health, loads add up to 100, and over all hundred remainders each priority is chosen as often as
  // its load says, healthy endpoints before degraded ones.
  @Test(arguments: 1...200) func loadsAreWholeAndChosen(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    for threshold in [Int32(0), 50, 100] {
      var load = PriorityLoad(panicThreshold: threshold)
      load.update(randomGroups(&random))
      #expect((load.healthy + load.degraded).reduce(0, +) == 100)
      var counts = [[Int32]](repeating: [0, 0], count: load.count)
      var isDegraded = false
      for hash in UInt64(0)..<100 {
        let choice = load.choose(hash &+ 100 &* UInt64(round))
        counts[Int(choice.priority)][choice.availability == .healthy ? 0 : 1] += 1
        if choice.availability == .degraded { isDegraded = true } else { #expect(!isDegraded) }
      }
      #expect(counts == load.count.range.map { [load.healthy[$0], load.degraded[$0]] })
    }
  }

  // Goal: without rounding in the way, loads are the formula's: spill over in order, scaled up when all together fall
  // short.
  @Test(arguments: 1...200) func loadsFollowAvailability(_ round: Int) {
    var random = RandomStream(state: UInt64(round) &* 31)
    let groups = randomGroups(&random)
    var load = PriorityLoad(panicThreshold: 0)
    load.update(groups)
    let available = groups.map { Double($0.healthyAvailability) } + groups.map { Double($0.degradedAvailability) }
    let whole = min(100, available.reduce(0, +))
    if whole == 0 {
      #expect(load.healthy[0] == 100)
      return
    }
    var left = 100.0
    for (share, actual) in zip(available, load.healthy + load.degraded) {
      let exact = min(left, share * 100 / whole)
      left -= exact
      // Each truncation moves less than 1 % to the first that is available.
      #expect(abs(Double(actual) - exact) <= Double(available.count))
    }
  }

  // Goal: nobody panics while the priorities together have 100 %, everybody below the threshold does otherwise, and
  // panic of all spreads by numbers of endpoints.
  @Test(arguments: 1...200) func panicsWhenFew(_ round: Int) {
    var random = RandomStream(state: UInt64(round) &* 7)
    let groups = randomGroups(&random)
    var load = PriorityLoad(panicThreshold: 50)
    load.update(groups)
    let sum = groups.reduce(0) { $0 + $1.healthyAvailability + $1.degradedAvailability }
    #expect(load.isInPanic == ContiguousArray(groups.map { sum < 100 && $0.isBelow(panicThreshold: 50) }))
    let endpoints = groups.reduce(0) { $0 + $1.total }
    if load.isInPanic.allSatisfy({ $0 }) && endpoints > 0 {
      for (group, share) in zip(groups, load.healthy) {
        #expect(abs(Double(share) - 100 * Double(group.total) / Double(endpoints)) <= Double(groups.count))
      }
    }
  }

  // Goal: a panicking priority uses all endpoints or none, another one those that were chosen; an unknown one is no
  // trap.
  @Test func sourcesFollowPanic() {
    var load = PriorityLoad()
    load.update([PriorityGroup(total: 10, healthy: 1), PriorityGroup(total: 10, healthy: 0, degraded: 6)])
    let first = PriorityChoice(priority: 0, availability: .healthy)
    #expect(load.source(of: first) == .all && load.source(of: first, failsTrafficOnPanic: true) == .none)
    #expect(load.source(of: PriorityChoice(priority: 1, availability: .degraded)) == .degraded)
    #expect(load.source(of: PriorityChoice(priority: 1, availability: .healthy)) == .healthy)
    #expect(load.source(of: PriorityChoice(priority: 9, availability: .healthy)) == .healthy)
  }

  // Goal: no priorities and priorities that vanish are no trap, and what was is forgotten.
  @Test func survivesEmptiness() {
    var load = PriorityLoad(panicThreshold: 5000)
    #expect(load.panicThreshold == 100)
    #expect(load.choose(77) == PriorityChoice(priority: 0, availability: .healthy))
    load.update([PriorityGroup(total: 1, healthy: 1), PriorityGroup(total: 1, healthy: 1)])
    load.update([PriorityGroup(total: 0, healthy: 0)])
    #expect(load.count == 1 && load.healthy == [100] && load.isInPanic == [true])
    load.update([])
    #expect(load.count == 0)
  }
}

extension Int {
  fileprivate var range: Range<Int> { 0..<self }
}
