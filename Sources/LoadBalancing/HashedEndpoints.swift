// What the policies with a hashing table share: whose number in the table is whose slot, and what bounded load needs to know.

import MeshCore

/// The endpoints that a hashing table was built from.
struct HashedEndpoints: Sendable {
  /// How they are bounded, if at all.
  private var bound: BoundedLoad
  /// The endpoints as the table knows them, with their slots beside.
  private(set) var members: [WeightedMember] = []
  private(set) var slots: ContiguousArray<Int32> = []
  /// Requests in flight at all of the cluster's endpoints; counted while there is a bound.
  private var active: UInt32 = 0

  init(balanceFactor: Int64) { bound = BoundedLoad(factor: UInt32(clamping: balanceFactor)) }

  /// Whether the load is bounded.
  var isBounded: Bool { bound.factor > 0 }

  /// Takes over the endpoints that may be chosen. Returns whether the table has to be built anew: who they are or what share
  /// they have has changed.
  mutating func update(_ roster: EndpointRoster) -> Bool {
    let view = roster.view
    var weights: [(key: String, weight: UInt32)] = []
    slots.removeAll(keepingCapacity: true)
    for place in 0..<view.availableCount {
      let slot = view.available[place]
      slots.append(slot)
      weights.append((roster.address(slot: slot), view.states[slot].weight))
    }
    if isBounded {
      active = 0
      for slot in 0..<view.states.count { active &+= UInt32(clamping: view.states[slot].inFlight) }
    }
    let updated = WeightedMember.normalised(weights)
    if updated == members { return false }
    members = updated
    return true
  }

  /// The slot of the endpoint that the table chose for `hash`, or of another when that one has too much. `member` is -1 for none.
  @inline(__always)
  mutating func slot(_ member: Int32, hash: UInt64, _ endpoints: EndpointView) -> Int32 {
    if member < 0 { return -1 }
    return slots[Int(isBounded ? bounded(member, hash: hash, endpoints) : member)]
  }

  private mutating func bounded(_ member: Int32, hash: UInt64, _ endpoints: EndpointView) -> Int32 {
    let total = bound.totalSlots(active: active)
    return bound.choose(member, hash: hash, count: members.count) { [members, slots] other in
      BoundedLoad.overload(
        active: endpoints.states[slots[Int(other)]].inFlight, share: members[Int(other)].share, totalSlots: total)
    }
  }

  /// A request was sent to some endpoint.
  mutating func began() { active &+= 1 }

  /// A request has ended.
  mutating func ended() { if active > 0 { active &-= 1 } }
}
