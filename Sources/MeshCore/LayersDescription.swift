// What stands around a cluster's balancer: priorities, panic, localities, subsets and the rest. Names and defaults are
// Envoy's where nothing else is said.

/// A locality's share of traffic.
public struct LocalityShare: Sendable, Hashable {
  /// The number of its zone.
  public var zone: Int32
  /// Its weight; 0 for no traffic.
  public var weight: UInt32

  /// A locality.
  public init(zone: Int32, weight: UInt32) {
    self.zone = zone
    self.weight = weight
  }
}

/// Zone-aware routing (Envoy's `zone_aware_lb_config`).
public struct ZoneAwareDescription: Sendable, Hashable {
  /// The per cent of requests it applies to, 0…100.
  public var routingEnabled: Int32
  /// With fewer healthy endpoints it does not apply.
  public var minClusterSize: Int32
  /// Stay in the zone whenever it has at least so many healthy endpoints.
  public var forceLocalZoneMinSize: Int32?
  /// Whether zones count by their healthy endpoints' weights, not by their number.
  public var goesByWeight = false

  /// Zone-aware routing.
  public init(routingEnabled: Int32 = 100, minClusterSize: Int32 = 6, forceLocalZoneMinSize: Int32? = nil) {
    self.routingEnabled = routingEnabled
    self.minClusterSize = minClusterSize
    self.forceLocalZoneMinSize = forceLocalZoneMinSize
  }
}

/// Localities by what their endpoints have left (Envoy's `load_aware_locality`). Defaults are Envoy's.
public struct LoadAwareLocalityDescription: Sendable, Hashable {
  /// How often localities are weighed, above 0.
  public var weightUpdatePeriod: TimeSpan = .seconds(1)
  /// How much busier than the others on average the own locality may be and still keep its traffic.
  public var utilizationVarianceThreshold = 0.1
  /// The weight of what is reported now against what was known, above 0.
  public var ewmaAlpha = 0.3
  /// The share of traffic that other localities get at least.
  public var remoteProbeFraction = 0.03
  /// How long a report counts.
  public var weightExpirationPeriod: TimeSpan = .seconds(180)

  /// Envoy's defaults.
  public init() {}
}

/// How a data plane's part of many endpoints is chosen.
public enum SubsettingMethod: String, Sendable, Hashable, CaseIterable {
  /// By a hash of address and data plane (gRPC proposal A68).
  case random
  /// In rounds that deal out all endpoints (Site Reliability Engineering, chapter 20).
  case deterministic
}

/// A data plane's part of the endpoints.
public struct SubsettingDescription: Sendable, Hashable {
  /// How many it keeps, at least 1.
  public var size: Int
  /// Which.
  public var method: SubsettingMethod

  /// A part of the endpoints.
  public init(size: Int, method: SubsettingMethod = .random) {
    self.size = max(1, size)
    self.method = method
  }
}

/// What a set of metadata keys selects when nothing fits (Envoy's subset fallback policies).
public enum SubsetFallbackDescription: Sendable, Hashable {
  /// The cluster's own fallback decides.
  case notDefined
  /// Nobody.
  case noFallback
  /// Any endpoint.
  case anyEndpoint
  /// The default subset.
  case defaultSubset
  /// The same with these keys alone.
  case keysSubset([String])
}

/// A set of metadata keys that subsets are made by.
public struct SubsetSelectorDescription: Sendable, Hashable {
  /// The keys.
  public var keys: [String]
  /// What happens when no subset fits.
  public var fallback: SubsetFallbackDescription
  /// Whether each subset holds the first endpoint alone that fits it.
  public var isSingleHost = false

  /// A selector.
  public init(keys: [String], fallback: SubsetFallbackDescription = .notDefined) {
    self.keys = keys
    self.fallback = fallback
  }
}

/// Subsets by metadata (Envoy's `lb_subset_config`).
public struct SubsetsDescription: Sendable, Hashable {
  /// The selectors.
  public var selectors: [SubsetSelectorDescription]
  /// What happens when no subset fits.
  public var fallback: SubsetFallbackDescription
  /// What endpoints of the default subset have; names and values, sorted by name.
  public var defaultSubset: [NamedValue]
  /// Whether any endpoint will do when the default subset has nobody to choose.
  public var panicModeAny = false
  /// Whether a route's criteria may have more keys than a selector.
  public var allowsRedundantKeys = false

  /// Subsets.
  public init(
    selectors: [SubsetSelectorDescription], fallback: SubsetFallbackDescription = .noFallback,
    defaultSubset: [NamedValue] = []
  ) {
    self.selectors = selectors
    self.fallback = fallback
    self.defaultSubset = defaultSubset
  }
}

/// A name with its value.
public struct NamedValue: Sendable, Hashable {
  /// The name.
  public var name: String
  /// The value.
  public var value: String

  /// A pair.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Less traffic for young endpoints (Envoy's `slow_start_config`).
public struct SlowStartDescription: Sendable, Hashable {
  /// How long an endpoint counts as young.
  public var window: TimeSpan
  /// How its weight grows: by age^(1 / aggression).
  public var aggression: Double
  /// The least share of its weight, per cent.
  public var minWeightPercent: Double

  /// Slow start.
  public init(window: TimeSpan, aggression: Double = 1, minWeightPercent: Double = 10) {
    self.window = window
    self.aggression = aggression
    self.minWeightPercent = minWeightPercent
  }
}

/// When later priorities are used.
public enum FailoverRule: String, Sendable, Hashable, CaseIterable {
  /// For what the working endpoints of the earlier ones cannot take (Envoy).
  case spillOver
  /// When nobody of the earlier ones works; then for all (gRPC's `priority` policy, A56).
  case firstUsable
  /// When nobody of the first works: the first endpoint of the later ones that does takes all (HAProxy's `backup`).
  case firstBackup
  /// When nobody of the first works: all endpoints of the later ones that do (HAProxy's `option allbackups`).
  case allBackups
}

/// Data that lies on some of the endpoints each, as Cassandra's does and its drivers' token-aware policies know.
public struct TokenAwareDescription: Sendable, Hashable {
  /// How many endpoints have each key's data, at least 1.
  public var replicationFactor: Int
  /// The share of requests that are copied to all others that have the data, 0…1 (Cassandra's `read_repair_chance`).
  public var readRepairChance: Double

  /// Data on `replicationFactor` endpoints each.
  public init(replicationFactor: Int = 3, readRepairChance: Double = 0) {
    self.replicationFactor = max(1, replicationFactor)
    self.readRepairChance = readRepairChance
  }
}

/// The layers around a cluster's balancer.
public struct LayersDescription: Sendable, Hashable {
  /// Below this share of working endpoints, per cent, a priority uses all of them; 0 for never.
  public var panicThreshold: Int32
  /// How much more than its share a working endpoint can take, per cent.
  public var overprovisioningFactor: Int32
  /// Whether endpoints count by weight for what a priority can take (Envoy's `weighted_priority_health`).
  public var weightedPriorityHealth = false
  /// Whether requests fail in a panic.
  public var failTrafficOnPanic: Bool
  /// Shares of localities, where they have any.
  public var localityWeights: [LocalityShare]?
  /// Zone-aware routing, when on.
  public var zoneAware: ZoneAwareDescription?
  /// Localities by load, when on.
  public var loadAwareLocality: LoadAwareLocalityDescription?
  /// Subsets by metadata, when on.
  public var subsets: SubsetsDescription?
  /// The data plane's part of the endpoints, when it does not use all.
  public var subsetting: SubsettingDescription?
  /// Which endpoints have a key's data, when not all of them have all.
  public var tokenAware: TokenAwareDescription?
  /// Linkerd's load biaser, when on: the latency that a failure counts as.
  public var failurePenalty: TimeSpan?

  /// Layers that change nothing while all endpoints are well and of one priority.
  public init(
    panicThreshold: Int32 = 0, overprovisioningFactor: Int32 = 140, failTrafficOnPanic: Bool = false,
    localityWeights: [LocalityShare]? = nil, zoneAware: ZoneAwareDescription? = nil,
    subsets: SubsetsDescription? = nil, subsetting: SubsettingDescription? = nil,
    tokenAware: TokenAwareDescription? = nil, failurePenalty: TimeSpan? = nil
  ) {
    self.panicThreshold = panicThreshold
    self.overprovisioningFactor = overprovisioningFactor
    self.failTrafficOnPanic = failTrafficOnPanic
    self.localityWeights = localityWeights
    self.zoneAware = zoneAware
    self.subsets = subsets
    self.subsetting = subsetting
    self.tokenAware = tokenAware
    self.failurePenalty = failurePenalty
  }
}
