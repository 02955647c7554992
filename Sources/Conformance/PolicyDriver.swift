// A policy with the endpoints and draws it needs, as a data plane has them, for vectors that script a balancer.

import LoadBalancing
import MeshCore
import TestVectors

/// Numbers that a stream gives in order, again and again; they live as long as this does.
final class ScriptedNumbers {
  private let memory: UnsafeMutableBufferPointer<UInt64>

  /// At least one number.
  init(_ numbers: [UInt64]) {
    let numbers = numbers.isEmpty ? [0] : numbers
    memory = .allocate(capacity: numbers.count)
    _ = memory.initialize(from: numbers)
  }

  deinit { memory.deallocate() }

  var stream: RandomStream { RandomStream(script: UnsafeBufferPointer(memory)) }
}

/// One policy at work. Endpoint i of a list is identity i and, while lists do not shrink, slot i.
struct PolicyDriver: ~Copyable {
  var endpoints: EndpointSet
  var policy: any LoadBalancer & ~Copyable
  var random: RandomStream
  var now = Timestamp.zero
  private let script: ScriptedNumbers?

  /// A policy that draws `numbers`, or from a fixed seed where there are none.
  init(_ policy: consuming any LoadBalancer & ~Copyable, drawing numbers: [UInt64]? = nil) {
    endpoints = EndpointSet(offer: policy.offer)
    self.policy = policy
    script = numbers.map { ScriptedNumbers($0) }
    random = script?.stream ?? RandomStream(state: 1)
  }

  /// A policy by its descriptor, with these parameters.
  static func parameters(
    _ descriptor: PolicyDescriptor, _ given: [(name: String, value: ParameterValue)]
  ) -> PolicyParameters {
    PolicyParameters(descriptor.parameters, given: given)
  }

  /// Lists endpoints 0, 1, … with these weights.
  mutating func list(weights: [UInt32]) {
    let described = weights.enumerated().map {
      EndpointDescription(identity: EndpointIdentity(Int32(truncatingIfNeeded: $0.offset)), weight: $0.element)
    }
    endpoints.list(described, at: now)
    policy.endpointsChanged(endpoints.roster, &random, at: now)
  }

  mutating func admit(_ admitted: Bool, slot: Int) {
    endpoints.setExcluded(!admitted, by: .failureAccrual, slot: Int32(truncatingIfNeeded: slot))
    policy.endpointsChanged(endpoints.roster, &random, at: now)
  }

  mutating func pick(_ context: PickContext = PickContext()) -> Int {
    Int(policy.pick(endpoints.view, context, &random, at: now))
  }

  mutating func picks(_ count: Int) -> [Int] { (0..<count).map { _ in pick() } }

  /// How often each of `slots` slots is chosen in `picks` picks that start nothing.
  mutating func counts(of slots: Int, picks: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: slots)
    for _ in 0..<picks {
      let slot = pick()
      if counts.indices.contains(slot) { counts[slot] += 1 }
    }
    return counts
  }

  /// Sets requests in flight without telling the policy, as vectors do.
  mutating func setInFlight(_ counts: [Int32]) {
    for slot in 0..<min(counts.count, endpoints.states.count) { endpoints.states[slot].inFlight = counts[slot] }
  }

  /// Sets weights behind the policy's back, as vectors do.
  mutating func setWeights(_ weights: [UInt32]) {
    for slot in 0..<min(weights.count, endpoints.states.count) { endpoints.states[slot].weight = weights[slot] }
  }

  mutating func begin(_ slot: Int) {
    endpoints.states[slot].inFlight += 1
    policy.began(endpoints.view, slot: Int32(truncatingIfNeeded: slot), at: now)
  }

  mutating func end(_ slot: Int, latency: TimeSpan, status: Int16 = 200) {
    endpoints.states[slot].inFlight -= 1
    let outcome = AttemptOutcome(latency: latency, status: status, ending: .answered)
    policy.ended(endpoints.view, slot: Int32(truncatingIfNeeded: slot), outcome, at: now)
  }
}

extension TimeSpan {
  /// A span of so many milliseconds, whole nanoseconds.
  static func milliseconds(of value: Double) -> TimeSpan { TimeSpan(nanoseconds: nanoseconds(value * 1e6)) }

  /// A span of so many seconds, whole nanoseconds.
  static func seconds(of value: Double) -> TimeSpan { TimeSpan(nanoseconds: nanoseconds((value * 1e9).rounded())) }

  /// What does not fit is the nearest that does, and what is no number is none.
  private static func nanoseconds(_ value: Double) -> Int64 {
    if value.isNaN { return 0 }
    return value >= 9.2e18 ? .max : value <= -9.2e18 ? .min : Int64(value)
  }
}

extension VectorValue {
  /// Weights of endpoints, a list.
  var weights: [UInt32] { get throws { try items.map { try $0.weight } } }

  /// Requests in flight, a list.
  var loads: [Int32] {
    get throws {
      let loads = try items.map { try $0.int32 }
      guard loads.allSatisfy({ $0 >= 0 }) else { throw VectorError(description: "fewer than no requests in flight") }
      return loads
    }
  }

  /// A time that fits into nanoseconds whatever its unit: at most a hundred days of milliseconds or years of seconds.
  var time: Double {
    get throws {
      let value = try double
      guard value.magnitude <= 9e9 else { throw VectorError(description: "\(value) is no time") }
      return value
    }
  }

  /// A number of picks or endpoints that a vector may ask for without keeping us busy for ever.
  var count: Int {
    get throws {
      let value = try int
      guard (0...20_000_000).contains(value) else { throw VectorError(description: "\(value) is no count") }
      return value
    }
  }
}
