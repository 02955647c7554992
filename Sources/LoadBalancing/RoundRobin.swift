// Round robin: one endpoint after the other; with unequal weights each in proportion to its weight.
//
// Envoy's `ROUND_ROBIN`. With equal weights a counter walks the available endpoints; it starts at a random number, so
// that data planes do not walk in step, and goes on through endpoint changes. With unequal weights an earliest-deadline
// schedule (`EDFScheduler`) takes over, rebuilt from the same seed at each endpoint change, so that each change puts the
// schedule back to the same place: a property of Envoy that is kept. Two other systems' turns can be had instead: nginx's
// `SmoothSchedule`, which starts afresh at each endpoint change, and gRPC's `StaticStride`, which goes on where it was; these
// two know no slow start (`SlowStart`), under which Envoy's schedule takes over from the counter too. gRPC's `round_robin` and
// Finagle's know no weights at all (`schedule: ignore`).

import MeshCore

/// Chooses endpoints in turn, by weight. Complexity: O(1) with equal weights; otherwise O(log n) with EDF, O(n) with nginx's
/// smooth turns, heaviest over mean weight with static stride.
public struct RoundRobin: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "schedule", .choice(["edf", "smooth", "staticStride", "ignore"]), default: .word("edf"),
      "with unequal weights: edf (Envoy), smooth (nginx; a pick asks every endpoint), staticStride (gRPC's weighted), or ignore: turns of all alike (gRPC, Finagle)"
    ),
    ParameterDescriptor(
      "maxEffort", .integer(minimum: 0, maximum: 100), default: .integer(0),
      "Finagle: above 0 the dead take turns when all are marked dead; none is picked in vain before, so it may be any number"
    ),
  ]

  public var observesAttempts: Bool { false }
  public var offer: EndpointOffer { takesTheDead ? .allWhenNoneIsAvailable : .available }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "roundRobin",
    summary:
      "each endpoint in turn; with unequal weights in proportion to them (EDF; staticStride passes over heaviest / mean weight)",
    origin: "Envoy ROUND_ROBIN; nginx; gRPC", parameters: parameters,
    slowStartForm: ("schedule", "edf")
  ) { parameters, context in RoundRobin(parameters, context) }

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
    let slowStart: SlowStart
    var edf = SeededSchedule()
    var smooth = SmoothSchedule()
    var stride = StaticStride()
  }

  /// Turns taken, counted from the seed.
  private var counter: UInt64 = 0
  /// `counter` modulo the number of available endpoints, kept beside it to save the division.
  private var place: Int32 = 0
  private var turns = Turns.equal
  private let takesTheDead: Bool
  private var weighted: Indirect<Weighted>

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy that has not seen its endpoints; it draws its seed when it does.
  public init(_ parameters: PolicyParameters, _ context: BalancerContext = BalancerContext()) {
    let schedule = parameters.word("schedule")
    takesTheDead = parameters.integer("maxEffort") > 0
    weighted = Indirect(
      Weighted(
        turns: Self.turns(schedule),
        slowStart: SlowStart(context.slowStart)))
  }

  private static func turns(_ schedule: String) -> Turns {
    switch schedule {
    case "smooth": .smooth
    case "staticStride": .staticStride
    case "ignore": .equal
    default: .edf
    }
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
    let isAnyoneStarting =
      weighted.value.turns == .edf && weighted.value.slowStart.isAnyoneStarting(newest: roster.newest, at: now)
    let isEqual = count < 2 || endpoints.availableWeightsAreEqual && !isAnyoneStarting
    turns = isEqual ? .equal : weighted.value.turns
    if turns == .equal { return }
    var weights = ContiguousArray<Double>()
    for place in 0..<count {
      let slot = endpoints.available[place]
      weights.append(turns == .edf ? weight(endpoints, slot: slot, at: now) : Double(endpoints.states[slot].weight))
    }
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
    if turns != .equal { return pickByWeight(endpoints, at: now) }
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    let slot = endpoints.available[place]
    counter &+= 1
    place &+= 1
    // The counter's own overflow starts at the first endpoint, as the remainder does.
    if Int(place) >= count || counter == 0 { place = 0 }
    return slot
  }

  /// An endpoint's weight as its age has it.
  @inline(__always)
  private func weight(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double {
    weighted.value.slowStart.weight(Double(endpoints.states[slot].weight), of: endpoints.states[slot], at: now)
  }

  private mutating func pickByWeight(_ endpoints: EndpointView, at now: Timestamp) -> Int32 {
    switch turns {
    case .smooth: return endpoints.available[weighted.value.smooth.next()]
    case .staticStride: return endpoints.available[weighted.value.stride.next()]
    case .equal, .edf:
      let slot = endpoints.available[weighted.value.edf.earliest]
      weighted.value.edf.takeTurn(weight: weight(endpoints, slot: slot, at: now))
      return slot
    }
  }
}
