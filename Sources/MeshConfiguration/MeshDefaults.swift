// What a mesh has that nobody wrote: a cluster for each service, a route for each cluster, and a profile's own values.
//
// These are put into the tree itself, marked as implied, so that `set` finds them and `weir show` can say where they come
// from; whenever something is set they are taken out and worked out anew.

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
      if cluster["service"] == nil && cluster["aggregate"] == nil && names.contains(entries[place].key) {
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
    if cluster["aggregate"] != nil { apply(profile, .aggregate, to: &cluster, at: origin) }
    apply(profile, .cluster, to: &cluster, at: origin)
    if cluster["balancer"] == nil {
      let implied = origin.given(by: .standard)
      cluster["balancer"] = .map([(standardBalancer, .emptyMap(implied))], implied)
    }
  }

  /// Weir's own balancer.
  private static let standardBalancer = "leastRequest"

  // MARK: - Profiles

  /// Puts a profile's own values where nothing is said.
  private static func apply(
    _ profile: MeshProfile, _ part: ProfileDefault.Part, to node: inout ConfigurationNode, at origin: Origin
  ) {
    let implied = origin.given(by: .profile(profile.rawValue))
    for row in profile.simulatedDefaults where row.part == part {
      let keys = row.path.split(separator: ".").map(String.init)
      put(value(row, implied), at: keys[...], in: &node, implied, mayCreate: row.condition == .always)
    }
  }

  /// What a row says, as a node. A balancer by name is one without parameters of its own.
  private static func value(_ row: ProfileDefault, _ implied: Origin) -> ConfigurationNode {
    if row.path == "balancer" { return .map([(row.value, .emptyMap(implied))], implied) }
    if !row.value.hasPrefix("[") { return .word(row.value, implied) }
    let words = row.value.dropFirst().dropLast().split(separator: ",")
    let items = words.map { ConfigurationNode.word($0.filter { $0 != " " }, implied) }
    return ConfigurationNode(.list(items), origin: implied)
  }

  /// Puts `value` at a path, unless something stands there. A map on the way is made only where `mayCreate`, and never inside
  /// what somebody has written: who chooses one alternative has not asked for another.
  private static func put(
    _ value: ConfigurationNode, at keys: ArraySlice<String>, in node: inout ConfigurationNode, _ implied: Origin,
    mayCreate: Bool
  ) {
    guard let name = keys.first else { return }
    let rest = keys.dropFirst()
    // A bare name stands for the alternative that it names, with nothing said about it.
    if node.text == name && !rest.isEmpty { node = .map([(name, .emptyMap(node.origin))], node.origin) }
    if node.isNull { node.content = .map([]) }
    guard node.entries != nil else { return }
    guard var inner = node[name] else {
      if rest.isEmpty {
        node[name] = value
      } else if mayCreate {
        var made = ConfigurationNode.emptyMap(implied)
        put(value, at: rest, in: &made, implied, mayCreate: true)
        node[name] = made
      }
      return
    }
    if rest.isEmpty { return }
    // Retries have no alternatives: what somebody leaves out of them is the profile's, pauses and budget too.
    put(value, at: rest, in: &inner, implied, mayCreate: mayCreate && (inner.origin.isImplied || name == "retry"))
    node[name] = inner
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
    for place in items.indices where items[place].entries != nil {
      apply(profile, .route, to: &items[place], at: items[place].origin)
    }
    if items.isEmpty { return }
    routes.content = .list(items)
    mesh["routes"] = routes
  }
}
