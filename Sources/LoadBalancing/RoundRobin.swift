// Round robin: one endpoint after the other; with unequal weights each in proportion to its weight.
//
// Envoy's `ROUND_ROBIN`. With equal weights a counter walks the available endpoints; it starts at a random number, so
// that data planes do not walk in step, and goes on through endpoint changes. With unequal weights an earliest-deadline
// schedule (`EDFScheduler`) takes over, rebuilt from the same seed at each endpoint change, so that each change puts the
// schedule back to the same place: a property of Envoy that is kept.

import MeshCore

/// Chooses endpoints in turn, by weight. Complexity: O(1) with equal weights, O(log n) otherwise.
public struct RoundRobin: LoadBalancer {
  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "roundRobin", summary: "each endpoint in turn; with unequal weights in proportion to them (EDF)",
    origin: "Envoy ROUND_ROBIN"
  ) { _ in RoundRobin() }

  private var seed: UInt64?
  /// Turns taken, counted from the seed.
  private var counter: UInt64 = 0
  /// `counter` modulo the number of available endpoints, kept beside it to save the division.
  private var place = 0
  private var isWeighted = false
  private var schedule = EDFScheduler()

  /// A policy that has not seen its endpoints; it draws its seed when it does.
  public init() {}

  public mutating func endpointsChanged(
    _ endpoints: borrowing EndpointSet, _ random: inout RandomStream, at now: Timestamp
  ) {
    let seed = self.seed ?? random.next()
    if self.seed == nil {
      self.seed = seed
      counter = seed
    }
    let count = endpoints.availableCount
    place = count == 0 ? 0 : Int(counter % UInt64(count))
    isWeighted = !endpoints.availableWeightsAreEqual
    if isWeighted {
      var weights = ContiguousArray<Double>()
      weights.reserveCapacity(count)
      for place in 0..<count { weights.append(Double(endpoints.states[endpoints.available[place]].weight)) }
      schedule.rebuild(weights: weights, seed: seed)
    } else {
      schedule.removeAll()
    }
  }

  public mutating func pick(
    _ endpoints: borrowing EndpointSet, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if isWeighted {
      let slot = endpoints.available[schedule.earliest]
      schedule.takeTurn(weight: Double(endpoints.states[slot].weight))
      return slot
    }
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    let slot = endpoints.available[place]
    counter &+= 1
    place &+= 1
    // The counter's own overflow starts at the first endpoint, as the remainder does.
    if place >= count || counter == 0 { place = 0 }
    return slot
  }
}

extension EndpointSet {
  /// Whether all available endpoints have the same weight; true for none and for one.
  var availableWeightsAreEqual: Bool {
    if availableCount < 2 { return true }
    let weight = states[available[0]].weight
    for place in 1..<availableCount where states[available[place]].weight != weight { return false }
    return true
  }
}
