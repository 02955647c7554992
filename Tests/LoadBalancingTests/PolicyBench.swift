// A policy with the endpoints and draws it needs, for tests: what a data plane does around it, and nothing more.

import LoadBalancing
import MeshCore

/// A stream that gives `numbers` again and again.
func scripted(_ numbers: [UInt64]) -> RandomStream {
  // Streams do not own their script; a test's few numbers live as long as the process.
  let memory = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: numbers.count)
  _ = memory.initialize(from: numbers)
  return RandomStream(script: UnsafeBufferPointer(memory))
}

/// A policy's parameters as a scenario gives them.
func parameters(_ descriptor: PolicyDescriptor, _ given: [(name: String, value: ParameterValue)]) -> PolicyParameters {
  PolicyParameters(descriptor.parameters, given: given)
}

/// One policy at work. Endpoint i of a list has identity i; its slot is i too while no slot is used a second time.
struct PolicyBench: ~Copyable {
  var endpoints: EndpointSet
  var policy: any LoadBalancer & ~Copyable
  var random: RandomStream
  var now = Timestamp.zero
  let wantsLoadReports: Bool
  /// When the policy wants to be woken, if it does.
  private(set) var wakeTime: Timestamp?
  /// The slots of probes that it has asked for and that are not answered, with their incarnations.
  private(set) var probes: [(slot: Int32, incarnation: UInt32)] = []

  init(_ policy: consuming any LoadBalancer & ~Copyable, random: RandomStream = RandomStream(state: 1)) {
    wantsLoadReports = policy.wantsLoadReports
    endpoints = EndpointSet(offer: policy.offer)
    self.policy = policy
    self.random = random
  }

  init(_ policy: consuming any LoadBalancer & ~Copyable, count: Int, random: RandomStream = RandomStream(state: 1)) {
    self.init(policy, random: random)
    list(weights: Array(repeating: 1, count: count))
  }

  /// Lists endpoints 0, 1, … with these weights.
  mutating func list(weights: [UInt32]) {
    list(
      weights.enumerated().map { EndpointDescription(identity: EndpointIdentity(Int32($0.offset)), weight: $0.element) }
    )
  }

  mutating func list(_ described: [EndpointDescription]) {
    endpoints.list(described, at: now)
    policy.endpointsChanged(endpoints.roster, &random, at: now)
    collectWishes()
  }

  mutating func admit(_ admitted: Bool, slot: Int32) {
    endpoints.setExcluded(!admitted, by: .failureAccrual, slot: slot)
    policy.endpointsChanged(endpoints.roster, &random, at: now)
    collectWishes()
  }

  mutating func pick() -> Int32 { policy.pick(endpoints.view, PickContext(), &random, at: now) }

  mutating func pick(key: UInt64) -> Int32 { policy.pick(endpoints.view, PickContext(key: key), &random, at: now) }

  /// What a data plane does after each call.
  mutating func collectWishes() {
    if !policy.hasWishes { return }
    while let wish = policy.nextWish(endpoints.view, &random, at: now) {
      switch wish {
      case .wake(let time): wakeTime = time
      case .probe(let slot, _): probes.append((slot, endpoints.states[slot].incarnation))
      }
    }
  }

  mutating func wakeWhenDue() {
    guard let time = wakeTime, time <= now else { return }
    wakeTime = nil
    policy.woken(endpoints.view, &random, at: now)
    collectWishes()
  }

  /// Goes on to `time`, waking the policy on the way whenever it wants.
  mutating func go(to time: Timestamp) {
    while let wake = wakeTime, wake <= time {
      now = max(now, wake)
      wakeWhenDue()
    }
    now = time
  }

  mutating func report(_ report: LoadReport, slot: Int32) {
    policy.reported(endpoints.view, slot: slot, report, at: now)
    collectWishes()
  }

  /// Answers the probe at that place; an answer of an endpoint that has gone is kept from the policy.
  mutating func answerProbe(_ place: Int, _ report: LoadReport?) {
    let probe = probes.remove(at: place)
    let state = endpoints.states[probe.slot]
    if state.incarnation == probe.incarnation && state.isListed {
      policy.probed(endpoints.view, slot: probe.slot, report, at: now)
    }
    collectWishes()
  }

  mutating func picks(_ count: Int) -> [Int] { (0..<count).map { _ in Int(pick()) } }

  /// How often each of `slots` slots is chosen in `picks` picks that start nothing.
  mutating func shares(of slots: Int, picks: Int) -> [Double] {
    var counts = [Double](repeating: 0, count: slots)
    for _ in 0..<picks { counts[Int(pick())] += 1 }
    return counts.map { $0 / Double(picks) }
  }

  mutating func begin(_ slot: Int32) {
    endpoints.states[slot].inFlight += 1
    policy.began(endpoints.view, slot: slot, at: now)
    collectWishes()
  }

  mutating func end(_ slot: Int32, latency: TimeSpan, isSuccess: Bool = true) {
    endpoints.states[slot].inFlight -= 1
    let outcome = AttemptOutcome(
      latency: latency, status: isSuccess ? 200 : 500, ending: .answered)
    policy.ended(endpoints.view, slot: slot, outcome, at: now)
    collectWishes()
  }

  mutating func observe(_ work: ObservedWork, slot: Int32) { policy.observed(endpoints.view, slot: slot, work) }

  /// Sets requests in flight without telling the policy, as vectors do.
  mutating func setInFlight(_ counts: [Int]) {
    for (slot, count) in counts.enumerated() { endpoints.states[slot].inFlight = Int32(count) }
  }
}
