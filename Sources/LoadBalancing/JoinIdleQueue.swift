// Join the idle queue: an idle endpoint if there is one, else any.
//
// Idle endpoints are kept in a list, so a choice costs the same for ten and for ten thousand (Lu et al.: Join-Idle-Queue,
// 2011). Idle means without a request of this data plane. Among idle endpoints, as among busy ones, all are equally
// likely.

import MeshCore

/// Chooses an idle endpoint. Complexity: O(1).
public struct JoinIdleQueue: LoadBalancer {
  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "joinIdleQueue", summary: "an idle endpoint at random, or any when none is idle", origin: "Lu et al. 2011"
  ) { _, _ in JoinIdleQueue() }

  private static let notIdle: Int32 = -1
  private static let notAvailable: Int32 = -2

  /// The slots of available endpoints without requests, in no order.
  private var idle: ContiguousArray<Int32> = []
  /// Where in `idle` a slot is, or why it is not there.
  private var places: ContiguousArray<Int32> = []

  /// A policy that has not seen its endpoints.
  public init() {}

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    places = ContiguousArray(repeating: Self.notAvailable, count: endpoints.states.count)
    idle.removeAll(keepingCapacity: true)
    idle.reserveCapacity(endpoints.availableCount)
    for place in 0..<endpoints.availableCount {
      let slot = endpoints.available[place]
      places[Int(slot)] = Self.notIdle
      if endpoints.states[slot].inFlight == 0 { insert(slot) }
    }
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if !idle.isEmpty { return idle[random.below(idle.count)] }
    let count = endpoints.availableCount
    return count == 0 ? -1 : endpoints.available[random.below(count)]
  }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {
    let place = places[Int(slot)]
    if place < 0 { return }
    places[Int(slot)] = Self.notIdle
    let last = idle.removeLast()
    if last != slot {
      idle[Int(place)] = last
      places[Int(last)] = place
    }
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    if endpoints.states[slot].inFlight == 0 && places[Int(slot)] == Self.notIdle { insert(slot) }
  }

  private mutating func insert(_ slot: Int32) {
    places[Int(slot)] = Int32(truncatingIfNeeded: idle.count)
    idle.append(slot)
  }
}
