// Names of places: clients, services, replicas and zones.

import MeshConfiguration
import MeshCore
import Simulation

/// Every zone that a world names, numbered in the order of the file.
struct ZoneRegister {
  private(set) var names: [String] = []

  /// The zones of these services and clients.
  init(services: [ResolvedEntry], clients: [ResolvedEntry]) {
    for (entries, list) in [(services, "replicas"), (clients, "proxies")] {
      for entry in entries {
        add(entry.value["zone"])
        for item in entry.value[list]?.items ?? [] { add(item["zone"]) }
      }
    }
  }

  private mutating func add(_ value: ResolvedValue?) {
    if let name = value?.text, !names.contains(name) { names.append(name) }
  }

  /// The number of a zone, or -1 for none.
  func number(_ value: ResolvedValue?) -> Int { value?.text.flatMap { names.firstIndex(of: $0) } ?? -1 }
}

/// Finds the places that links and faults name.
struct PlaceReader {
  let log: FaultLog
  let world: WorldDescription
  private var replicas: [String: Place] = [:]

  init(log: FaultLog, world: WorldDescription) {
    self.log = log
    self.world = world
    for (index, service) in world.services.enumerated() {
      for (number, replica) in service.replicas.enumerated() {
        replicas[replica.name] = .replica(service: index, number: number)
      }
    }
  }

  /// The place that `value` names; nil when there is none, which has then been told.
  func place(_ value: ResolvedValue?) -> Place? {
    guard let value, let name = value.text else { return nil }
    if name.hasPrefix("zone:") {
      let zone = String(name.dropFirst(5))
      if let number = world.zones.firstIndex(of: zone) { return .zone(number) }
      tell(value, "zone", zone, world.zones)
      return nil
    }
    let client = world.clients.firstIndex { $0.name == name }
    let service = world.services.firstIndex { $0.name == name }
    if client != nil && service != nil {
      log.add(value.origin, value.path, "\(quoted(name)) is a client and a service; expected different names")
    }
    if let client { return .client(client) }
    if let service { return .service(service) }
    if let replica = replicas[name] { return replica }
    let names =
      world.clients.map(\.name) + world.services.map(\.name)
      + world.services.flatMap { $0.replicas.prefix(100).map(\.name) }
      + world.zones.map { "zone:\($0)" }
    let suggestion = Suggestion.closest(to: name, among: names)
    log.add(
      value.origin, value.path,
      "unknown place \(quoted(name))\(suggestion == nil ? "; expected a client, service, replica or zone:NAME" : "")",
      suggestion: suggestion)
    return nil
  }

  /// The number of the service that `value` names.
  func service(_ value: ResolvedValue) -> Int? {
    guard let name = value.text else { return nil }
    if let index = world.services.firstIndex(where: { $0.name == name }) { return index }
    tell(value, "service", name, world.services.map(\.name))
    return nil
  }

  /// The number of the zone that `value` names.
  func zone(_ value: ResolvedValue) -> Int? {
    guard let name = value.text else { return nil }
    if let index = world.zones.firstIndex(of: name) { return index }
    tell(value, "zone", name, world.zones)
    return nil
  }

  private func tell(_ value: ResolvedValue, _ noun: String, _ name: String, _ names: [String]) {
    let suggestion = Suggestion.closest(to: name, among: names)
    let expected = names.isEmpty ? "; there is none" : "; expected one of \(names.prefix(20).joined(separator: ", "))"
    log.add(
      value.origin, value.path, "unknown \(noun) \(quoted(name))\(suggestion == nil ? expected : "")",
      suggestion: suggestion)
  }
}
