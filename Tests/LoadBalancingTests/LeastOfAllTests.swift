import LoadBalancing
import MeshCore
import Testing

/// Requests in flight or nanoseconds of work, few enough values that ties are the rule.
private func values(_ round: Int) -> [Int] {
  var random = RandomStream(state: UInt64(round) &* 31)
  return (0..<1 + random.below(9)).map { _ in random.below(3) }
}

/// Expects that the least alone are chosen, all of them, each equally often.
private func expectUniformLeast(_ bench: inout PolicyBench, _ values: [Int]) {
  let picks = 4000
  let least = values.min() ?? 0
  let ties = Double(values.filter { $0 == least }.count)
  for (value, share) in zip(values, bench.shares(of: values.count, picks: picks)) {
    if value > least {
      #expect(share == 0)
    } else {
      #expect(abs(share - 1 / ties) < 5 * (1 / ties / Double(picks)).squareRoot() * (ties > 1 ? 1 : 1e-9))
    }
  }
}

@Suite struct JoinShortestQueueTests {
  // Goal: only endpoints with the fewest requests in flight are chosen, each of them equally often.
  @Test(arguments: 1...30) func choosesTheLeastAtRandom(_ round: Int) {
    let inFlight = values(round)
    var bench = PolicyBench(JoinShortestQueue(), count: inFlight.count)
    bench.setInFlight(inFlight)
    expectUniformLeast(&bench, inFlight)
  }
}

@Suite struct LeastWorkLeftTests {
  // Goal: only endpoints that are done first are chosen; work that is over counts as none.
  @Test(arguments: 1...30) func choosesTheLeastAtRandom(_ round: Int) {
    let work = values(round)
    var bench = PolicyBench(LeastWorkLeft(), count: work.count)
    bench.now = Timestamp(nanoseconds: 1000)
    for (slot, work) in work.enumerated() {
      if work == 0 && slot % 2 == 0 { continue }
      // Seen a while ago: 500 ns of work at twice the pace of the clock are over.
      let seen = ObservedWork(left: Double(work) + 500, rate: 2, at: Timestamp(nanoseconds: work == 0 ? 0 : 750))
      bench.observe(seen, slot: Int32(slot))
    }
    expectUniformLeast(&bench, work)
    #expect(LeastWorkLeft.descriptor.needsOracle)
  }
}

@Suite struct LeastResponseTimeTests {
  // Goal: whoever was fastest on average is chosen, however many requests it has: it herds.
  @Test func herdsOnTheFastest() {
    var bench = PolicyBench(LeastResponseTime(), count: 3)
    for (slot, latency) in [Int64(20), 10, 30].enumerated() {
      bench.begin(Int32(slot))
      bench.end(Int32(slot), latency: .milliseconds(latency))
    }
    for _ in 0..<100 {
      let slot = bench.pick()
      #expect(slot == 1)
      bench.begin(slot)
    }
  }

  // Goal: endpoints without an answer come first, each equally often.
  @Test func unmeasuredComeFirst() {
    var bench = PolicyBench(LeastResponseTime(), count: 4)
    bench.begin(2)
    bench.end(2, latency: .zero)
    expectUniformLeast(&bench, [0, 0, 1, 0])
  }

  // Goal: the average is a + (latency − a) · smoothing: with a half, 10 ms then 20 ms make 15 ms.
  @Test func averagesAsDocumented() {
    let given = parameters(LeastResponseTime.descriptor, [("smoothing", .number(0.5))])
    for (other, expected) in [(Int64(14_999_999), Int32(1)), (15_000_001, 0)] {
      var bench = PolicyBench(LeastResponseTime(given), count: 2)
      for latency in [TimeSpan.milliseconds(10), .milliseconds(20)] {
        bench.begin(0)
        bench.end(0, latency: latency)
      }
      bench.begin(1)
      bench.end(1, latency: TimeSpan(nanoseconds: other))
      #expect(bench.pick() == expected)
    }
  }
}

@Suite struct JoinIdleQueueTests {
  // Goal: an idle endpoint is chosen whenever there is one, each equally often, else any.
  @Test(arguments: 1...30) func choosesIdleElseAny(_ round: Int) {
    let wanted = values(round)
    var bench = PolicyBench(JoinIdleQueue(), count: wanted.count)
    for (slot, count) in wanted.enumerated() { for _ in 0..<count { bench.begin(Int32(slot)) } }
    expectUniformLeast(&bench, wanted.contains(0) ? wanted.map { min($0, 1) } : wanted.map { _ in 0 })
  }

  // Goal: the list of idle endpoints stays true through requests, endpoint changes and ejections.
  @Test(arguments: 1...20) func keepsTrackOfIdleEndpoints(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    var bench = PolicyBench(JoinIdleQueue(), count: 5)
    var busy: [Int32] = []
    for _ in 0..<2000 {
      switch random.below(10) {
      case 0:
        bench.admit(random.below(3) > 0, slot: Int32(random.below(bench.endpoints.states.count)))
      case 1:
        bench.list(
          (0..<8).filter { _ in random.below(2) == 0 }.map { EndpointDescription(identity: EndpointIdentity($0)) })
      case 2...4:
        if !busy.isEmpty { bench.end(busy.remove(at: random.below(busy.count)), latency: .milliseconds(1)) }
      default:
        let slot = bench.pick()
        var hasIdle = false
        for place in 0..<bench.endpoints.availableCount
        where bench.endpoints.states[bench.endpoints.available[place]].inFlight == 0 { hasIdle = true }
        if bench.endpoints.availableCount == 0 {
          try #require(slot == -1)
        } else {
          let state = bench.endpoints.states[slot]
          try #require(state.isListed && state.isAdmitted)
          try #require((state.inFlight == 0) == hasIdle)
          bench.begin(slot)
          busy.append(slot)
        }
      }
    }
  }
}
