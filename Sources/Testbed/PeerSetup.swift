// What another proxy is configured from, and how what it cannot be told is refused: one line a key, with its place in the file, so that
// nothing is left out in silence.

import MeshConfiguration
import MeshCore

/// What another proxy is told.
public struct PeerSetup: Sendable {
  /// The mesh, and the servers of its clusters.
  public var proxy: ProxyDescription
  /// Where clients connect.
  public var listener: SocketName
  /// Where it says how it is, if it has such a place.
  public var admin: SocketName?
  /// A folder of its own for whatever it writes.
  public var folder: String

  /// A setup.
  public init(proxy: ProxyDescription, listener: SocketName, admin: SocketName? = nil, folder: String) {
    self.proxy = proxy
    self.listener = listener
    self.admin = admin
    self.folder = folder
  }

  var mesh: MeshDescription { proxy.mesh }

  /// The servers of a cluster with what each is called in the configuration.
  func servers(_ cluster: Int) -> [ServerDescription] { proxy.clusters[cluster].servers }
}

/// Gathers what a proxy cannot be told.
struct Refusals {
  private(set) var lines: [String] = []
  /// The proxy's name for people.
  let name: String

  init(_ name: String) { self.name = name }

  /// Refuses a key unless `isAbsent`; `expected` says what to write in its place.
  mutating func refuse(_ path: String, unless isAbsent: Bool, _ expected: String = "leave it out") {
    if !isAbsent { lines.append("\(path): \(name) cannot be told this; \(expected)") }
  }

  /// - Throws: `TestbedError` when anything was refused.
  func check() throws { if !lines.isEmpty { throw TestbedError(lines) } }

  /// What no other proxy is told of a mesh.
  mutating func refuseOwn(_ mesh: MeshDescription) {
    refuse("mesh.clusters: an aggregate", unless: mesh.aggregates.isEmpty)
    refuse("mesh.inbound", unless: mesh.inbound.isEmpty)
    for (index, route) in mesh.routes.enumerated() {
      let path = "mesh.routes.\(index)"
      refuse("\(path).slices", unless: route.slices.isEmpty)
      refuse("\(path).canary", unless: route.canary == nil)
      refuse("\(path).metadataMatch", unless: route.metadataMatch == nil)
      refuse("\(path).statefulSession", unless: route.statefulSession == nil)
      refuse("\(path).gates.adaptiveThrottling", unless: route.gates?.adaptiveThrottling == nil)
      refuse("\(path).nackAdmission", unless: route.gates?.nackAdmission == nil)
      refuse("\(path).match.query", unless: route.match.query.isEmpty)
      refuse("\(path).match.fraction", unless: route.match.fraction == nil)
      refuse("\(path).retry.budget", unless: route.retry?.budget == nil)
      refuse("\(path).retry.retryPriority", unless: route.retry?.priorityUpdateFrequency ?? 0 == 0)
      refuse("\(path).retry.longestReset", unless: route.retry?.longestReset ?? .zero == .zero)
    }
    for cluster in mesh.clusters {
      let path = "mesh.clusters.\(cluster.name)"
      refuse("\(path).tls", unless: !cluster.usesTLS)
      refuse("\(path).failureAccrual", unless: cluster.failureAccrual == nil)
      refuse("\(path).failFast", unless: !cluster.failsFast)
      refuse("\(path).phiAccrual", unless: cluster.phi == nil)
      refuse("\(path).queue", unless: cluster.queue == nil)
      let layers = cluster.layers
      refuse("\(path).localityWeights", unless: layers?.localityWeights == nil)
      refuse("\(path).zoneAwareLbConfig", unless: layers?.zoneAware == nil)
      refuse("\(path).loadAwareLocality", unless: layers?.loadAwareLocality == nil)
      refuse("\(path).subsets", unless: layers?.subsets == nil)
      refuse("\(path).subsetting", unless: layers?.subsetting == nil)
      refuse("\(path).tokenAware", unless: layers?.tokenAware == nil)
      refuse("\(path).failurePenalty", unless: layers?.failurePenalty == nil)
    }
  }

  /// Endpoints that are not all used alike.
  mutating func refuseStandings(_ setup: PeerSetup, _ index: Int) {
    let path = "mesh.clusters.\(setup.mesh.clusters[index].name)"
    refuse("\(path): endpoints of several priorities", unless: setup.servers(index).allSatisfy { $0.priority == 0 })
    refuse("\(path): an endpoint's healthStatus", unless: setup.servers(index).allSatisfy { $0.status == .healthy })
  }

  /// Two routes of one host whose order would not be the file's.
  mutating func refuseOrder(_ mesh: MeshDescription) {
    if mesh.profile.takesFirstMatchingRoute { return }
    for (index, route) in mesh.routes.enumerated()
    where mesh.routes[..<index].contains(where: { $0.match.host == route.match.host }) {
      refuse(
        "mesh.routes.\(index): a second route of host \(route.match.host), chosen as the most specific one",
        unless: false,
        "expected mesh.profile envoy, istio or haproxy, whose order is the file's")
    }
  }
}

extension PolicyChoice {
  /// A parameter as text, for configurations and refusals.
  func text(_ name: String) -> String {
    switch parameters.values.first(where: { $0.name == name })?.value {
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .flag(let flag): "\(flag)"
    case .word(let word): word
    case nil: ""
    }
  }
}
