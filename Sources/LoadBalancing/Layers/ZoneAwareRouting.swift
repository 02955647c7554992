// Zone-aware routing: keep requests in the caller's zone as far as that loads all upstream endpoints alike.
//
// Who calls is the local cluster (the fleet that this data plane belongs to), who answers the upstream cluster. If a
// zone has at least the share of upstream endpoints that it has of callers, its callers stay in it. Otherwise they send
// there what it can take, and the rest to zones with capacity left over after their own callers, in proportion to it.
// Shares are in units of 0.01 %, truncated: a small unused tail stays (Envoy's
// load_balancing_policies/common/load_balancer_impl.cc, which applies it to priority 0 only).
//
// Needs per change of either cluster: healthy upstream endpoints by zone, callers by zone. Per request, when priority 0
// does not panic: random numbers, in this order: one if routing is enabled for a part of the requests only, one whether
// to stay, one where to go. Comes after `PriorityLoad` and instead of `LocalityWeights`.

import MeshCore

/// One zone's endpoints of a cluster, counted. Where the cluster has an own zone, that is the first, empty or not.
@frozen
public struct ZoneGroup: BitwiseCopyable, Hashable, Sendable {
  /// The zone's number.
  public var zone: Int32
  /// How many endpoints it has, whatever their health.
  public var total: Int32
  /// How many of them are healthy.
  public var healthy: Int32
  /// The summed weight of the healthy ones.
  public var healthyWeight: UInt64

  /// A zone. Weights are 1 unless said, and all endpoints are there if more than the healthy ones are not said.
  public init(zone: Int32, healthy: Int32, total: Int32? = nil, healthyWeight: UInt64? = nil) {
    self.zone = zone
    self.total = max(healthy, total ?? healthy)
    self.healthy = healthy
    self.healthyWeight = healthyWeight ?? UInt64(max(0, healthy))
  }
}

/// A cluster's zones.
public struct ZoneSet: Hashable, Sendable {
  /// The zones; the data plane's own is the first if it is among them.
  public var zones: [ZoneGroup]
  /// Whether the first zone is the data plane's own.
  public var hasLocal: Bool

  /// Zones.
  public init(_ zones: [ZoneGroup], hasLocal: Bool) {
    self.zones = zones
    self.hasLocal = hasLocal
  }

  /// How many endpoints are healthy.
  public var healthy: Int64 { zones.reduce(0) { $0 + Int64($1.healthy) } }
}

/// Where zone-aware routing sends a request.
@frozen
public struct ZoneChoice: BitwiseCopyable, Hashable, Sendable {
  /// Why there.
  @frozen
  public enum Reason: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// Zones do not count for this request: any of the priority's endpoints.
    case regular
    /// The local fleet panics and traffic is to fail then.
    case failed
    /// Everything stays in the zone.
    case direct
    /// It stays, being within what the zone can take.
    case sampled
    /// It goes to a zone with capacity left.
    case crossZone
    /// It has to leave, and rounding has left no zone any capacity: a zone at random.
    case noCapacityLeft
  }

  /// Why there.
  public var reason: Reason
  /// The zone, as an index into the upstream's; -1 unless a zone was chosen.
  public var place: Int32

  /// A choice.
  public init(_ reason: Reason, place: Int32 = -1) {
    self.reason = reason
    self.place = place
  }
}

/// Chooses a zone for each request. Complexity: a choice O(zones).
public struct ZoneAwareRouting: Sendable {
  /// What zones are compared by.
  public enum Basis: Sendable {
    /// The number of healthy endpoints (Envoy's default).
    case healthyHostsNumber
    /// The summed weight of healthy endpoints.
    case healthyHostsWeight
  }

  /// What can be set, with Envoy's names and defaults.
  public struct Settings: Sendable {
    /// The per cent of requests that it applies to, 0 ... 100.
    public var routingEnabled: Int32 = 100
    /// With fewer healthy upstream endpoints it does not apply.
    public var minimumClusterSize: Int64 = 6
    /// Stay in the zone whenever it has at least so many healthy endpoints; `nil` for not.
    public var forceLocalZoneMinimumSize: Int32?
    /// Whether requests fail while the local fleet panics.
    public var failsTrafficOnPanic = false
    /// What zones are compared by.
    public var basis = Basis.healthyHostsNumber
    /// The threshold of panic, per cent, by which the local fleet is judged.
    public var panicThreshold: Int32 = 50

    /// Envoy's defaults.
    public init() {}
  }

  /// What is done with requests.
  public enum State: Hashable, Sendable {
    /// Zones do not count: too few of them or of endpoints, or the local fleet is not as it should be.
    case off(Obstacle)
    /// Everything stays in the zone.
    case direct
    /// Some stay, the rest goes to zones with capacity left.
    case residual
  }

  /// Why zones do not count.
  public enum Obstacle: Hashable, Sendable {
    /// Nothing is known yet.
    case nothingKnown
    /// The upstream cluster has less than two zones.
    case fewUpstreamZones
    /// The local cluster has less than two zones.
    case fewLocalZones
    /// The local cluster has nobody in the data plane's own zone (Envoy's `lb_local_cluster_not_ok`).
    case localClusterNotOk
    /// There are too few healthy upstream endpoints (Envoy's `lb_zone_cluster_too_small`).
    case clusterTooSmall
  }

  private let settings: Settings
  /// What is done with requests.
  public private(set) var state = State.off(.nothingKnown)
  /// Of 10,000 requests, how many stay in the zone.
  public private(set) var localPercentToRoute: UInt64 = 0
  /// By upstream zone, the capacity left there and in all zones before, in units of 0.01 %.
  public private(set) var residualCapacity: ContiguousArray<UInt64> = []
  /// By upstream zone, its share of callers and of upstream endpoints, in units of 0.01 %.
  public private(set) var percentages: ContiguousArray<(local: UInt64, upstream: UInt64)> = []
  private var isLocalFleetInPanic = false

  /// A router that knows no zones.
  public init(_ settings: Settings = Settings()) { self.settings = settings }

  /// Endpoints of either cluster came or went, or their health changed. `fleet` counts the local cluster's by health,
  /// to judge whether it panics.
  public mutating func update(upstream: ZoneSet, local: ZoneSet, fleet: PriorityGroup) {
    isLocalFleetInPanic = fleet.isBelow(panicThreshold: settings.panicThreshold)
    localPercentToRoute = 0
    residualCapacity.removeAll(keepingCapacity: true)
    percentages.removeAll(keepingCapacity: true)
    if let obstacle = obstacle(upstream, local) {
      state = .off(obstacle)
      return
    }
    comparePercentages(upstream, local)
    let own = percentages[0]
    if upstream.hasLocal {
      let suffices = own.upstream > 0 && own.upstream >= own.local
      let isForced = settings.forceLocalZoneMinimumSize.map { upstream.zones[0].healthy >= $0 } ?? false
      if suffices || isForced {
        state = .direct
        return
      }
      if own.local > 0 { localPercentToRoute = own.upstream * 10_000 / own.local }
    }
    state = .residual
    var sum: UInt64 = 0
    for (place, share) in percentages.enumerated() {
      let isOwn = place == 0 && upstream.hasLocal
      if !isOwn && share.upstream > share.local { sum += share.upstream - share.local }
      residualCapacity.append(sum)
    }
  }

  private func obstacle(_ upstream: ZoneSet, _ local: ZoneSet) -> Obstacle? {
    if upstream.zones.count < 2 { return .fewUpstreamZones }
    if local.zones.count < 2 && settings.forceLocalZoneMinimumSize == nil { return .fewLocalZones }
    if !local.hasLocal || local.zones.isEmpty || local.zones[0].total == 0 { return .localClusterNotOk }
    if upstream.healthy < settings.minimumClusterSize { return .clusterTooSmall }
    return nil
  }

  private func measure(_ group: ZoneGroup) -> UInt64 {
    settings.basis == .healthyHostsNumber ? UInt64(max(0, group.healthy)) : group.healthyWeight
  }

  private mutating func comparePercentages(_ upstream: ZoneSet, _ local: ZoneSet) {
    let localTotal = local.zones.reduce(0) { $0 + measure($1) }
    let upstreamTotal = upstream.zones.reduce(0) { $0 + measure($1) }
    for group in upstream.zones {
      // The zone of an empty group is not known to Envoy, nor does it matter.
      let callers =
        group.healthy == 0 ? nil : local.zones.first { $0.zone == group.zone && $0.healthy > 0 }
      let own = callers.map(measure) ?? 0
      percentages.append(
        (
          local: localTotal > 0 ? 10_000 * own / localTotal : 0,
          upstream: upstreamTotal > 0 ? 10_000 * measure(group) / upstreamTotal : 0
        ))
    }
  }

  /// The zone for a request.
  public func choose(_ random: inout RandomStream) -> ZoneChoice {
    if case .off = state { return ZoneChoice(.regular) }
    let isEnabled = RuntimeFraction(UInt64(max(0, settings.routingEnabled))).drawUnlessKnown(&random)
    if !isEnabled { return ZoneChoice(.regular) }
    if isLocalFleetInPanic { return ZoneChoice(settings.failsTrafficOnPanic ? .failed : .regular) }
    if state == .direct { return ZoneChoice(.direct, place: 0) }
    if random.next() % 10_000 < localPercentToRoute { return ZoneChoice(.sampled, place: 0) }
    let count = residualCapacity.count
    let capacity = residualCapacity[count - 1]
    if capacity == 0 { return ZoneChoice(.noCapacityLeft, place: Int32(truncatingIfNeeded: random.modulo(count))) }
    let point = random.next() % capacity
    var place = 0
    while point >= residualCapacity[place] { place &+= 1 }
    return ZoneChoice(.crossZone, place: Int32(truncatingIfNeeded: place))
  }
}
