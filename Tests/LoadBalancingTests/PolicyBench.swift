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
  var endpoints = EndpointSet()
  var policy: any LoadBalancer & ~Copyable
  var random: RandomStream
  var now = Timestamp.zero

  init(_ policy: consuming any LoadBalancer & ~Copyable, random: RandomStream = RandomStream(state: 1)) {
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
  }

  mutating func admit(_ admitted: Bool, slot: Int32) {
    endpoints.setExcluded(!admitted, by: .failureAccrual, slot: slot)
    policy.endpointsChanged(endpoints.roster, &random, at: now)
  }

  mutating func pick() -> Int32 { policy.pick(endpoints.view, PickContext(), &random, at: now) }

  mutating func pick(key: UInt64) -> Int32 { policy.pick(endpoints.view, PickContext(key: key), &random, at: now) }

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
  }

  mutating func end(_ slot: Int32, latency: TimeSpan, isSuccess: Bool = true) {
    endpoints.states[slot].inFlight -= 1
    let outcome = AttemptOutcome(
      latency: latency, status: isSuccess ? 200 : 500, ending: .answered)
    policy.ended(endpoints.view, slot: slot, outcome, at: now)
  }

  mutating func observe(_ work: ObservedWork, slot: Int32) { policy.observed(endpoints.view, slot: slot, work) }

  /// Sets requests in flight without telling the policy, as vectors do.
  mutating func setInFlight(_ counts: [Int]) {
    for (slot, count) in counts.enumerated() { endpoints.states[slot].inFlight = Int32(count) }
  }
}
