// The mesh as it is deployed: clusters, routes and what each does. Names are resolved, values are checked; nothing here is
// optional by doubt. `MeshConfiguration` makes these from what people write.

/// Whose defaults fill what a configuration does not say, and whose order of routes applies.
public enum MeshProfile: String, Sendable, Hashable, CaseIterable {
  /// Weir's own: nothing that was not asked for.
  case weir
  /// Envoy.
  case envoy
  /// Istio: Envoy with Istio's defaults.
  case istio
  /// Linkerd 2.
  case linkerd
  /// gRPC's own client-side balancing.
  case grpc
  /// Finagle and linkerd1.
  case finagle
  /// HAProxy.
  case haproxy

  /// Whether the first route in the file that matches wins. Otherwise the most specific one does (Gateway API).
  public var takesFirstMatchingRoute: Bool { self == .envoy || self == .istio || self == .haproxy }
}

/// A policy by name, with its parameters.
public struct PolicyChoice: Sendable, Hashable {
  /// The policy's name as registered.
  public var name: String
  /// Its parameters, defaults filled in.
  public var parameters: PolicyParameters

  /// The policy `name`.
  public init(name: String, parameters: PolicyParameters) {
    self.name = name
    self.parameters = parameters
  }
}

/// What a connection carries at a time.
public enum ClusterProtocol: String, Sendable, Hashable, CaseIterable {
  /// One request in flight a connection.
  case http1
  /// Many streams on one connection per endpoint.
  case http2
  /// Opaque bytes: one connection a request.
  case tcp
}

/// Discovery by name: a data plane knows the set as of its last resolution.
public struct DNSDescription: Sendable, Hashable {
  /// From resolution to resolution, above 0. Each data plane resolves at a phase of its own.
  public var ttl: TimeSpan

  /// Discovery by names that hold for `ttl`.
  public init(ttl: TimeSpan) { self.ttl = ttl }
}

/// How a data plane hears of an endpoint change, and how late.
public struct DiscoveryDescription: Sendable, Hashable {
  /// The least delay.
  public var delay: TimeSpan
  /// Up to this much more, uniformly, drawn per data plane and change.
  public var jitter: TimeSpan
  /// Resolution of a name in place of a control plane's push; `delay` and `jitter` are then how late the name server knows.
  public var dns: DNSDescription?
  /// Whether endpoints that are not ready stay listed, as unhealthy (Istio's `PILOT_SEND_UNHEALTHY_ENDPOINTS`); else they
  /// are left out.
  public var sendUnhealthyEndpoints: Bool

  /// Discovery that is late by `delay` and up to `jitter` more.
  public init(
    delay: TimeSpan = .zero, jitter: TimeSpan = .zero, dns: DNSDescription? = nil, sendUnhealthyEndpoints: Bool = false
  ) {
    self.delay = delay
    self.jitter = jitter
    self.dns = dns
    self.sendUnhealthyEndpoints = sendUnhealthyEndpoints
  }
}

/// A set of endpoints that serve the same, and how traffic to them is handled.
public struct ClusterDescription: Sendable, Hashable {
  /// The cluster's name.
  public var name: String
  /// The simulated service behind it.
  public var service: String
  /// What its connections carry.
  public var transport: ClusterProtocol
  /// Whether connections are TLS (one more round trip to open).
  public var usesTLS: Bool
  /// How long opening a connection may take.
  public var connectTimeout: TimeSpan
  /// How an endpoint is chosen.
  public var balancer: PolicyChoice
  /// Failure accrual, when on.
  public var failureAccrual: FailureAccrualDescription?
  /// Whether endpoints are left alone to which no connection opens (Finagle's fail-fast).
  public var failsFast = false
  /// Who is shut out for being silent, when on.
  public var phi: PhiAccrualDescription?
  /// Where requests wait while nobody is ready to serve them; nil for nowhere.
  public var queue: QueueDescription?
  /// Outlier detection, when on.
  public var outlierDetection: OutlierDetectionDescription?
  /// Active health checks, when on.
  public var healthCheck: HealthCheckDescription?
  /// How late endpoint changes are seen.
  public var discovery: DiscoveryDescription
  /// How long changes of health, weight and metadata are gathered before balancers hear of them; 0 for not at all (Envoy).
  public var updateMergeWindow: TimeSpan = .zero
  /// What stands around the balancer; nil for nothing: then priorities and health do not count.
  public var layers: LayersDescription?
  /// Less traffic for young endpoints, where the balancer knows how.
  public var slowStart: SlowStartDescription?
  /// When later priorities are used, where there are layers.
  public var failover: FailoverRule = .spillOver
  /// How an endpoint may be that a request names itself (Envoy's `override_host_status`).
  public var overrideHostStatus: [HostStatus] = HostStatus.accepted
  /// How much may be open at a time, per data plane; nothing is limited without.
  public var circuitBreaker = CircuitBreakerDescription()

  /// A cluster.
  public init(
    name: String, service: String, transport: ClusterProtocol = .http2, usesTLS: Bool = false,
    connectTimeout: TimeSpan = .seconds(5), balancer: PolicyChoice,
    failureAccrual: FailureAccrualDescription? = nil, discovery: DiscoveryDescription = .init(),
    layers: LayersDescription? = nil, slowStart: SlowStartDescription? = nil
  ) {
    self.name = name
    self.service = service
    self.transport = transport
    self.usesTLS = usesTLS
    self.connectTimeout = connectTimeout
    self.balancer = balancer
    self.failureAccrual = failureAccrual
    self.discovery = discovery
    self.layers = layers
    self.slowStart = slowStart
  }
}

/// A cluster that lists clusters: their priorities one after the other (Envoy's aggregate cluster).
public struct AggregateDescription: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Indices in `MeshDescription.clusters`, in the order of failover; each with layers.
  public var clusters: [Int]
  /// Below this share of working endpoints, per cent, a priority takes its share of traffic by its size; 0 for never.
  public var panicThreshold: Int32
  /// When later clusters are used: `spillOver` (Envoy), or `firstUsable` (gRPC's priorities of clusters, A75; HAProxy's choice of
  /// a backend by `nbsrv`). Backups are servers of one backend, so the other two mean `firstUsable`.
  public var failover: FailoverRule

  /// An aggregate.
  public init(name: String, clusters: [Int], panicThreshold: Int32 = 0, failover: FailoverRule = .spillOver) {
    self.name = name
    self.clusters = clusters
    self.panicThreshold = panicThreshold
    self.failover = failover
  }
}

/// Requests that name the endpoint which served their session before (Envoy's stateful session filter).
public struct StatefulSessionDescription: Sendable, Hashable {
  /// How long the client's cookie holds after it was set; 0 for as long as the client lives.
  public var ttl: TimeSpan
  /// Whether such a request goes there or nowhere.
  public var isStrict: Bool
  /// What the cookie is called: a client has one of each name for each host.
  public var cookie: String

  /// Sessions.
  public init(ttl: TimeSpan = .zero, isStrict: Bool = false, cookie: String = "session") {
    self.ttl = ttl
    self.isStrict = isStrict
    self.cookie = cookie
  }
}

/// A route: what it matches, where it leads, how long it may take.
public struct RouteDescription: Sendable, Hashable {
  /// Which requests it takes.
  public var match: RouteMatch
  /// Where they go; at least one with a weight above 0, the sum at most 2^32 − 1.
  public var split: [WeightedCluster]
  /// What becomes of requests whose destination cannot take them.
  public var splitMode = SplitMode.envoy
  /// What places a request on the weights.
  public var splitSource = SplitSource.random
  /// What is taken from the split before its weights count; of several the first.
  public var slices: [SliceDescription] = []
  /// What moves the weights; nil for nothing.
  public var canary: CanaryDescription?
  /// How long a request may take in all; nil for no limit.
  public var timeout: TimeSpan?
  /// What of its requests hashing balancers, slices and splits by key go by; empty for the key that a request carries.
  public var hashPolicies: [HashPolicyDescription] = []
  /// How long nothing may happen to a request, where answers come in parts; nil for no limit. Where they come whole `timeout` has it.
  public var idleTimeout: TimeSpan?
  /// What it demands of endpoints' metadata where its cluster has subsets; nil for nothing.
  public var metadataMatch: [NamedValue]?
  /// Whether sessions keep to their endpoints, and how.
  public var statefulSession: StatefulSessionDescription?
  /// How its requests are tried again; nil for never.
  public var retry: RetryDescription?
  /// How its slow requests get tries beside tries; nil for never.
  public var hedge: HedgeDescription?
  /// Where copies of its requests go, whose answers nobody sees.
  public var mirrors: [MirrorDescription] = []
  /// What stands before its balancer; nil for nothing.
  public var gates: GatesDescription?

  /// The clusters and aggregates that its requests, not their copies, may go to.
  public var destinations: [WeightedCluster] {
    split.enumerated().filter { $1.weight > 0 || $0 == canary?.destination }.map(\.element)
      + slices.map { WeightedCluster(cluster: $0.cluster) }
  }

  /// A route.
  public init(
    match: RouteMatch, split: [WeightedCluster], timeout: TimeSpan? = nil, metadataMatch: [NamedValue]? = nil
  ) {
    self.match = match
    self.split = split
    self.timeout = timeout
    self.metadataMatch = metadataMatch
  }
}

/// The whole mesh.
public struct MeshDescription: Sendable, Hashable {
  /// Whose defaults and whose route order apply.
  public var profile: MeshProfile
  /// The clusters, in file order.
  public var clusters: [ClusterDescription]
  /// The clusters that list clusters, in file order.
  public var aggregates: [AggregateDescription] = []
  /// The routes, in file order, default routes of unrouted clusters behind them.
  public var routes: [RouteDescription]
  /// What stands before services at their own side.
  public var inbound: [InboundDescription] = []

  /// A mesh.
  public init(profile: MeshProfile = .weir, clusters: [ClusterDescription], routes: [RouteDescription]) {
    self.profile = profile
    self.clusters = clusters
    self.routes = routes
  }

  /// What a destination is called, a cluster or an aggregate by its number; nil where there is none.
  public func name(ofDestination number: Int) -> String? {
    if number < 0 { return nil }
    return number < clusters.count ? clusters[number].name : aggregates[number - clusters.count].name
  }

  /// The clusters whose endpoints a request may reach that goes to `destination`, in the order of failover; none of `nowhere`.
  public func clusters(of destination: WeightedCluster) -> [Int] {
    if destination.cluster < 0 { return [] }
    let aggregate = destination.cluster - clusters.count
    return aggregate < 0 ? [destination.cluster] : aggregates[aggregate].clusters
  }
}
