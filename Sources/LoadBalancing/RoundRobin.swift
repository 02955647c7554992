// Round robin: one endpoint after the other; with unequal weights each in proportion to its weight.
//
// Envoy's `ROUND_ROBIN`. With equal weights a counter walks the available endpoints; it starts at a random number, so
// that data planes do not walk in step, and goes on through endpoint changes. With unequal weights an earliest-deadline
// schedule (`EDFScheduler`) takes over, rebuilt from the same seed at each endpoint change, so that each change puts the
// schedule back to the same place: a property of Envoy that is kept. Two other systems' turns can be had instead: nginx's
// `SmoothSchedule`, which starts afresh at each endpoint change, and gRPC's `StaticStride`, which goes on where it was.

import MeshCore

/// Chooses endpoints in turn, by weight. Complexity: O(1) with equal weights; otherwise O(log n) with EDF, O(n) with nginx's
/// smooth turns, heaviest over mean weight with static stride.
public struct RoundRobin: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "schedule", .choice(["edf", "smooth", "staticStride"]), default: .word("edf"),
      "with unequal weights: edf (Envoy), smooth (nginx) or staticStride (gRPC)")
  ]

  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "roundRobin", summary: "each endpoint in turn; with unequal weights in proportion to them (EDF)",
    origin: "Envoy ROUND_ROBIN; nginx; gRPC", parameters: parameters
  ) { parameters, _ in RoundRobin(parameters) }

  /// How turns are taken.
  private enum Turns: Sendable {
    case equal
    case edf
    case smooth
    case staticStride
  }

  /// What unequal weights need.
  private struct Weighted: Sendable {
    let turns: Turns
    var edf = SeededSchedule()
    var smooth = SmoothSchedule()
    var stride = StaticStride()
  }

  /// Turns taken, counted from the seed.
  private var counter: UInt64 = 0
  /// `counter` modulo the number of available endpoints, kept beside it to save the division.
  private var place: Int32 = 0
  private var turns = Turns.equal
  private var weighted: Indirect<Weighted>

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy that has not seen its endpoints; it draws its seed when it does.
  public init(_ parameters: PolicyParameters) {
    let schedule = parameters.word("schedule")
    weighted = Indirect(
      Weighted(turns: schedule == "smooth" ? .smooth : schedule == "staticStride" ? .staticStride : .edf))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    if weighted.value.edf.seed == nil {
      weighted.value.edf.drawSeed(&random)
      counter = weighted.value.edf.seed ?? 0
      weighted.value.stride.counter = UInt32(truncatingIfNeeded: counter)
    }
    let count = endpoints.availableCount
    place = count == 0 ? 0 : Int32(counter % UInt64(count))
    turns = endpoints.availableWeightsAreEqual ? .equal : weighted.value.turns
    if turns == .equal { return }
    var weights = ContiguousArray<Double>()
    for place in 0..<count { weights.append(Double(endpoints.states[endpoints.available[place]].weight)) }
    switch turns {
    case .equal: break
    case .edf: weighted.value.edf.rebuild(weights: weights)
    case .smooth: weighted.value.smooth.rebuild(weights: ContiguousArray(weights.map { Int64($0) }))
    case .staticStride: weighted.value.stride.rebuild(weights: weights)
    }
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if turns != .equal { return pickByWeight(endpoints) }
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    let slot = endpoints.available[place]
    counter &+= 1
    place &+= 1
    // The counter's own overflow starts at the first endpoint, as the remainder does.
    if Int(place) >= count || counter == 0 { place = 0 }
    return slot
  }

  private mutating func pickByWeight(_ endpoints: EndpointView) -> Int32 {
    switch turns {
    case .smooth: return endpoints.available[weighted.value.smooth.next()]
    case .staticStride: return endpoints.available[weighted.value.stride.next()]
    case .equal, .edf:
      let slot = endpoints.available[weighted.value.edf.earliest]
      weighted.value.edf.takeTurn(weight: Double(endpoints.states[slot].weight))
      return slot
    }
  }
}
