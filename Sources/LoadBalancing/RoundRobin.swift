// Round robin: one endpoint after the other; with unequal weights each in proportion to its weight.
//
// Envoy's `ROUND_ROBIN`. With equal weights a counter walks the available endpoints; it starts at a random number, so
// that data planes do not walk in step, and goes on through endpoint changes. With unequal weights an earliest-deadline
// schedule (`EDFScheduler`) takes over, rebuilt from the same seed at each endpoint change, so that each change puts the
// schedule back to the same place: a property of Envoy that is kept.

import MeshCore

/// Chooses endpoints in turn, by weight. Complexity: O(1) with equal weights, O(log n) otherwise.
public struct RoundRobin: LoadBalancer {
  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "roundRobin", summary: "each endpoint in turn; with unequal weights in proportion to them (EDF)",
    origin: "Envoy ROUND_ROBIN"
  ) { _, _ in RoundRobin() }

  /// Turns taken, counted from the seed.
  private var counter: UInt64 = 0
  /// `counter` modulo the number of available endpoints, kept beside it to save the division.
  private var place: Int32 = 0
  private var isWeighted = false
  private var schedule = Indirect(SeededSchedule())

  /// A policy that has not seen its endpoints; it draws its seed when it does.
  public init() {}

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    if schedule.value.seed == nil {
      schedule.value.drawSeed(&random)
      counter = schedule.value.seed ?? 0
    }
    let count = endpoints.availableCount
    place = count == 0 ? 0 : Int32(counter % UInt64(count))
    isWeighted = !endpoints.availableWeightsAreEqual
    if !isWeighted { return }
    var weights = ContiguousArray<Double>()
    for place in 0..<count { weights.append(Double(endpoints.states[endpoints.available[place]].weight)) }
    schedule.value.rebuild(weights: weights)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if isWeighted {
      let slot = endpoints.available[schedule.value.earliest]
      schedule.value.takeTurn(weight: Double(endpoints.states[slot].weight))
      return slot
    }
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    let slot = endpoints.available[place]
    counter &+= 1
    place &+= 1
    // The counter's own overflow starts at the first endpoint, as the remainder does.
    if Int(place) >= count || counter == 0 { place = 0 }
    return slot
  }
}
