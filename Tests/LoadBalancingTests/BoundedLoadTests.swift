import LoadBalancing
import MeshCore
import Testing

/// The obvious rule: C++'s shuffle of all endpoints, searched from its start.
private func reference(_ first: Int, hash: UInt64, overloads: [Double]) -> Int {
  if overloads[first] <= 1 { return first }
  var least = first
  for other in BoundedLoad.shuffledOrder(seed: hash, count: overloads.count) where other != first {
    if overloads[other] <= 1 { return other }
    if overloads[other] < overloads[least] { least = other }
  }
  return least
}

@Suite struct BoundedLoadTests {
  // Goal: whatever the loads, the choice is the reference's, and choices leave nothing behind for the next one.
  @Test(arguments: 1...30) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    var rule = BoundedLoad(factor: 125)
    for _ in 0..<100 {
      let count = 1 + random.below(12)
      let overloads = (0..<count).map { _ in Double(random.below(6)) / 3 }
      let hash = random.next()
      let first = random.below(count)
      let chosen = rule.choose(Int32(first), hash: hash, count: count) { overloads[Int($0)] }
      try #require(Int(chosen) == reference(first, hash: hash, overloads: overloads))
    }
  }

  // Goal: the shuffle is one: every endpoint once, and over many seeds every one equally often first.
  @Test func shufflesEvenly() {
    var counts = [Int](repeating: 0, count: 7)
    for seed in 0..<7000 {
      let order = BoundedLoad.shuffledOrder(seed: UInt64(seed), count: 7)
      #expect(order.sorted() == Array(0..<7))
      counts[order[0]] += 1
    }
    for count in counts { #expect(abs(count - 1000) < 150) }
  }

  // Goal: the bound holds, Envoy's way: with requests that stay, no endpoint has more than ⌈share · ⌈factor · requests⌉⌉ of them,
  // plus the one that it is let in with when it is just full.
  @Test(arguments: [110, 150, 300] as [Int64], ["ringHash", "maglev"])
  func noEndpointExceedsItsBound(_ factor: Int64, _ name: String) throws {
    let descriptor = try #require(PolicyRegistry.policy(named: name))
    let given = parameters(descriptor, [("hashBalanceFactor", .integer(factor))])
    var bench = PolicyBench(descriptor.make(given, BalancerContext()))
    bench.list(weights: [1, 1, 2, 4])
    var random = RandomStream(state: 4)
    for request in 1...2000 {
      // One key in two is the same hot one.
      let slot = bench.pick(key: random.below(2) == 0 ? 7 : random.next())
      bench.begin(slot)
      for (slot, weight) in [1.0, 1, 2, 4].enumerated() {
        let total = (Double(request) * Double(factor) / 100).rounded(.up)
        #expect(Double(bench.endpoints.states[slot].inFlight) <= (total * weight / 8).rounded(.up) + 1)
      }
    }
  }

  // Goal: an overloaded endpoint's keys each have a way out of their own, the same each time, and come back after.
  @Test func spillsKeyByKey() throws {
    let given = parameters(RingHash.descriptor, [("hashBalanceFactor", .integer(150))])
    var bench = PolicyBench(RingHash(given), count: 10)
    let keys = (0..<2000).map { mix64(UInt64($0)) }
    let first = keys.map { bench.pick(key: $0) }
    let full = first[0]
    for _ in 0..<5 { bench.begin(full) }
    let spilt = keys.map { bench.pick(key: $0) }
    #expect(spilt == keys.map { bench.pick(key: $0) })
    var targets: Set<Int32> = []
    for (before, after) in zip(first, spilt) {
      if before == full { targets.insert(after) } else { #expect(before == after) }
    }
    #expect(targets.count == 9 && !targets.contains(full))
    for _ in 0..<5 { bench.end(full, latency: .seconds(1)) }
    #expect(first == keys.map { bench.pick(key: $0) })
  }
}
