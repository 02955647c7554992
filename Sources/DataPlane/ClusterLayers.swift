// The way of a request through a cluster's layers to the group whose balancer chooses: subset, priority, zone.
//
// It is Envoy's order: the subset that the route's criteria select; within it a priority by its share of the load, healthy
// or degraded, all endpoints when it panics; within that a locality, by weight or by zone-aware routing. What is drawn comes
// from the request's own stream, one number for the priority (a policy that goes by keys takes the key) and those that
// zone-aware routing needs, before the balancer's.

import LoadBalancing
import MeshCore

/// The groups of one zone of a priority; -1 where there is none.
struct ZonePart {
  var zone: Int32
  var healthy: Int32 = -1
  var degraded: Int32 = -1
  var all: Int32 = -1

  /// The group of a kind of health.
  func group(of source: EndpointSource) -> Int32 {
    switch source {
    case .none: -1
    case .healthy: healthy
    case .degraded: degraded
    case .all: all
    }
  }
}

/// One priority's groups.
struct PriorityPart {
  var healthy: Int32 = -1
  var degraded: Int32 = -1
  var all: Int32 = -1
  var zones: [ZonePart] = []
  /// Whose turn it is among weighted localities.
  var turns = LocalityWeights()
}

/// One subset's priorities.
struct SubsetPart {
  var load: PriorityLoad
  var priorities: [PriorityPart] = []
  var zoneAware: ZoneAwareRouting
  /// When somebody came last to this subset, or when it was there first.
  private(set) var newest: Timestamp?
  /// By priority, which zone has how much left; empty where that does not count.
  var loads: [PriorityLoads] = []
  /// Who was there when the groups were filled; nil before that.
  var members: [Int32]?

  init(_ settings: LayersDescription) {
    load = PriorityLoad(panicThreshold: settings.panicThreshold)
    var zones = ZoneAwareRouting.Settings()
    if let given = settings.zoneAware {
      zones.routingEnabled = given.routingEnabled
      zones.minimumClusterSize = Int64(given.minClusterSize)
      zones.forceLocalZoneMinimumSize = given.forceLocalZoneMinSize
      zones.basis = given.goesByWeight ? .healthyHostsWeight : .healthyHostsNumber
    }
    zones.failsTrafficOnPanic = settings.failTrafficOnPanic
    zones.panicThreshold = settings.panicThreshold
    zoneAware = ZoneAwareRouting(zones)
  }

  /// Takes in who is there now.
  mutating func see(_ slots: [Int32], _ endpoints: borrowing EndpointSet, at now: Timestamp) {
    newest = slots.reduce(newest ?? now) { max($0, endpoints.states[$1].since) }
  }
}

/// What is known of a cluster's layers between two changes of its endpoints.
struct ClusterLayers {
  let settings: LayersDescription
  let failover: FailoverRule
  let place: BalancerContext
  /// By subset number: only number 0 without subsets.
  var parts: [SubsetPart]
  /// By priority, who is there of the whole cluster, whatever subset they are in: what an aggregate goes by.
  var counted: [PriorityGroup] = []
  var selection: SubsetSelection?
  /// What endpoints report, where that chooses localities.
  var awareness: LoadAwareness?
  /// By route: the subsets to try, in order.
  var orders: [ContiguousArray<Int32>]
  /// How many ranges of tokens there are where data lies on some of the endpoints, each of them a subset then; nil elsewhere.
  var tokenRanges: Int?
  /// Whether any priority of any subset panics, as of the last look.
  private(set) var isInPanic = false
  /// Who has changed since the last look; not looked at without subsets.
  var changes = EndpointChanges()
  /// What routes demand of endpoints, by route; `nil` for nothing.
  let criteria: [[MetadataEntry]?]

  init(
    _ settings: LayersDescription, failover: FailoverRule, place: BalancerContext, criteria: [[NamedValue]?]
  ) {
    self.settings = settings
    self.failover = failover
    self.place = place
    self.parts = [SubsetPart(settings)]
    self.awareness = settings.loadAwareLocality.map { LoadAwareness($0) }
    self.selection = settings.subsets.map { SubsetSelection(Self.settings(of: $0)) }
    self.criteria = criteria.map { $0.map { $0.map { MetadataEntry($0.name, MetadataValue.text($0.value)) } } }
    self.orders = criteria.map { _ in [0] }
    self.tokenRanges = settings.tokenAware == nil ? nil : 0
  }

  /// Whether there may be more than one subset.
  var hasSubsets: Bool { selection != nil || settings.tokenAware != nil }

  /// Whether anything goes by zones.
  var hasZones: Bool { settings.zoneAware != nil || settings.localityWeights != nil || awareness != nil }

  /// Makes so many subsets, at least one: of those that are no more nothing stays, a panic least of all.
  mutating func resize(toSubsets count: Int) {
    parts.removeLast(max(0, parts.count - max(1, count)))
    while parts.count < count { parts.append(SubsetPart(settings)) }
  }

  private static func settings(of subsets: SubsetsDescription) -> SubsetSettings {
    var settings = SubsetSettings()
    settings.fallback = fallback(subsets.fallback)
    settings.defaultSubset = subsets.defaultSubset.map { MetadataEntry($0.name, MetadataValue.text($0.value)) }
    settings.selectors = subsets.selectors.map {
      SubsetSelector(keys: $0.keys.sorted(), fallback: fallback($0.fallback), isSingleHost: $0.isSingleHost)
    }
    settings.panicModeAny = subsets.panicModeAny
    settings.allowsRedundantKeys = subsets.allowsRedundantKeys
    return settings
  }

  private static func fallback(_ given: SubsetFallbackDescription) -> SubsetFallback {
    switch given {
    case .notDefined: return .notDefined
    case .noFallback: return .noFallback
    case .anyEndpoint: return .anyEndpoint
    case .defaultSubset: return .defaultSubset
    case .keysSubset(let keys): return .keysSubset(keys)
    }
  }

  /// The group that every request of a route goes to that names no key, or -1 when it depends: the healthy ones of priority 0 while
  /// these take everything.
  func soleGroup(ofRoute route: Int) -> Int32 {
    if tokenRanges != nil || hasZones || orders[route].count != 1 { return -1 }
    let subset = Int(orders[route][0])
    if subset >= parts.count || parts[subset].priorities.isEmpty { return -1 }
    let load = parts[subset].load
    return load.healthy.first == 100 && load.isInPanic.first == false ? parts[subset].priorities[0].healthy : -1
  }

  /// The group for a request within a subset, or -1 when nobody may be chosen there. `number` chooses the priority, unless an
  /// aggregate of clusters has done so.
  mutating func group(
    subset: Int, _ number: UInt64, within chosen: PriorityChoice?, _ draws: inout RandomStream
  ) -> Int32 {
    let choice = chosen ?? parts[subset].load.choose(number)
    let priority = Int(choice.priority)
    if priority >= parts[subset].priorities.count { return -1 }
    let source = parts[subset].load.source(of: choice, failsTrafficOnPanic: settings.failTrafficOnPanic)
    if awareness != nil { return groupByLoad(subset: subset, priority: priority, source, number) }
    switch source {
    case .none: return -1
    case .all: return parts[subset].priorities[priority].all
    case .healthy, .degraded: break
    }
    if settings.zoneAware != nil && priority == 0 {
      let zone = parts[subset].zoneAware.choose(&draws)
      if zone.reason == .failed { return -1 }
      if zone.place >= 0 { return self.zone(Int(zone.place), subset, priority, choice.availability) }
    } else if settings.localityWeights != nil {
      let zone = parts[subset].priorities[priority].turns.next(choice.availability)
      if zone >= 0 { return self.zone(Int(zone), subset, priority, choice.availability) }
    }
    // Field by field: a copy of the part would retain all that it holds.
    return choice.availability == .healthy
      ? parts[subset].priorities[priority].healthy : parts[subset].priorities[priority].degraded
  }

  /// The same for a policy that `hasTables`: one for each priority, of the healthy or, in a panic, of all, though traffic may be meant
  /// to fail then. Zones have none of their own.
  func tableGroup(subset: Int, _ number: UInt64) -> Int32 {
    let priority = Int(parts[subset].load.choose(number).priority)
    if priority >= parts[subset].priorities.count { return -1 }
    return parts[subset].load.isInPanic[priority]
      ? parts[subset].priorities[priority].all : parts[subset].priorities[priority].healthy
  }

  private func zone(_ place: Int, _ subset: Int, _ priority: Int, _ availability: Availability) -> Int32 {
    let zone = parts[subset].priorities[priority].zones[place]
    return availability == .healthy ? zone.healthy : zone.degraded
  }

  /// Looks whether any priority of any subset panics.
  mutating func lookForPanic() { isInPanic = parts.contains { $0.load.isInPanic.contains(true) } }
}
