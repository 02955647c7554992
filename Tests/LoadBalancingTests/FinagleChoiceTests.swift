import LoadBalancing
import MeshCore
import Testing

/// Finagle's choice of two by this name, over `count` endpoints of which the first `down` are marked dead.
private func bench(_ policy: String, effort: Int64, count: Int, down: Int) throws -> PolicyBench {
  let descriptor = try #require(PolicyRegistry.policy(named: policy))
  var bench = PolicyBench(
    descriptor.make(parameters(descriptor, [("maxEffort", .integer(effort))]), BalancerContext()), count: count)
  for slot in 0..<Int32(down) { bench.admit(false, slot: slot) }
  return bench
}

/// What a policy has been told, in order.
private final class Told: @unchecked Sendable {
  var calls: [String] = []
}

/// Notes what it is told, and wants everything.
private struct Listener: LoadBalancer {
  let told: Told

  var hasWishes: Bool { true }
  var sharesDraws: Bool { true }
  var wantsLoadReports: Bool { true }

  mutating func endpointsChanged(_ endpoints: EndpointRoster, _ random: inout RandomStream, at now: Timestamp) {
    told.calls.append("endpointsChanged")
  }

  mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    told.calls.append("pick")
    return -1
  }

  mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) { told.calls.append("began") }

  mutating func observed(_ endpoints: EndpointView, slot: Int32, _ work: ObservedWork) { told.calls.append("observed") }

  mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp) {
    told.calls.append("reported")
  }

  mutating func probed(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport?, at now: Timestamp) {
    told.calls.append("probed")
  }

  mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) {
    told.calls.append("woken")
  }

  mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? {
    told.calls.append("nextWish")
    return .wake(now + .seconds(1))
  }

  mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    told.calls.append("rank")
    return Double(slot)
  }

  mutating func ended(_ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp) {
    told.calls.append("ended")
  }
}

@Suite struct FinagleChoiceTests {
  // Goal: the policy inside hears of all that a policy hears of, and what it wants is wanted; only the choice, and whom it is offered,
  // is Finagle's.
  @Test func handsOnEverything() {
    let told = Told()
    var choice = FinagleChoice(Listener(told: told), maxEffort: 4)
    var endpoints = EndpointSet(offer: choice.offer)
    endpoints.list((0..<2).map { EndpointDescription(identity: EndpointIdentity($0)) }, at: .zero)
    var random = RandomStream(state: 1)
    #expect(choice.offer == .all && choice.observesAttempts && choice.hasWishes)
    #expect(choice.sharesDraws && choice.wantsLoadReports)
    choice.endpointsChanged(endpoints.roster, &random, at: .zero)
    #expect(choice.pick(endpoints.view, PickContext(), &random, at: .zero) == 0)
    choice.began(endpoints.view, slot: 0, at: .zero)
    choice.observed(endpoints.view, slot: 0, .none)
    choice.reported(endpoints.view, slot: 0, LoadReport(), at: .zero)
    choice.probed(endpoints.view, slot: 0, nil, at: .zero)
    choice.woken(endpoints.view, &random, at: .zero)
    #expect(choice.nextWish(endpoints.view, &random, at: .zero) == .wake(.zero + .seconds(1)))
    choice.ended(
      endpoints.view, slot: 0, AttemptOutcome(latency: .zero, status: 200, ending: .answered), at: .zero)
    #expect(choice.rank(endpoints.view, slot: 1, at: .zero) == 1)
    #expect(
      told.calls == [
        "endpointsChanged", "rank", "rank", "began", "observed", "reported", "probed", "woken", "nextWish", "ended",
        "rank",
      ])
  }

  // Goal: with k of n dead a pick is in vain with probability p = k(k − 1)/(n(n − 1)), so a request gets a dead one with
  // p^(maxEffort + 1): P2CPanicModeTest's setting of 100 endpoints, for both policies and round by round of effort.
  @Test(arguments: ["leastRequest", "peakEwma"], [Int64(1), 4]) func panicIsAsRareAsExhaustion(
    _ policy: String, _ effort: Int64
  ) throws {
    for down in stride(from: 30, through: 90, by: 20) {
      var bench = try bench(policy, effort: effort, count: 100, down: down)
      let dead = bench.shares(of: 100, picks: 40_000)[0..<down].reduce(0, +)
      let vain = Double(down * (down - 1)) / (100 * 99)
      let expected = (0...effort).reduce(1.0) { product, _ in product * vain }
      #expect(abs(dead - expected) < 0.01, "\(down) down: \(dead), not \(expected)")
    }
  }

  // Goal: nobody is left without an endpoint while there is one, and all of the dead are tried alike.
  @Test(arguments: ["leastRequest", "peakEwma", "roundRobin", "aperture"]) func servesWhenAllAreDead(_ policy: String)
    throws
  {
    var bench = try bench(policy, effort: 4, count: 10, down: 10)
    for share in bench.shares(of: 10, picks: 20_000) { #expect(abs(share - 0.1) < 0.015) }
    bench.list(weights: [1])
    #expect(bench.pick() == 0)
    bench.list(weights: [])
    #expect(bench.pick() == -1)
  }

  // Goal: health goes before load, load decides among equals, weights do not count, and the first drawn wins ties.
  @Test func healthThenLoad() throws {
    var pair = try bench("leastRequest", effort: 1, count: 2, down: 0)
    pair.list(weights: [1, 100])
    pair.setInFlight([3, 4])
    #expect(Set(pair.picks(100)) == [0])
    pair.setInFlight([90, 4])
    #expect(Set(pair.picks(100)) == [1])
    pair.admit(false, slot: 1)
    #expect(Set(pair.picks(100)) == [0])
    pair.setInFlight([4, 4])
    pair.admit(true, slot: 1)
    #expect(abs(pair.shares(of: 2, picks: 10_000)[0] - 0.5) < 0.02)
  }

  // Goal: without dead ones the choice is that of the policy alone, draw by draw.
  @Test(arguments: ["leastRequest", "peakEwma"]) func changesNothingWhileAllAreWell(_ policy: String) throws {
    var plain = try bench(policy, effort: 0, count: 7, down: 0)
    var wrapped = try bench(policy, effort: 4, count: 7, down: 0)
    var random = RandomStream(state: 11)
    for step in 0..<500 {
      let (left, right) = (plain.pick(), wrapped.pick())
      #expect(left == right)
      plain.begin(left)
      wrapped.begin(right)
      let latency = TimeSpan.milliseconds(Int64(1 + random.below(40)))
      plain.go(to: .zero + .milliseconds(Int64(step)))
      wrapped.go(to: .zero + .milliseconds(Int64(step)))
      if random.below(3) > 0 {
        plain.end(left, latency: latency)
        wrapped.end(right, latency: latency)
      }
    }
  }

  // Goal: what Finagle's choice does not know cannot be asked of it.
  @Test func faults() {
    let descriptor = LeastRequest.descriptor
    let effort: (name: String, value: ParameterValue) = ("maxEffort", .integer(4))
    #expect(descriptor.fault(parameters(descriptor, [effort])) == nil)
    #expect(descriptor.fault(parameters(descriptor, [effort, ("choices", .integer(3))]))?.parameter == "maxEffort")
    #expect(descriptor.fault(parameters(descriptor, [effort, ("weighting", .word("compare"))])) != nil)
    let biased = parameters(descriptor, [effort, ("activeRequestBias", .number(2))])
    #expect(descriptor.fault(biased)?.parameter == "activeRequestBias")
    #expect(descriptor.fault(parameters(descriptor, [("activeRequestBias", .number(2))])) == nil)
    #expect(descriptor.fault(parameters(descriptor, [("choices", .integer(3))])) == nil)
    let latency = PeakEWMA.descriptor
    #expect(latency.fault(parameters(latency, [effort, ("form", .word("envoy"))]))?.parameter == "maxEffort")
    #expect(latency.fault(parameters(latency, [effort, ("form", .word("finagle"))])) == nil)
  }
}
