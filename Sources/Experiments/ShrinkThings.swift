// What a scenario can do without as a whole: a fault, a link, a client, a service. A client or service goes together with
// whatever names it, or the rest could not be read any more.

import MeshConfiguration

/// Something that can be taken out of a scenario.
enum ScenarioThing: Hashable {
  /// A fault, by its place in the list.
  case fault(Int)
  /// A link, by its place.
  case link(Int)
  /// A client, by name.
  case client(String)
  /// A service, by name.
  case service(String)

  /// All things in `root`: what goes alone first.
  static func all(in root: ConfigurationNode) -> [ScenarioThing] {
    let world = root["world"]
    let faults = (world?["faults"]?.items ?? []).indices.map { ScenarioThing.fault($0) }
    let links = (world?["links"]?.items ?? []).indices.map { ScenarioThing.link($0) }
    let clients = (world?["clients"]?.entries ?? []).map { ScenarioThing.client($0.key) }
    let services = (world?["services"]?.entries ?? []).map { ScenarioThing.service($0.key) }
    return faults + links + clients + services
  }

  /// `root` without `things`.
  static func removing(_ things: [ScenarioThing], from root: ConfigurationNode) -> ConfigurationNode {
    var paths: Set<[String]> = []
    var names: [String] = []
    for thing in things {
      switch thing {
      case .fault(let place): paths.insert(["world", "faults", String(place)])
      case .link(let place): paths.insert(["world", "links", String(place)])
      case .client(let name), .service(let name): names.append(name)
      }
    }
    let rest = root.removing(paths)
    return names.isEmpty ? rest : NameRemoval(names, in: root).removing(from: rest)
  }
}

/// Takes out what is called by some names, and what mentions them.
private struct NameRemoval {
  private var gone: Set<String>
  /// What the names of unnamed replicas begin with.
  private let prefixes: [String]

  /// `names` are those of clients and services; their replicas and the clusters that stand for them go too.
  init(_ names: [String], in root: ConfigurationNode) {
    gone = Set(names)
    prefixes = names.map { $0 + "-" }
    for name in names {
      for replica in root.value(at: ["world", "services", name, "replicas"])?.items ?? [] {
        if let own = replica["name"]?.text { gone.insert(own) }
      }
    }
    for cluster in root.value(at: ["mesh", "clusters"])?.entries ?? [] {
      if cluster.value["service"]?.text.map({ names.contains($0) }) == true { gone.insert(cluster.key) }
    }
  }

  func removing(from root: ConfigurationNode) -> ConfigurationNode {
    var copy = root
    for part in ["world", "mesh"] {
      if let value = root[part] { copy[part] = kept(value) ?? .emptyMap(value.origin) }
    }
    if let variants = root["variants"], let items = variants.items {
      copy["variants"] = ConfigurationNode(.list(items.map(variant)), origin: variants.origin)
    }
    return copy
  }

  private func isMeant(_ text: String) -> Bool {
    gone.contains(text)
      || prefixes.contains { text.hasPrefix($0) && Int(text.dropFirst($0.count)) != nil }
  }

  /// Keys whose map means nothing without what they held.
  private static let essential = ["split", "match", "partition", "from", "to", "service", "target", "host", "replicas"]

  /// What is left of a value; nil when nothing is.
  private func kept(_ node: ConfigurationNode) -> ConfigurationNode? {
    var copy = node
    switch node.content {
    case .null: break
    case .scalar(let text, _): return isMeant(text) ? nil : node
    case .list(let items):
      let rest = items.compactMap(kept)
      if rest.isEmpty && !items.isEmpty { return nil }
      copy.content = .list(rest)
    case .map(let entries):
      var rest: [ConfigurationEntry] = []
      for entry in entries where !isMeant(entry.key) {
        if let value = kept(entry.value) {
          rest.append(ConfigurationEntry(key: entry.key, keyOrigin: entry.keyOrigin, value: value))
        } else if entry.value.text != nil || Self.essential.contains(entry.key) {
          return nil
        }
      }
      copy.content = .map(rest)
    }
    return copy
  }

  /// A variant without the paths that lead to what is gone.
  private func variant(_ node: ConfigurationNode) -> ConfigurationNode {
    guard let entries = node["set"]?.entries else { return node }
    var copy = node
    copy["set"]?.content = .map(
      entries.filter { entry in
        !(ConfigurationPath.parts(entry.key) ?? []).contains(where: isMeant) && kept(entry.value) != nil
      })
    return copy
  }
}
