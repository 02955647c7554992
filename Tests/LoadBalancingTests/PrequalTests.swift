import MeshCore
import Testing

@testable import LoadBalancing

private func bench(_ given: [(name: String, value: ParameterValue)] = [], count: Int) -> PolicyBench {
  PolicyBench(Prequal(parameters(Prequal.descriptor, given)), count: count)
}

/// Starts a request and answers its probes by what is known of each slot.
extension PolicyBench {
  fileprivate mutating func request(_ known: (Int32) -> (inFlight: Int32, latency: Int64)?) -> Int32 {
    let slot = pick()
    begin(slot)
    while !probes.isEmpty {
      let told = known(probes[0].slot)
      answerProbe(
        0, told.map { LoadReport(requestsInFlight: $0.inFlight, expectedLatency: .milliseconds($0.latency)) })
    }
    end(slot, latency: .milliseconds(1))
    return slot
  }
}

@Suite struct PrequalTests {
  // Goal: each request probes three different endpoints, or fewer when there are fewer; fractions add up.
  @Test func probesBesideEachRequest() {
    var many = bench(count: 20)
    for _ in 0..<100 {
      many.begin(many.pick())
      #expect(many.probes.count == 3 && Set(many.probes.map(\.slot)).count == 3)
      while !many.probes.isEmpty { many.answerProbe(0, nil) }
    }
    var few = bench(count: 2)
    few.begin(few.pick())
    #expect(Set(few.probes.map(\.slot)) == [0, 1])
    var half = bench([("probesPerRequest", .number(0.5))], count: 20)
    for _ in 0..<10 { half.begin(half.pick()) }
    #expect(half.probes.count == 5)
  }

  // Goal: every endpoint is probed equally often.
  @Test func probesEvenly() {
    var bench = bench(count: 10)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<10_000 {
      bench.begin(bench.pick())
      while !bench.probes.isEmpty {
        counts[Int(bench.probes[0].slot)] += 1
        bench.answerProbe(0, nil)
      }
    }
    for count in counts { #expect(abs(count - 3000) < 220) }
  }

  // Goal: a fast endpoint wins while it is cold; one with more requests in flight than others has is left alone however fast.
  @Test func avoidsHotEndpoints() {
    // One in ten: the 0.84 quantile is that of the others.
    var bench = bench(count: 10)
    var counts = [Int](repeating: 0, count: 10)
    for round in 0..<2000 {
      let slot = bench.request { $0 == 3 ? (9, 1) : (1, 10 + Int64($0)) }
      if round >= 50 { counts[Int(slot)] += 1 }
    }
    #expect(counts[3] < 20, "\(counts)")
    #expect(counts[0] == counts.max() && counts[9] < counts[0] / 2, "\(counts)")
  }

  // Goal: when all that is known is hot, the fewest requests in flight decide; with a quantile of 1 latency alone does.
  @Test(arguments: [(0.0, Int32(1)), (1.0, Int32(0))]) func extremesOfTheQuantile(_ quantile: Double, _ winner: Int32) {
    var bench = bench([("hotQuantile", .number(quantile)), ("removalsPerRequest", .number(0))], count: 2)
    for _ in 0..<20 { _ = bench.request { $0 == 0 ? (8, 1) : (2, 50) } }
    let chosen = (0..<50).map { _ in bench.request { $0 == 0 ? (8, 1) : (2, 50) } }
    #expect(chosen.allSatisfy { $0 == winner })
  }

  // Goal: answers that are too old are not used, and without answers the choice is random.
  @Test func fallsBackToRandom() {
    var bench = bench(count: 4)
    for _ in 0..<20 { _ = bench.request { ($0, Int64($0)) } }
    bench.now = bench.now + .milliseconds(1001)
    var counts = [Int](repeating: 0, count: 4)
    for _ in 0..<4000 { counts[Int(bench.request { _ in nil })] += 1 }
    for count in counts { #expect(abs(count - 1000) < 150) }
  }

  // Goal: a probe that fails takes away what its endpoint had said before.
  @Test func failedProbesForget() {
    var bench = bench(count: 4)
    for _ in 0..<20 { _ = bench.request { $0 == 2 ? (0, 1) : (0, 100) } }
    #expect(bench.pick() == 2)
    for _ in 0..<20 { _ = bench.request { $0 == 2 ? nil : (0, 100) } }
    #expect((0..<50).allSatisfy { _ in bench.request { $0 == 2 ? nil : (0, 100) } != 2 })
  }

  // Goal: what the former endpoint of a slot had said does not speak for the one that has the slot now.
  @Test func answersEndWithTheirEndpoint() {
    func described(_ identities: [Int32]) -> [EndpointDescription] {
      identities.map { EndpointDescription(identity: EndpointIdentity($0)) }
    }
    var bench = PolicyBench(Prequal())
    bench.list(described([0, 1]))
    for _ in 0..<20 { _ = bench.request { $0 == 0 ? (0, 1) : (0, 100) } }
    #expect(bench.policy.rank(bench.endpoints.view, slot: 0, at: bench.now) != nil)
    bench.list(described([2, 1]))
    #expect(bench.endpoints.slot(of: EndpointIdentity(2)) == 0)
    #expect(bench.policy.rank(bench.endpoints.view, slot: 0, at: bench.now) == nil)
    #expect(bench.policy.rank(bench.endpoints.view, slot: 1, at: bench.now) != nil)
  }

  // Goal: the paper's budget, and no limit where the pool holds all endpoints.
  @Test func reuseBudget() {
    func budget(_ endpoints: Int, _ probes: Double) -> Double {
      Prequal.reuseBudget(poolSize: 16, endpoints: endpoints, probes: probes, removals: 1, surplus: 1)
    }
    #expect(abs(budget(100, 3) - 2 / (0.84 * 3 - 1)) < 1e-12)
    #expect(budget(1000, 16) == 1)
    #expect(budget(10, 3) == .infinity)
    #expect(budget(16, 3) == .infinity)
  }

  // Goal: an answer is used as often as the budget says, on average.
  @Test func usesAnswersAsOftenAsBudgeted() {
    // 200 endpoints, no removals: b = 2 / (0.92 · 1) = 2.17.
    var uses: [Int] = []
    for seed in 1...2000 as ClosedRange<UInt64> {
      var bench = PolicyBench(
        Prequal(
          parameters(
            Prequal.descriptor,
            [("removalsPerRequest", .number(0)), ("probesPerRequest", .number(1)), ("minimumPool", .integer(1))])),
        count: 200, random: RandomStream(state: seed))
      bench.begin(bench.pick())
      let probed = bench.probes[0].slot
      bench.answerProbe(0, LoadReport(requestsInFlight: 0, expectedLatency: .milliseconds(1)))
      var used = 0
      while used < 10 && bench.pick() == probed { used += 1 }
      uses.append(used)
    }
    let mean = Double(uses.reduce(0, +)) / Double(uses.count)
    // One random choice in 200 hits the same endpoint once more.
    #expect(abs(mean - 2 / 0.92) < 0.05)
    #expect(Set(uses).isSubset(of: [2, 3, 4]))
  }
}
