// A cluster's endpoints sorted into what the layers choose from: by priority, health and locality.
//
// `PriorityLoad` names a priority and a source, `LocalityWeights` and `ZoneAwareRouting` a locality within it; the
// members of each such part stand here side by side, so that a policy can be lent them as its available endpoints
// (`EndpointSet.roster(of:)`). Within a part endpoints keep discovery's order. Localities are zones: the data plane's
// own comes first in each priority that has any endpoint there, the others by number, as Envoy sorts them by name.
//
// Needs per change: the roster. Healthy is who is admitted by fault detection and not called otherwise by discovery;
// degraded who is admitted and called degraded. Per request: nothing but a look-up.

import MeshCore

/// Endpoints by priority, health and locality. Complexity: an update O(endpoints · log endpoints), a look-up O(1).
public struct EndpointPartition: ~Copyable {
  /// Where a part's members lie.
  struct Part: BitwiseCopyable {
    var start: Int32
    var count: Int32
  }

  /// Envoy's bound; endpoints of later priorities count as of the last.
  private static let priorityBound: Int32 = 128
  /// All, healthy and degraded members of a priority, before its localities' healthy and degraded ones.
  private static let sourceCount: Int32 = 3

  private var members = Pool<Int32>()
  private var parts = Pool<Part>()
  /// By priority, where its parts begin.
  private var starts: ContiguousArray<Int32> = []
  /// The priorities, counted.
  public private(set) var groups: [PriorityGroup] = []
  /// By priority, its zones in order.
  public private(set) var zones: [[ZoneGroup]] = []
  /// By priority, each zone's degraded endpoints.
  private var degraded: [[Int32]] = []
  /// By priority, whether its first zone is the data plane's own.
  private var hasOwnZone: [Bool] = []

  /// A partition of nobody.
  public init() {}

  /// How many priorities there are.
  public var priorityCount: Int { groups.count }

  /// Something about endpoints changed.
  /// - Parameters:
  ///   - ownZone: the data plane's zone, -1 for none.
  ///   - overprovisioning: per cent.
  ///   - isWeighted: whether endpoints count by weight for priorities (Envoy's `weighted_priority_health`).
  public mutating func update(
    _ roster: EndpointRoster, ownZone: Int32 = -1, overprovisioning: Int32 = 140, isWeighted: Bool = false
  ) {
    members.removeAll()
    parts.removeAll()
    starts.removeAll(keepingCapacity: true)
    groups.removeAll(keepingCapacity: true)
    zones.removeAll(keepingCapacity: true)
    degraded.removeAll(keepingCapacity: true)
    hasOwnZone.removeAll(keepingCapacity: true)
    let states = roster.view.states
    var byPriority: [[Int32]] = []
    for place in 0..<roster.listed.count {
      let slot = roster.listed[place]
      let priority = Int(min(max(0, states[slot].priority), Self.priorityBound - 1))
      while byPriority.count <= priority { byPriority.append([]) }
      byPriority[priority].append(slot)
    }
    for slots in byPriority { add(slots, states, ownZone, overprovisioning, isWeighted) }
  }

  private static func source(of state: EndpointState) -> EndpointSource {
    if !state.isAdmitted || state.health == .unhealthy { return .none }
    return state.health == .degraded ? .degraded : .healthy
  }

  private mutating func add(
    _ slots: [Int32], _ states: PoolView<EndpointState>, _ ownZone: Int32, _ overprovisioning: Int32, _ isWeighted: Bool
  ) {
    starts.append(Int32(truncatingIfNeeded: parts.count))
    let healthy = slots.filter { Self.source(of: states[$0]) == .healthy }
    let degradedSlots = slots.filter { Self.source(of: states[$0]) == .degraded }
    for part in [slots, healthy, degradedSlots] { append(part) }
    var group = PriorityGroup(
      total: Int32(truncatingIfNeeded: slots.count), healthy: Int32(truncatingIfNeeded: healthy.count),
      degraded: Int32(truncatingIfNeeded: degradedSlots.count), overprovisioning: overprovisioning)
    let weight = { (slots: [Int32]) in slots.reduce(UInt64(0)) { $0 + UInt64(states[$1].weight) } }
    if isWeighted { group.weigh(healthy: weight(healthy), degraded: weight(degradedSlots), eligible: weight(slots)) }
    groups.append(group)

    var numbers: [Int32] = []
    for number in slots.map({ states[$0].zone }).sorted() where numbers.last != number { numbers.append(number) }
    if ownZone >= 0, let own = numbers.firstIndex(of: ownZone) {
      numbers.remove(at: own)
      numbers.insert(ownZone, at: 0)
      hasOwnZone.append(true)
    } else {
      hasOwnZone.append(false)
    }
    var counted: [ZoneGroup] = []
    var degradedCounts: [Int32] = []
    for number in numbers {
      let healthyHere = healthy.filter { states[$0].zone == number }
      let degradedHere = degradedSlots.filter { states[$0].zone == number }
      append(healthyHere)
      append(degradedHere)
      let total = slots.reduce(Int32(0)) { $0 + (states[$1].zone == number ? 1 : 0) }
      counted.append(
        ZoneGroup(
          zone: number, healthy: Int32(truncatingIfNeeded: healthyHere.count), total: total,
          healthyWeight: weight(healthyHere)))
      degradedCounts.append(Int32(truncatingIfNeeded: degradedHere.count))
    }
    zones.append(counted)
    degraded.append(degradedCounts)
  }

  private mutating func append(_ slots: [Int32]) {
    parts.append(Part(start: Int32(truncatingIfNeeded: members.count), count: Int32(truncatingIfNeeded: slots.count)))
    for slot in slots { members.append(slot) }
  }

  /// How many parts there are: policies that keep state by part number them so.
  public var partCount: Int { parts.count }

  /// The number of a priority's part, or -1 for none of its endpoints or a priority that is not there.
  public func part(priority: Int32, source: EndpointSource) -> Int32 {
    if priority < 0 || Int(priority) >= starts.count { return -1 }
    switch source {
    case .all: return starts[Int(priority)]
    case .healthy: return starts[Int(priority)] + 1
    case .degraded: return starts[Int(priority)] + 2
    case .none: return -1
    }
  }

  /// The number of the part that is one locality of a priority, or -1 where there is none.
  public func part(priority: Int32, availability: Availability, locality: Int32) -> Int32 {
    if priority < 0 || Int(priority) >= starts.count || locality < 0 { return -1 }
    if Int(locality) >= zones[Int(priority)].count { return -1 }
    return starts[Int(priority)] + Self.sourceCount + 2 * locality + (availability == .healthy ? 0 : 1)
  }

  /// The slots of a part, lent until the next update; nobody for -1.
  public func slots(part: Int32) -> PoolView<Int32> {
    if part < 0 { return members.view.slice(from: 0, count: 0) }
    let range = parts[part]
    return members.view.slice(from: Int(range.start), count: Int(range.count))
  }

  /// A priority's zones for zone-aware routing.
  public func zoneSet(priority: Int) -> ZoneSet {
    priority < zones.count ? ZoneSet(zones[priority], hasLocal: hasOwnZone[priority]) : ZoneSet([], hasLocal: false)
  }

  /// A priority's localities for locality-weighted turns. `weights` are by zone number; a zone without one has 0.
  public func localities(priority: Int, weights: [UInt32]) -> [LocalityGroup] {
    if priority >= zones.count { return [] }
    return zip(zones[priority], degraded[priority]).map { zone, degraded in
      let weight = zone.zone >= 0 && Int(zone.zone) < weights.count ? weights[Int(zone.zone)] : 0
      return LocalityGroup(weight: weight, total: zone.total, healthy: zone.healthy, degraded: degraded)
    }
  }
}
