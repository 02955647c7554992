// A scenario file, or its `mesh` part alone, to what a real proxy is told. The world is not read: of its services the names alone count,
// for each has a cluster by default.

import MeshCore

/// Reads what a proxy runs.
public enum ProxyReader {
  /// What the file in `bytes`, named `path` in messages, tells a proxy; or everything that is wrong with it.
  public static func read(_ bytes: [UInt8], path: String) -> Result<ProxyDescription, Diagnostics> {
    let log = FaultLog(file: path)
    if let root = ConfigurationParser.parse(bytes, log: log) {
      if var description = description(root, log: log), log.isEmpty {
        description.text = bytes
        return .success(description)
      }
    }
    return .failure(log.diagnostics ?? Diagnostics(faults: []))
  }

  private static func description(_ root: ConfigurationNode, log: FaultLog) -> ProxyDescription? {
    guard let entries = root.entries else {
      log.add(root.origin, "", "found \(root.kindName); expected a scenario, or a map with its mesh")
      return nil
    }
    let known = ["scenario", "about", "seed", "run", "world", "mesh", "variants", "expect", "sweep", "validate"]
    for entry in entries where !known.contains(entry.key) {
      log.addUnknown(entry.keyOrigin, entry.key, "unknown key", entry.key, among: known)
    }
    let services = (root["world"]?["services"]?.entries ?? []).map { (name: $0.key, origin: $0.keyOrigin) }
    let node = MeshDefaults.filled(root["mesh"], services: services, at: root.origin)
    let value = ShapeReader(log: log).read(node, MeshSchema.mesh, path: "mesh")
    let clusters = value["clusters"]?.entries ?? []
    let zones = zones(value, clusters)
    let reader = MeshReader(
      services: NameIndex(services.map(\.name)),
      zones: NameIndex(zones.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }), isForProxy: true, log: log)
    let mesh = reader.mesh(value)
    let real = clusters.filter { !$0.value.has("aggregate") }.map { cluster($0.value, log: log) }
    var proxy = ProxyDescription(mesh: mesh, clusters: real)
    proxy.locality = locality(value["proxy"]?["locality"], log: log)
    proxy.zones = reader.zones.names
    read(value["proxy"], into: &proxy, log: log)
    let folder = log.file.lastIndex(of: "/").map { String(log.file[...$0]) } ?? ""
    proxy.tls?.resolveFiles { $0.hasPrefix("/") ? $0 : folder + $0 }
    if let told = value["proxy"] { ServerDiscoveryReader(path: log.file, log: log).read(told, into: &proxy) }
    if let seed = root["seed"]?.text.flatMap({ UInt64($0) }) { proxy.seed = seed }
    honourStandings(in: &proxy)
    return proxy
  }

  /// All zones that are named where endpoints are, where the proxy is, and where shares of zones are whose endpoints others name.
  private static func zones(_ mesh: ResolvedValue, _ clusters: [ResolvedEntry]) -> [String] {
    let discovered = mesh["proxy"]?["discovery"]?.entries.map(\.key) ?? []
    let weighed = clusters.filter { discovered.contains($0.key) }
      .flatMap { $0.value["localityWeights"]?.entries ?? [] }.map(\.key)
    let locality = mesh["proxy"]?["locality"]
    let own = [locality?["zone"]?.text].compactMap { $0 } + (locality?["fleet"]?.entries ?? []).map(\.key)
    return clusters.flatMap { $0.value["endpoints"]?.items ?? [] }.compactMap { $0["zone"]?.text } + weighed + own
  }

  private static func locality(_ value: ResolvedValue?, log: FaultLog) -> LocalityDescription {
    var locality = LocalityDescription()
    guard let value else { return locality }
    locality.zone = value["zone"]?.text
    locality.number = Int(value["number"]?.integer ?? 0)
    locality.fleet = (value["fleet"]?.entries ?? []).map {
      FleetGroup(zone: $0.key, count: Int($0.value.integer ?? 1))
    }
    let size = max(1, locality.fleet.reduce(0) { $0 + $1.count })
    if let number = value["number"], locality.number >= size {
      log.add(number.origin, number.path, "\(locality.number) of a fleet of \(size); expected at most \(size - 1)")
    }
    if let fleet = value["fleet"], let zone = locality.zone, !locality.fleet.isEmpty,
      !locality.fleet.contains(where: { $0.zone == zone })
    {
      log.add(fleet.origin, fleet.path, "has no \(quoted(zone)), where the proxy is; expected it to count itself")
    }
    return locality
  }

  /// Where endpoints have priorities or are degraded, or a file may say so, their clusters go by that, whether or not anything else stands around
  /// the balancer. Who is to get nothing at all is left out by who lists endpoints: draining one must not make another mesh.
  private static func honourStandings(in proxy: inout ProxyDescription) {
    for place in proxy.clusters.indices where proxy.mesh.clusters[place].layers == nil {
      var mayTell = proxy.clusters[place].servers.contains { $0.priority > 0 || $0.status.health == .degraded }
      if case .file = proxy.clusters[place].discovery { mayTell = true }
      // Who is left out would be kept by its checks, or missed by its sessions.
      let cluster = proxy.mesh.clusters[place]
      if cluster.healthCheck?.keepsRemovedHosts == true { mayTell = true }
      if cluster.overrideHostStatus.contains(where: { $0.health == .unhealthy }) { mayTell = true }
      if !mayTell { continue }
      proxy.mesh.clusters[place].layers = LayersDescription()
      proxy.impliedLayers.append(place)
    }
  }

  private static func cluster(_ value: ResolvedValue, log: FaultLog) -> ProxiedCluster {
    var cluster = ProxiedCluster()
    for item in value["endpoints"]?.items ?? [] {
      if let server = server(item, log: log) { cluster.servers.append(server) }
    }
    let http = value["healthCheck"]?["http"]
    if let path = http?["path"]?.text { cluster.healthPath = path }
    if let method = http?["method"]?.text { cluster.healthMethod = method }
    let grpc = value["healthCheck"]?["grpc"]
    cluster.healthHost = http?["host"]?.text ?? grpc?["authority"]?.text
    cluster.healthService = grpc?["serviceName"]?.text ?? ""
    let tcp = value["healthCheck"]?["tcp"]
    cluster.healthSend = tcp?["send"]?.text ?? ""
    cluster.healthReceive = (tcp?["receive"]?.items ?? []).compactMap(\.text)
    return cluster
  }

  static func server(_ item: ResolvedValue, log: FaultLog) -> ServerDescription? {
    guard let address = item["address"], let name = socket(address, log: log) else { return nil }
    if name.port == 0 {
      log.add(address.origin, address.path, "\(quoted(name.description)) has port 0; expected one from 1 to 65535")
    }
    var server = ServerDescription(
      address: name, weight: UInt32(clamping: item["weight"]?.integer ?? 1), zone: item["zone"]?.text)
    let standing = MeshSchema.standing(of: item)
    (server.priority, server.status, server.metadata) = (
      Int32(clamping: standing.priority), standing.status, standing.metadata
    )
    return server
  }

  private static func socket(_ value: ResolvedValue, log: FaultLog) -> SocketName? {
    guard let text = value.text else { return nil }
    if let name = SocketName(text) { return name }
    log.add(value.origin, value.path, "\(quoted(text)) is no address; expected host:port, such as 127.0.0.1:8080")
    return nil
  }

  private static func read(_ value: ResolvedValue?, into proxy: inout ProxyDescription, log: FaultLog) {
    guard let value else { return }
    let security = SecurityReader(log: log)
    proxy.tls = value["tls"].map { security.tls($0, clusters: proxy.mesh.clusters) }
    proxy.authorization = value["authorization"].map { security.authorization($0) }
    for item in value["listen"]?.items ?? [] {
      guard let given = item["address"], let address = socket(given, log: log) else { continue }
      let transport = item["protocol"]?.text.flatMap(ListenerProtocol.init(rawValue:)) ?? .auto
      var cluster: Int?
      if let name = item["cluster"], let text = name.text {
        cluster = proxy.mesh.clusters.firstIndex { $0.name == text }
        if cluster == nil {
          log.addUnknown(
            name.origin, name.path, "unknown cluster", text, among: proxy.mesh.clusters.map(\.name))
        }
      } else if transport == .tcp {
        log.add(item.origin, item.path, "a listener of protocol tcp without a cluster; expected cluster: NAME")
      }
      var listener = ListenerDescription(address: address, transport: transport, cluster: cluster)
      listener.security = listenerSecurity(item["tls"], of: proxy, log: log)
      if let inbound = item["inbound"], let service = inbound.text {
        listener.inbound = service
        let known = proxy.mesh.inbound.map(\.service)
        if !known.contains(service) {
          log.addUnknown(inbound.origin, inbound.path, "mesh.inbound has no service", service, among: known)
        }
      }
      if transport == .tcp, let cluster {
        listener.clusterName = proxy.mesh.clusters[cluster].name
        addConnectionRoute(to: cluster, of: &proxy.mesh)
      }
      proxy.listeners.append(listener)
    }
    if let admin = value["admin"]?["address"] { proxy.admin = socket(admin, log: log) }
    if let accessLog = value["accessLog"], let file = accessLog["file"]?.text {
      proxy.accessLog = AccessLogDescription(
        file: file, format: accessLog["format"]?.text.flatMap(AccessLogFormat.init(rawValue:)) ?? .json)
    }
    proxy.allowsConnect = value["allowConnect"]?.flag ?? false
    proxy.drainTime = value["drainTime"]?.span ?? proxy.drainTime
    proxy.headerTimeout = value["headerTimeout"]?.span ?? proxy.headerTimeout
    proxy.idleTimeout = value["idleTimeout"]?.span ?? proxy.idleTimeout
    proxy.includesAttemptCount = value["includeRequestAttemptCount"]?.flag ?? false
    proxy.retryBuffer = Int(value["retryBuffer"]?.integer ?? Int64(proxy.retryBuffer))
  }

  private static func listenerSecurity(
    _ value: ResolvedValue?, of proxy: ProxyDescription, log: FaultLog
  ) -> ListenerSecurity {
    let hasCertificate = proxy.tls?.certificate != nil
    guard let value, let security = value.text.flatMap(ListenerSecurity.init(rawValue:)) else {
      return hasCertificate ? .strict : .off
    }
    if security != .off && !hasCertificate {
      log.add(value.origin, value.path, "\(security.rawValue) needs a certificate; expected mesh.proxy.tls.certificate")
    }
    return security
  }

  /// The route of connections to a cluster.
  private static func addConnectionRoute(to cluster: Int, of mesh: inout MeshDescription) {
    let match = RouteMatch.connections(to: mesh.clusters[cluster].name)
    if mesh.routes.contains(where: { $0.match == match }) { return }
    mesh.routes.append(RouteDescription(match: match, split: [WeightedCluster(cluster: cluster)]))
  }
}
