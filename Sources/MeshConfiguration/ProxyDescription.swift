// What a real proxy is told beside its mesh.

import LoadBalancing
import MeshCore

/// A host and a port.
public struct SocketName: Sendable, Hashable, CustomStringConvertible {
  /// An address or a name.
  public var host: String
  /// 0 … 65535; 0 is any that is free, for listeners.
  public var port: Int

  /// A name.
  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// What `text` names, `host:port` or `[address]:port`; nil when that is none.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65_535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.first == "[" && host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    if host.isEmpty { return nil }
    self.init(host: String(host), port: port)
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What clients of a listener speak.
public enum ListenerProtocol: String, Sendable, Hashable, CaseIterable {
  /// HTTP/1.1 or HTTP/2 with prior knowledge, as the first bytes say.
  case auto
  case http1
  case http2
  /// Anything: each connection goes to an endpoint.
  case tcp
}

/// The form of an access log's lines.
public enum AccessLogFormat: String, Sendable, Hashable, CaseIterable {
  case json
  /// Apache's combined log format.
  case apache
}

extension RouteMatch {
  /// What takes connections of `tcp` to a cluster: what it asks for is no method, so that no request meets it.
  public static func connections(to cluster: String) -> RouteMatch {
    RouteMatch(host: cluster, method: "TCP connection")
  }
}

/// A place where clients connect.
public struct ListenerDescription: Sendable, Hashable {
  public var address: SocketName
  public var transport: ListenerProtocol
  /// Where connections of `tcp` go: a cluster's index.
  public var cluster: Int?
  /// That cluster's name.
  public var clusterName: String?
  /// The service that requests are for which come here: the proxy is its server's sidecar, and `mesh.inbound` says what stands before it.
  public var inbound: String?
  public var security: ListenerSecurity

  /// A place.
  public init(
    address: SocketName, transport: ListenerProtocol, cluster: Int? = nil, security: ListenerSecurity = .off
  ) {
    self.address = address
    self.transport = transport
    self.cluster = cluster
    self.security = security
  }
}

/// Where an access log goes.
public struct AccessLogDescription: Sendable, Hashable {
  /// A path, or `-` for standard output.
  public var file: String
  public var format: AccessLogFormat
}

/// A server that a cluster's requests may go to.
public struct ServerDescription: Sendable, Hashable {
  public var address: SocketName
  public var weight: UInt32
  public var zone: String?
  /// Who takes requests first: 0 does.
  public var priority: Int32 = 0
  /// How it is, as whoever names it knows.
  public var status = HostStatus.healthy
  /// What subsets are selected by.
  public var metadata: [String: String] = [:]

  /// A server.
  public init(address: SocketName, weight: UInt32, zone: String? = nil) {
    self.address = address
    self.weight = weight
    self.zone = zone
  }
}

/// The proxies of a kind in one zone.
public struct FleetGroup: Sendable, Hashable {
  public var zone: String
  public var count: Int

  /// So many in a zone.
  public init(zone: String, count: Int) {
    self.zone = zone
    self.count = count
  }
}

/// Where a proxy is among its like.
public struct LocalityDescription: Sendable, Hashable {
  /// Its zone.
  public var zone: String?
  /// Its number among the fleet, from 0.
  public var number = 0
  /// How many proxies of its kind each zone has, itself among them; empty where it is the only one.
  public var fleet: [FleetGroup] = []

  /// A proxy of no zone that is the only one.
  public init() {}
}

/// What a real proxy needs to know of a cluster beside what the lab knows.
public struct ProxiedCluster: Sendable, Hashable {
  /// Its servers, as the file lists them.
  public var servers: [ServerDescription] = []
  /// Who names its servers, where the file does not or only for the beginning.
  public var discovery: ServerDiscovery?
  /// What health checks over HTTP ask for, and by which host.
  public var healthPath = "/"
  public var healthMethod = "GET"
  public var healthHost: String?
  /// What health checks over TCP send and wait for, one text behind the other.
  public var healthSend = ""
  public var healthReceive: [String] = []
  /// What gRPC's health service is asked about; empty for the whole server.
  public var healthService = ""

  /// A cluster without servers.
  public init() {}
}

/// Random numbers from outside.
public struct ProxyRandomness: Sendable, Hashable {
  /// What the data plane draws for itself.
  public var dataPlane: RandomKey
  /// What is drawn for requests: by their number from 0, in the order in which they come.
  public var requests: RandomKey

  /// These numbers.
  public init(dataPlane: RandomKey, requests: RandomKey) {
    self.dataPlane = dataPlane
    self.requests = requests
  }
}

/// Everything that a real proxy is told.
public struct ProxyDescription: Sendable, Hashable {
  public var mesh: MeshDescription
  /// One for each of the mesh's clusters.
  public var clusters: [ProxiedCluster]
  /// The zones that the mesh knows, by their numbers.
  public var zones: [String] = []
  /// Clusters that have layers only because their endpoints may say how they are.
  public var impliedLayers: [Int] = []
  /// Where it is.
  public var locality = LocalityDescription()
  public var listeners: [ListenerDescription] = []
  public var admin: SocketName?
  public var accessLog: AccessLogDescription?
  /// Its certificates, where it has any or checks any.
  public var tls: TLSDescription?
  public var authorization: AuthorizationDescription?
  /// Whether CONNECT requests are taken.
  public var allowsConnect = false
  /// How long requests may take that are under way when the proxy ends.
  public var drainTime = TimeSpan.seconds(30)
  /// How long a request's head may take to come.
  public var headerTimeout = TimeSpan.seconds(10)
  /// How long a connection may lie idle.
  public var idleTimeout = TimeSpan.seconds(3600)
  /// Bytes of a request's body that are kept for other tries.
  public var retryBuffer = 65_536
  /// Whether requests go out with the number of their try (Envoy's `include_request_attempt_count`).
  public var includesAttemptCount = false
  /// Where it tells what its requests did, if anywhere.
  public var tracing: TracingDescription?
  /// Decisions that each event loop keeps for people.
  public var explained = 0
  /// The root of its random numbers.
  public var seed: UInt64 = 1
  /// Random numbers in place of those of the seed, for one event loop: whoever compares it with the lab gives it the lab's.
  public var randomness: ProxyRandomness?
  /// The file that says all this.
  public var text: [UInt8] = []

  /// The root of the random numbers of an event loop's data plane.
  public func key(ofLoop number: Int) -> RandomKey {
    RandomKey(seed: seed, replication: 0, purpose: .dataPlane, entity: UInt64(truncatingIfNeeded: number))
  }

  /// Where the data plane of an event loop stands among its like: each of a proxy's loops is one.
  public func place(ofLoop number: Int, of loops: Int) -> BalancerContext {
    func zone(_ name: String?) -> Int32 { name.flatMap { zones.firstIndex(of: $0) }.map { Int32($0) } ?? -1 }
    let proxies = max(1, locality.fleet.reduce(0) { $0 + $1.count })
    return BalancerContext(
      planeNumber: locality.number * loops + number, planeCount: proxies * loops, zone: zone(locality.zone),
      peerZones: locality.fleet.flatMap { group in Array(repeating: zone(group.zone), count: group.count) })
  }

  /// A mesh before these servers, with nowhere to listen yet.
  public init(mesh: MeshDescription, clusters: [ProxiedCluster]) {
    self.mesh = mesh
    self.clusters = clusters
  }
}
