import LoadBalancing
import MeshCore
import Testing

@Suite struct LeastConnectionsTests {
  // Goal: through random requests and endpoint changes the policy chooses the least load per weight, and of equals the one that
  // has been left alone longest: what a plain list, sorted anew each time, says.
  @Test(arguments: 1...20) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    var bench = PolicyBench(LeastConnections())
    // Slots in the order in which they were put in.
    var order: [Int32] = []
    var incarnations: [Int32: UInt32] = [:]
    var busy: [Int32] = []
    let heaviest = round % 3 == 0 ? 1000 : round % 3 == 1 ? 256 : 1
    func put(_ slot: Int32) {
      if let place = order.firstIndex(of: slot) { order.append(order.remove(at: place)) }
    }
    for _ in 0..<1500 {
      switch random.below(30) {
      case 0:
        let identities = (0..<8 as Range<Int32>).filter { _ in random.below(3) > 0 }
        bench.list(
          identities.map {
            EndpointDescription(identity: EndpointIdentity($0), weight: UInt32(1 + random.below(heaviest)))
          })
        if bench.endpoints.availableCount == 0 { order = [] }
        let available = (0..<bench.endpoints.availableCount).map { bench.endpoints.available[$0] }
        // A slot's next endpoint does not inherit its turn.
        order = order.filter { slot in
          available.contains(slot) && incarnations[slot] == bench.endpoints.states[slot].incarnation
        }
        order += available.filter { !order.contains($0) }
        for slot in available { incarnations[slot] = bench.endpoints.states[slot].incarnation }
      case 1...14 where !busy.isEmpty:
        let slot = busy.remove(at: random.below(busy.count))
        bench.end(slot, latency: .milliseconds(1))
        put(slot)
      default:
        let isFine = order.contains { bench.endpoints.states[$0].weight > 256 }
        let loads = order.map { slot -> UInt64 in
          let state = bench.endpoints.states[slot]
          if state.inFlight == 0 { return 0 }
          let next = UInt64(state.inFlight + 1)
          return isFine ? (next << 32) / UInt64(state.weight) : next * 256 / UInt64(state.weight)
        }
        let expected = loads.min().flatMap { least in loads.firstIndex(of: least).map { order[$0] } } ?? -1
        let slot = bench.pick()
        try #require(slot == expected)
        if slot >= 0 {
          bench.begin(slot)
          busy.append(slot)
          put(slot)
        }
      }
    }
  }

  // Goal: idle equals take turns.
  @Test func equalsTakeTurns() {
    var bench = PolicyBench(LeastConnections(), count: 3)
    var chosen: [Int32] = []
    for _ in 0..<7 {
      chosen.append(bench.pick())
      bench.begin(chosen[chosen.count - 1])
      bench.end(chosen[chosen.count - 1], latency: .milliseconds(1))
    }
    #expect(chosen == [0, 1, 2, 0, 1, 2, 0])
  }
}
