// Names of places: clients, services, replicas and zones.

import MeshConfiguration
import MeshCore
import Simulation

/// Every zone that a world names, numbered in the order of the file.
struct ZoneRegister {
  private var index = NameIndex()

  /// The names, by number.
  var names: [String] { index.names }

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
    if let name = value?.text { index.add(name) }
  }

  /// The number of a zone, or -1 for none.
  func number(_ value: ResolvedValue?) -> Int { value?.text.flatMap { index.number(of: $0) } ?? -1 }
}

/// Finds the places that links and faults name.
struct PlaceReader {
  let log: FaultLog
  let world: WorldDescription
  private let zones: NameIndex
  private let clients: NameIndex
  private let services: NameIndex
  private var replicas: [String: Place] = [:]

  init(log: FaultLog, world: WorldDescription) {
    self.log = log
    self.world = world
    zones = NameIndex(world.zones)
    clients = NameIndex(world.clients.map(\.name))
    services = NameIndex(world.services.map(\.name))
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
      if let number = zones.number(of: zone) { return .zone(number) }
      log.addUnknown(value.origin, value.path, "unknown zone", zone, among: zones.names)
      return nil
    }
    let client = clients.number(of: name)
    let service = services.number(of: name)
    if client != nil && service != nil {
      log.add(value.origin, value.path, "\(quoted(name)) is a client and a service; expected different names")
    }
    if let client { return .client(client) }
    if let service { return .service(service) }
    if let replica = replicas[name] { return replica }
    tellUnknown(value, name)
    return nil
  }

  /// The number of the service that `value` names.
  func service(_ value: ResolvedValue) -> Int? {
    guard let name = value.text else { return nil }
    if let index = services.number(of: name) { return index }
    log.addUnknown(value.origin, value.path, "unknown service", name, among: services.names)
    return nil
  }

  /// The number of the zone that `value` names.
  func zone(_ value: ResolvedValue) -> Int? {
    guard let name = value.text else { return nil }
    if let index = zones.number(of: name) { return index }
    log.addUnknown(value.origin, value.path, "unknown zone", name, among: zones.names)
    return nil
  }

  private func tellUnknown(_ value: ResolvedValue, _ name: String) {
    if log.isFull { return }
    let replicas = world.services.lazy.flatMap { $0.replicas.prefix(100).map(\.name) }.prefix(1000)
    let names = clients.names + services.names + replicas + zones.names.map { "zone:\($0)" }
    log.addUnknown(
      value.origin, value.path, "unknown place", name, among: names, expected: "a client, service, replica or zone:NAME"
    )
  }
}
