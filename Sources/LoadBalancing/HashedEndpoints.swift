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

  /// The shares of localities, where they have any, and the data plane's own zone.
  private let localityWeights: [LocalityShare]?
  private let zone: Int32

  init(balanceFactor: Int64, _ place: BalancerContext = BalancerContext()) {
    bound = BoundedLoad(factor: UInt32(clamping: balanceFactor))
    localityWeights = place.localityWeights
    zone = place.zone
  }

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
    let updated =
      localityWeights.map { byLocality($0, weights, roster) } ?? WeightedMember.normalised(weights)
    if updated == members { return false }
    members = updated
    return true
  }

  /// Endpoints whose shares are their zone's of all zones, times theirs of their zone; zones without weight have none. As in Envoy a
  /// zone keeps its weight while it has endpoints, however ill they are, so that the shares may sum to less than 1. The
  /// data plane's own zone comes first, the others by number.
  private mutating func byLocality(
    _ shares: [LocalityShare], _ weights: [(key: String, weight: UInt32)], _ roster: EndpointRoster
  ) -> [WeightedMember] {
    let states = roster.view.states
    let present = Set((0..<roster.listed.count).map { states[roster.listed[$0]].zone })
    let weighted = shares.filter { $0.weight > 0 && present.contains($0.zone) }
      .sorted { ($0.zone == zone ? 0 : 1, $0.zone) < ($1.zone == zone ? 0 : 1, $1.zone) }
    let sum = weighted.reduce(UInt64(0)) { $0 + UInt64($1.weight) }
    let known = slots
    var found: [WeightedMember] = []
    slots.removeAll(keepingCapacity: true)
    for locality in weighted {
      let places = known.indices.filter { states[known[$0]].zone == locality.zone }
      let own = places.reduce(UInt64(0)) { $0 + UInt64(max(1, weights[$1].weight)) }
      let share = Double(locality.weight) / Double(sum)
      for place in places {
        slots.append(known[place])
        found.append(
          WeightedMember(
            key: weights[place].key, share: Double(max(1, weights[place].weight)) * share / Double(own)))
      }
    }
    return found
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
