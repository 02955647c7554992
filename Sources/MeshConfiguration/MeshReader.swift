// A checked mesh to the description that a data plane runs.

import MeshCore

/// Makes mesh descriptions.
public struct MeshReader {
  /// Where faults go.
  public let log: FaultLog
  /// The services that are simulated.
  public let services: NameIndex
  /// The zones there are.
  public let zones: NameIndex
  /// Who calls: clients and services.
  public let callers: NameIndex

  /// Whether clusters have real endpoints, and no service is simulated behind them.
  private let isForProxy: Bool

  /// A reader for a world with these services and zones, or for a proxy.
  public init(
    services: NameIndex, zones: NameIndex = NameIndex([]), callers: NameIndex = NameIndex([]), isForProxy: Bool = false,
    log: FaultLog
  ) {
    self.isForProxy = isForProxy
    self.services = services
    self.zones = zones
    self.callers = callers
    self.log = log
  }

  /// The mesh in `value`. What is wrong goes to the log, and the rest is read on.
  public func mesh(_ value: ResolvedValue) -> MeshDescription {
    let profile = value["profile"]?.text.flatMap(MeshProfile.init(rawValue:)) ?? .weir
    let entries = value["clusters"]?.entries ?? []
    var clusters = entries.filter { !$0.value.has("aggregate") }.map { cluster($0, profile) }
    let members = NameIndex(clusters.map(\.name))
    let aggregates = entries.filter { $0.value.has("aggregate") }.map { aggregate($0, of: members) }
    for cluster in aggregates.flatMap(\.clusters) where clusters[cluster].layers == nil {
      clusters[cluster].layers = LayersDescription()
    }
    let names = NameIndex(clusters.map(\.name) + aggregates.map(\.name))
    let routes = (value["routes"]?.items ?? []).compactMap { route($0, clusters: names, profile) }
    var mesh = MeshDescription(profile: profile, clusters: clusters, routes: routes)
    mesh.aggregates = aggregates
    mesh.inbound = InboundReader(services: services, callers: callers, log: log).inbound(value["inbound"])
    return mesh
  }

  private func aggregate(_ entry: ResolvedEntry, of clusters: NameIndex) -> AggregateDescription {
    let value = entry.value
    for other in value.entries where !["aggregate", "failover", "panicThreshold"].contains(other.key) {
      let given = other.value
      if given.origin.isImplied { continue }
      log.add(
        given.origin, given.path, "stands beside aggregate; expected none, since each of its clusters has its own")
    }
    var members: [Int] = []
    for item in value["aggregate"]?["clusters"]?.items ?? [] {
      guard let name = item.text else { continue }
      if let number = clusters.number(of: name) {
        members.append(number)
      } else {
        log.addUnknown(item.origin, item.path, "unknown cluster", name, among: clusters.names)
      }
    }
    let failover = value["failover"]?.text.flatMap(FailoverRule.init(rawValue:)) ?? .spillOver
    if let given = value["failover"], failover == .firstBackup || failover == .allBackups {
      log.add(
        given.origin, given.path,
        "\(failover.rawValue) is for servers of one cluster; expected spillOver or firstUsable beside aggregate")
    }
    return AggregateDescription(
      name: entry.key, clusters: members,
      panicThreshold: Int32((value["panicThreshold"]?.number ?? 0).rounded(.down)), failover: failover)
  }

  private func cluster(_ entry: ResolvedEntry, _ profile: MeshProfile) -> ClusterDescription {
    let value = entry.value
    let service = value["service"]
    if let service, let name = service.text, !services.isEmpty, services.number(of: name) == nil {
      log.addUnknown(service.origin, service.path, "unknown service", name, among: services.names)
    } else if !isForProxy && service == nil && value.isValid && !value.has("service") {
      log.add(
        entry.keyOrigin, ConfigurationPath.joined(value.path, "service"), "missing; expected the service behind it")
    }
    let balancer = value["balancer"].flatMap { PolicyShapes.choice($0, profile: profile, log: log) }
    let layers = LayerReader(zones: zones, log: log)
    var description = ClusterDescription(
      name: entry.key, service: service?.text ?? entry.key,
      transport: value["protocol"]?.text.flatMap(ClusterProtocol.init(rawValue:)) ?? .http2,
      usesTLS: value["tls"]?.flag ?? false, connectTimeout: value["connectTimeout"]?.span ?? .seconds(5),
      balancer: balancer ?? PolicyChoice(name: "random", parameters: PolicyParameters([])),
      failureAccrual: FailureAccrualReader(log: log).accrual(value["failureAccrual"]),
      discovery: discovery(value["discovery"]))
    description.outlierDetection = OutlierDetectionReader(log: log).outlierDetection(value["outlierDetection"])
    description.healthCheck = HealthCheckReader(profile: profile, log: log).healthCheck(ofCluster: value)
    description.updateMergeWindow = value["updateMergeWindow"]?.span ?? .zero
    description.phi = FailureAccrualReader(log: log).phi(value["failureAccrual"])
    description.failsFast = value["failFast"]?.flag ?? false
    description.queue = QueueSchema.queue(value["queue"])
    description.layers = layers.layers(value)
    description.failover = value["failover"]?.text.flatMap(FailoverRule.init(rawValue:)) ?? .spillOver
    description.slowStart = layers.slowStart(value)
    description.overrideHostStatus = layers.overrideHostStatus(value)
    description.circuitBreaker = CircuitBreakerSchema.circuitBreaker(value["circuitBreaker"])
    return description
  }

  private func discovery(_ value: ResolvedValue?) -> DiscoveryDescription {
    DiscoveryDescription(
      delay: value?["delay"]?.span ?? .zero, jitter: value?["jitter"]?.span ?? .zero,
      dns: value?["dns"]?["ttl"]?.span.map { DNSDescription(ttl: $0) },
      sendUnhealthyEndpoints: value?["sendUnhealthyEndpoints"]?.flag ?? false)
  }

  // MARK: - Routes

  private func route(_ value: ResolvedValue, clusters: NameIndex, _ profile: MeshProfile) -> RouteDescription? {
    guard let match = value["match"], let host = match["host"]?.text else { return nil }
    let matches = RouteMatchReader(profile: profile, log: log)
    let splits = SplitReader(clusters: clusters, matches: matches, log: log)
    var timeout = value["timeout"]?.span
    if timeout == .zero { timeout = nil }
    let idle = value["idleTimeout"]?.span.flatMap { $0 > .zero ? $0 : nil }
    if let idle, !isForProxy { timeout = min(idle, timeout ?? idle) }
    var route = RouteDescription(
      match: matches.match(match, host: host), split: splits.split(value, host: host, match: match), timeout: timeout,
      metadataMatch: value["metadataMatch"].map { LayerReader.pairs($0) })
    if isForProxy { route.idleTimeout = idle }
    splits.read(value, into: &route)
    route.hashPolicies = HashPolicySchema.policies(value, log: log)
    route.statefulSession = LayerReader.statefulSession(value["statefulSession"])
    route.retry = RetryReader(profile: profile, log: log).retry(value["retry"])
    let hedges = HedgeReader(log: log)
    route.hedge = hedges.hedge(value["hedge"], retry: route.retry)
    route.gates = GateReader(log: log).gates(value)
    route.mirrors = hedges.mirrors(value["mirror"], clusters: clusters)
    return route
  }

  /// Headers with their names in lower case, sorted.
  public static func headers(_ value: ResolvedValue?) -> [HeaderField] {
    (value?.entries ?? []).compactMap { entry in
      entry.value.text.map { HeaderField(name: entry.key.lowercased(), value: $0) }
    }.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
  }
}
