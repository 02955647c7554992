// What each system does when nobody says anything: one table, each value with where it comes from.
//
// A profile answers "what would Envoy (Istio, Linkerd, gRPC, Finagle, HAProxy) have done?", so it fills what a mesh leaves out
// with that system's own. A row names a field by its path in a cluster or a route. Rows of fields that the lab does not act
// on yet wait: they are told in a note, and apply by themselves once the schema says that the field is simulated. So the
// defaults of outlier detection, retries and breakers stand here already, and nowhere else.

import MeshCore

/// One default of a system's own.
public struct ProfileDefault: Sendable, Hashable {
  /// Where it applies.
  public enum Part: String, Sendable, Hashable {
    /// In each cluster.
    case cluster
    /// In each cluster that lists clusters, before what applies in each cluster.
    case aggregate
    /// On each route.
    case route
  }

  /// When it applies.
  public enum Condition: Sendable, Hashable {
    /// Whenever nothing is said.
    case always
    /// Where the map it belongs to is given: a policy that is chosen, a feature that is turned on.
    case whereGiven
    /// As ours does: the value is the same, so that it is told and nothing is put in.
    case asOurs
  }

  /// Where it applies.
  public var part: Part
  /// The field's path in the cluster or route.
  public var path: String
  /// The value, as it would be written; a list in brackets.
  public var value: String
  /// When it applies.
  public var condition: Condition
  /// Where the value comes from: the system's field, flag or source.
  public var origin: String

  /// A default of each cluster.
  static func cluster(_ path: String, _ value: String, _ origin: String) -> ProfileDefault {
    ProfileDefault(part: .cluster, path: path, value: value, condition: .always, origin: origin)
  }

  /// A default of each cluster that has the map it belongs to.
  static func given(_ path: String, _ value: String, _ origin: String) -> ProfileDefault {
    ProfileDefault(part: .cluster, path: path, value: value, condition: .whereGiven, origin: origin)
  }

  /// A default of each cluster that is ours too.
  static func same(_ path: String, _ value: String, _ origin: String) -> ProfileDefault {
    ProfileDefault(part: .cluster, path: path, value: value, condition: .asOurs, origin: origin)
  }

  /// A default of each route that is ours too.
  static func sameOnRoute(_ path: String, _ value: String, _ origin: String) -> ProfileDefault {
    ProfileDefault(part: .route, path: path, value: value, condition: .asOurs, origin: origin)
  }

  /// A default of each cluster that lists clusters.
  static func aggregate(_ path: String, _ value: String, _ origin: String) -> ProfileDefault {
    ProfileDefault(part: .aggregate, path: path, value: value, condition: .always, origin: origin)
  }

  /// A default of each route.
  static func route(_ path: String, _ value: String, _ origin: String) -> ProfileDefault {
    ProfileDefault(part: .route, path: path, value: value, condition: .always, origin: origin)
  }

  /// Whether the lab acts on it.
  public var isSimulated: Bool {
    var shape = part == .route ? MeshSchema.route : MeshSchema.cluster
    for name in path.split(separator: ".") {
      let fields: [Field]
      switch shape.unnamed {
      case .fields(let group): fields = group.fields
      case .choice(let group): fields = group.options
      default: return false
      }
      guard let field = fields.first(where: { $0.name == name }), case .simulated = field.support else { return false }
      shape = field.shape
    }
    return true
  }
}

extension MeshProfile {
  /// What it takes a policy's whole number to be: nil when it refuses it.
  ///
  /// gRPC takes a least request of fewer than 2 choices for a mistake, and never compares more than 10 (A48).
  func taken(_ number: Int64, as parameter: String, of policy: String) -> Int64? {
    if self != .grpc || policy != "leastRequest" || parameter != "choices" { return number }
    return number < 2 ? nil : min(number, 10)
  }

  /// What it sets where nothing is said.
  public var defaults: [ProfileDefault] {
    switch self {
    case .weir: return []
    case .envoy: return Self.envoyDefaults
    case .istio: return Self.istioDefaults
    case .linkerd: return Self.linkerdDefaults
    case .grpc: return Self.grpcDefaults
    case .finagle: return Self.finagleDefaults
    case .haproxy: return Self.haproxyDefaults
    }
  }

  /// Its defaults that the lab acts on and that are not ours too, looked up once.
  var simulatedDefaults: [ProfileDefault] { Self.simulatedDefaults[self] ?? [] }

  private static let simulatedDefaults = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, $0.defaults.filter { $0.isSimulated && $0.condition != .asOurs }) })

  /// What it does by default that no field says, one line each: for the reader of its figures.
  public var unnamedDefaults: [String] {
    switch self {
    case .weir, .envoy, .istio, .finagle: return []
    case .linkerd: return ["splits that leave out backends without a ready endpoint"]
    case .grpc: return ["pick_first in place of a balancer", "transparent retries"]
    case .haproxy:
      return [
        "no maxconn", "a queue timeout of the connect timeout",
        "a retry goes to the same server",
      ]
    }
  }

  /// Its defaults that the lab does not act on yet, one line each.
  public var unsimulatedDefaults: [String] {
    defaults.filter { $0.condition == .always && !$0.isSimulated }.map { "\($0.path) \($0.value)" } + unnamedDefaults
  }

  // Envoy 1.37 (config.cluster.v3, config.route.v3, config.core.v3), as its source has them.
  private static let envoyDefaults: [ProfileDefault] = [
    .cluster("balancer", "roundRobin", "cluster.lb_policy: ROUND_ROBIN"),
    .given("balancer.random.form", "envoy", "load_balancing_policies/random: random % n, the priority's number"),
    .given("balancer.leastRequest.sampling", "withReplacement", "least_request: choices drawn as random % n"),
    .given("balancer.peakEwma.form", "envoy", "contrib peak_ewma"),
    .given("balancer.peakEwma.defaultRtt", "10ms", "contrib peak_ewma: default_rtt"),
    .given("balancer.clientSideWeightedRoundRobin.form", "envoy", "Envoy's client_side_weighted_round_robin"),
    .given(
      "balancer.clientSideWeightedRoundRobin.errorUtilizationPenalty", "0",
      "client_side_weighted_round_robin: 0 when unset, in code; its documentation says 1"),
    .cluster("protocol", "http1", "upstreams.http.v3.HttpProtocolOptions: HTTP/1.1 where no other is configured"),
    .cluster("connectTimeout", "5s", "cluster.connect_timeout"),
    .cluster("updateMergeWindow", "1s", "common_lb_config.update_merge_window"),
    .cluster("panicThreshold", "50%", "common_lb_config.healthy_panic_threshold"),
    .same("overprovisioningFactor", "140", "cluster_load_assignment.policy.overprovisioning_factor"),
    .same("zoneAwareLbConfig.minClusterSize", "6", "zone_aware_lb_config.min_cluster_size"),
    .cluster("ignoreHealthOnHostRemoval", "false", "cluster.ignore_health_on_host_removal"),
    .given("healthCheck.noTrafficInterval", "60s", "health_checks.no_traffic_interval"),
    .same("healthCheck.reuseConnection", "true", "health_checks.reuse_connection"),
    .cluster("circuitBreaker.maxConnections", "1024", "circuit_breakers.thresholds.max_connections"),
    .cluster("circuitBreaker.maxPendingRequests", "1024", "circuit_breakers.thresholds.max_pending_requests"),
    .cluster("circuitBreaker.maxRequests", "1024", "circuit_breakers.thresholds.max_requests"),
    .cluster("circuitBreaker.maxRetries", "3", "circuit_breakers.thresholds.max_retries"),
    .route("timeout", "15s", "route.timeout"),
    .sameOnRoute("retry.attempts", "1", "retry_policy.num_retries, where there is a retry policy"),
    .sameOnRoute("retry.backoff.base", "25ms", "retry_back_off.base_interval: 25ms (upstream.base_retry_backoff_ms)"),
  ]

  // Istio 1.24 and later: what istiod writes into Envoy (pilot/pkg/networking/core, pilot/pkg/features, pkg/config/mesh); what it
  // leaves out is Envoy's. Earlier ones retried 503 too. Its circuit breakers' limits, 2^32 − 1, are none.
  private static let istioDefaults: [ProfileDefault] = [
    .cluster("balancer", "leastRequest", "cluster_traffic_policy.go: LEAST_REQUEST where loadBalancer.simple is unset"),
    .given("balancer.random.form", "envoy", "Envoy's random"),
    .given("balancer.leastRequest.sampling", "withReplacement", "Envoy's least_request"),
    .given("balancer.peakEwma.form", "envoy", "Envoy's contrib peak_ewma"),
    .given("balancer.peakEwma.defaultRtt", "10ms", "Envoy's contrib peak_ewma"),
    .given("balancer.clientSideWeightedRoundRobin.form", "envoy", "Envoy's client_side_weighted_round_robin"),
    .given(
      "balancer.clientSideWeightedRoundRobin.errorUtilizationPenalty", "0",
      "Envoy's client_side_weighted_round_robin"),
    .cluster("protocol", "http1", "connectionPool.http.h2UpgradePolicy: DEFAULT, which is the mesh's: no upgrade"),
    .cluster("tls", "true", "meshConfig.enableAutoMtls: true"),
    .cluster("connectTimeout", "10s", "meshConfig.connectTimeout: 10s, where connectionPool.tcp says none"),
    .cluster(
      "discovery.delay", "100ms",
      "PILOT_DEBOUNCE_AFTER: 100ms after the last change, of endpoints too (PILOT_ENABLE_EDS_DEBOUNCE)"),
    .cluster("updateMergeWindow", "1s", "Envoy's, which istiod leaves as it is"),
    .cluster(
      "panicThreshold", "0%",
      "outlierDetection.minHealthPercent: 0; without outlier detection nobody is unhealthy, and Envoy's 50 rests"),
    .given(
      "outlierDetection.enforcingSuccessRate", "0",
      "cluster_traffic_policy.go, applyOutlierDetection: success-rate based outlier detection is disabled"),
    .same("overprovisioningFactor", "140", "Envoy's, which istiod writes out"),
    .given("healthCheck.noTrafficInterval", "60s", "Envoy's, where an EnvoyFilter adds health checks"),
    .same("zoneAwareLbConfig.minClusterSize", "6", "Envoy's, where zone-aware routing is asked for"),
    .route(
      "retry.on", "[connect-failure, refused-stream, unavailable, cancelled]",
      "route/retry: the policy where neither meshConfig.defaultHttpRetryPolicy nor a route says one"),
    .route("retry.attempts", "2", "route/retry: num_retries 2 of the same policy"),
    .route("retry.backoff.base", "25ms", "Envoy's retry_back_off.base_interval, which the same policy leaves out"),
    .route("retry.retryHostPredicate", "[previousHosts]", "route/retry: retry_host_predicate of the same policy"),
    .route(
      "retry.hostSelectionRetryMaxAttempts", "5", "route/retry: host_selection_retry_max_attempts of the same policy"),
  ]

  // Linkerd 2 (edge-26.8): the control plane's policy for a service without annotations. Failure accrual, retries and timeouts
  // are off unless annotated, so no row says them.
  private static let linkerdDefaults: [ProfileDefault] = [
    .cluster("balancer", "peakEwma", "policy-controller outbound.rs: P2C over PeakEWMA, not selectable"),
    .given("balancer.peakEwma.form", "tower", "tower's PeakEwma"),
    .given("balancer.peakEwma.defaultRtt", "30ms", "policy-controller outbound.rs: default_rtt"),
    .given("balancer.peakEwma.decay", "10s", "policy-controller outbound.rs: decay"),
    .cluster(
      "protocol", "http2", "proxy to proxy: HTTP/1 is carried over HTTP/2 streams (proxy-injector: not disabled)"),
    .cluster("tls", "true", "mutual TLS between meshed pods"),
    .cluster("connectTimeout", "1s", "proxy.outboundConnectTimeout (LINKERD2_PROXY_OUTBOUND_CONNECT_TIMEOUT): 1000ms"),
    .cluster("queue.capacity", "100", "policy-controller outbound.rs: queue_config, capacity"),
    .cluster("queue.failfastTimeout", "3s", "policy-controller outbound.rs: queue_config, failfast_timeout"),
    .route("splitMode", "linkerd", "linkerd2-proxy distribute: a backend that is not ready is drawn anew"),
  ]

  // gRPC's own balancing: its default is pick_first, which balances nothing; round robin is what its users configure in its place.
  private static let grpcDefaults: [ProfileDefault] = [
    .cluster("balancer", "roundRobin", "service config loadBalancingConfig: round_robin, in place of pick_first"),
    .given("balancer.roundRobin.schedule", "ignore", "round_robin: weights do not count"),
    .given("balancer.leastRequest.sampling", "withReplacement", "A48: choices drawn with replacement"),
    .given("balancer.leastRequest.choices", "2", "A48: choiceCount, at least 2; above 10 it counts as 10"),
    .given("balancer.ringHash.form", "grpc", "A42: a ring of all endpoints, by address; choices pass over the unready"),
    .given("balancer.leastRequest.weighting", "ignore", "A48: weights do not count"),
    .given("balancer.ringHash.maximumRingSize", "4096", "A42: the client's cap of the ring's size"),
    .given("balancer.clientSideWeightedRoundRobin.errorUtilizationPenalty", "1", "A58: error_utilization_penalty"),
    .given("outlierDetection.form", "grpc", "A50: rates at sweeps alone"),
    .cluster("failover", "firstUsable", "A56: the first priority with a ready child takes all; A75: the first cluster"),
    .cluster("protocol", "http2", "gRPC runs over HTTP/2"),
    .cluster("connectTimeout", "20s", "connection back-off protocol: MIN_CONNECT_TIMEOUT 20 seconds"),
  ]

  // Finagle and linkerd1 (snapshot of October 2024). What fails is what linkerd1 counts: 5xx too, which plain Finagle takes for answers.
  private static let finagleDefaults: [ProfileDefault] = [
    .cluster("balancer", "leastRequest", "Balancers.p2c: P2CLeastLoaded, two distinct endpoints"),
    .given("balancer.leastRequest.sampling", "distinct", "Balancers.p2c"),
    .given("balancer.leastRequest.maxEffort", "4", "PanicMode.FiftyPercentUnhealthy: maxEffort 4"),
    .given("balancer.peakEwma.maxEffort", "4", "PanicMode.FiftyPercentUnhealthy: maxEffort 4"),
    .given("balancer.roundRobin.schedule", "ignore", "RoundRobinBalancer: a counter; weights do not count"),
    .given("balancer.roundRobin.maxEffort", "5", "Balancers.roundRobin: maxEffort"),
    .given("balancer.peakEwma.form", "finagle", "Balancers.p2cPeakEwma: no estimate without a sample"),
    .given("balancer.peakEwma.decay", "10s", "Balancers.p2cPeakEwma: decayTime"),
    .cluster("protocol", "http2", "Http.client since 21.8: HTTP/2 unless withNoHttp2; linkerd1 speaks HTTP/1.1"),
    .cluster("connectTimeout", "1s", "client/Transporter: ConnectTimeout(1.second)"),
    .cluster("failureAccrual.hybrid.failures", "5", "FailureAccrualFactory: defaultPolicy, consecutiveFailures(5)"),
    .cluster("failureAccrual.hybrid.successRate", "80%", "FailureAccrualPolicy: DefaultSuccessRateThreshold"),
    .cluster("failureAccrual.hybrid.window", "30s", "FailureAccrualPolicy: DefaultSuccessRateWindow"),
    .cluster(
      "failureAccrual.hybrid.minRequestThreshold", "5", "FailureAccrualPolicy: DefaultMinimumRequestThreshold"),
    .cluster("failureAccrual.hybrid.backoff.min", "5s", "FailureAccrualFactory: equalJittered(5.seconds, …)"),
    .cluster("failureAccrual.hybrid.backoff.max", "300s", "FailureAccrualFactory: equalJittered(…, 300.seconds)"),
    .cluster("failFast", "true", "FailFastFactory: FailFast(true); linkerd1 has it off"),
    .route(
      "retry.on", "[connect-failure, reset-before-request, refused-stream]",
      "Retries.Module: requeues what was never written, or was refused (RetryableWriteException, nacks)"),
    .route("retry.attempts", "20", "RequeueFilter: 20% of the budget's balance a request, which is 100 at rest"),
    .route("retry.backoff.base", "0s", "Retries.DefaultRequeueBackoffs: at once"),
    .route("retry.budget.ratio", "20%", "RetryBudget: percentCanRetry"),
    .route("retry.budget.minPerSecond", "10", "RetryBudget: minRetriesPerSec"),
    .route("retry.budget.ttl", "10s", "RetryBudget: ttl"),
  ]

  // HAProxy 2.6. It has no timeouts of its own and warns when none are given; these are those of the `defaults` section of the
  // configuration that packages install.
  private static let haproxyDefaults: [ProfileDefault] = [
    .cluster("balancer", "roundRobin", "balance: roundrobin when no other algorithm is set (configuration manual)"),
    .given("balancer.random.form", "haproxy", "balance random(<draws>): the least loaded of a few drawn by weight"),
    .given("balancer.random.draws", "2", "balance random: two draws when it says no number (configuration manual)"),
    .aggregate("failover", "firstUsable", "use_backend … if { nbsrv(…) gt 0 }: the first backend with a usable server"),
    .cluster("failover", "firstBackup", "server … backup, without option allbackups"),
    .cluster("protocol", "http1", "server lines without proto or alpn speak HTTP/1.1"),
    .cluster("connectTimeout", "5s", "haproxy.cfg of Debian's package: timeout connect 5000"),
    .given(
      "healthCheck.form", "haproxy", "server … check: in until the first check fails; after that all failures count"),
    .given("healthCheck.interval", "2s", "server … inter: 2000 ms when it is not set (configuration manual)"),
    .given("healthCheck.unhealthyThreshold", "3", "server … fall: 3 when it is not set (configuration manual)"),
    .given("healthCheck.healthyThreshold", "2", "server … rise: 2 when it is not set (configuration manual)"),
    .route("timeout", "50s", "haproxy.cfg of Debian's package: timeout server 50000; 504 when it is over"),
    .route("retry.on", "[connect-failure]", "retry-on: conn-failure when it is not set (configuration manual)"),
    .route("retry.attempts", "3", "retries: 3 when it is not set (configuration manual)"),
    .route(
      "retry.backoff.base", "1s", "between two tries, no more than timeout connect (configuration manual, retries)"),
    .route("retry.backoff.max", "1s", "the same"),
    .route("retry.backoff.jitter", "0%", "the same: a constant pause"),
  ]
}
