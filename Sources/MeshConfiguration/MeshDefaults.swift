// What a mesh has that nobody wrote: a cluster for each service, a route for each cluster, and a profile's own values.
//
// These are put into the tree itself, marked as implied, so that `set` finds them and `weir show` can say where they come
// from; whenever something is set they are taken out and worked out anew.

import LoadBalancing
import MeshCore

/// Works out the implied parts of a mesh.
public enum MeshDefaults {
  /// The mesh with its implied parts. `services` are those of the world, with where they stand.
  public static func filled(
    _ mesh: ConfigurationNode?, services: [(name: String, origin: Origin)], at origin: Origin
  ) -> ConfigurationNode {
    var mesh = mesh ?? .emptyMap(origin.given(by: .standard))
    if mesh.isNull { mesh.content = .map([]) }
    if mesh.entries == nil { return mesh }
    let profile = mesh["profile"]?.text.flatMap(MeshProfile.init(rawValue:)) ?? .weir
    fillClusters(&mesh, services, profile)
    fillRoutes(&mesh, profile)
    return mesh
  }

  /// The mesh without what is implied and nobody has written into.
  public static func stripped(_ mesh: ConfigurationNode) -> ConfigurationNode {
    switch mesh.content {
    case .null, .scalar: return mesh
    case .map(let entries):
      var copy = mesh
      copy.content = .map(
        entries.filter { $0.value.hasExplicitPart }.map {
          ConfigurationEntry(key: $0.key, keyOrigin: $0.keyOrigin, value: stripped($0.value))
        })
      return copy
    case .list(let items):
      var copy = mesh
      copy.content = .list(items.filter { $0.hasExplicitPart }.map(strippedItem))
      return copy
    }
  }

  /// An implied route that somebody has written into keeps what makes it a route.
  private static func strippedItem(_ item: ConfigurationNode) -> ConfigurationNode {
    guard let entries = item.entries else { return item }
    var copy = item
    copy.content = .map(
      entries.filter {
        if case .profile = $0.value.origin.source { return $0.value.hasExplicitPart }
        return true
      })
    return copy
  }

  private static func fillClusters(
    _ mesh: inout ConfigurationNode, _ services: [(name: String, origin: Origin)], _ profile: MeshProfile
  ) {
    var clusters = mesh["clusters"] ?? .emptyMap(mesh.origin.given(by: .standard))
    if clusters.isNull { clusters.content = .map([]) }
    guard var entries = clusters.entries else { return }
    var covered = Set(entries.compactMap { $0.value["service"]?.text })
    for entry in entries { covered.insert(entry.key) }
    for service in services where !covered.contains(service.name) {
      let origin = service.origin.given(by: .standard)
      entries.append(ConfigurationEntry(key: service.name, keyOrigin: origin, value: .emptyMap(origin)))
    }
    let names = Set(services.map(\.name))
    for place in entries.indices {
      var cluster = entries[place].value
      if cluster.isNull { cluster.content = .map([]) }
      if cluster.entries == nil { continue }
      let origin = entries[place].keyOrigin
      if cluster["service"] == nil && names.contains(entries[place].key) {
        cluster["service"] = .word(entries[place].key, origin.given(by: .standard))
      }
      fillCluster(&cluster, origin, profile)
      entries[place].value = cluster
    }
    if entries.isEmpty { return }
    clusters.content = .map(entries)
    mesh["clusters"] = clusters
  }

  private static func fillCluster(_ cluster: inout ConfigurationNode, _ origin: Origin, _ profile: MeshProfile) {
    let implied = origin.given(by: profile == .weir ? .standard : .profile(profile.rawValue))
    if cluster["balancer"] == nil {
      cluster["balancer"] = .map([(profile.balancer, .emptyMap(implied))], implied)
    }
    if let timeout = profile.connectTimeout, cluster["connectTimeout"] == nil {
      cluster["connectTimeout"] = .word(timeout, implied)
    }
    if profile.samplesWithReplacement, let balancer = cluster["balancer"] {
      cluster["balancer"] = sampledWithReplacement(balancer, implied)
    }
  }

  /// `leastRequest` of a system that may draw the same endpoint twice, unless it is said otherwise.
  private static func sampledWithReplacement(_ balancer: ConfigurationNode, _ implied: Origin) -> ConfigurationNode {
    let name = "leastRequest"
    guard let policy = PolicyRegistry.policy(named: name), policy.parameters.contains(where: { $0.name == "sampling" })
    else { return balancer }
    let sampling = ConfigurationNode.word("withReplacement", implied)
    if balancer.text == name {
      return .map([(name, .map([("sampling", sampling)], balancer.origin))], balancer.origin)
    }
    var balancer = balancer
    guard var parameters = balancer[name] else { return balancer }
    if parameters.isNull { parameters.content = .map([]) }
    if parameters.entries != nil && parameters["sampling"] == nil {
      parameters["sampling"] = sampling
      balancer[name] = parameters
    }
    return balancer
  }

  private static func fillRoutes(_ mesh: inout ConfigurationNode, _ profile: MeshProfile) {
    var routes = mesh["routes"] ?? ConfigurationNode(.list([]), origin: mesh.origin.given(by: .standard))
    if routes.isNull { routes.content = .list([]) }
    guard var items = routes.items else { return }
    var hosts = Set(items.compactMap { $0["match"]?["host"]?.text ?? $0["match"]?.text })
    for entry in mesh["clusters"]?.entries ?? [] where hosts.insert(entry.key).inserted {
      let origin = entry.keyOrigin.given(by: .standard)
      let destination = ConfigurationNode.map([("to", .word(entry.key, origin))], origin)
      items.append(
        .map(
          [
            ("name", .word(entry.key, origin)), ("match", .map([("host", .word(entry.key, origin))], origin)),
            ("split", ConfigurationNode(.list([destination]), origin: origin)),
          ], origin))
    }
    if let timeout = profile.routeTimeout {
      for place in items.indices where items[place].entries != nil && items[place]["timeout"] == nil {
        items[place]["timeout"] = .word(timeout, items[place].origin.given(by: .profile(profile.rawValue)))
      }
    }
    if items.isEmpty { return }
    routes.content = .list(items)
    mesh["routes"] = routes
  }
}

extension MeshProfile {
  /// The system's default balancer. gRPC's own is pick_first; round robin is what its users configure in its place.
  var balancer: String {
    let wanted: String
    switch self {
    case .weir, .istio, .finagle: wanted = "leastRequest"
    case .envoy, .grpc, .haproxy: wanted = "roundRobin"
    case .linkerd: wanted = "peakEwma"
    }
    return PolicyRegistry.policy(named: wanted)?.name ?? PolicyRegistry.policies.first?.name ?? wanted
  }

  /// Whether its `leastRequest` may draw the same endpoint twice.
  var samplesWithReplacement: Bool { self == .envoy || self == .istio || self == .grpc }

  /// Its connect timeout, when it is not the file format's.
  var connectTimeout: String? {
    switch self {
    case .istio: return "10s"
    case .linkerd: return "1s"
    case .grpc: return "20s"
    case .weir, .envoy, .finagle, .haproxy: return nil
    }
  }

  /// Its route timeout, when it has one.
  var routeTimeout: String? { self == .envoy ? "15s" : nil }

  /// Defaults of the system that the lab does not act on yet.
  public var unsimulatedDefaults: [String] {
    switch self {
    case .weir: return []
    case .envoy:
      return [
        "circuitBreaker maxConnections, maxPendingRequests and maxRequests 1024, maxRetries 3", "panicThreshold 50%",
        "updateMergeWindow 1s",
      ]
    case .istio:
      return ["retry of connect-failure, refused-stream, unavailable and cancelled: 2 attempts", "panicThreshold 0%"]
    case .linkerd: return ["failfast after 3s without a ready endpoint", "queue of 100 requests a backend"]
    case .grpc: return ["pick_first in place of a balancer", "transparent retries"]
    case .finagle:
      return ["failure accrual after 5 failures in a row", "retry budget of 20% and 10/s", "panic mode of 5 tries"]
    case .haproxy: return ["3 retries of connect failures", "queue timeout", "no maxconn"]
    }
  }
}
