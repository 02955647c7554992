// The world as written to the world as run: names become indices.

import MeshConfiguration
import MeshCore
import Simulation

/// Makes a world description.
struct WorldReader {
  let log: FaultLog
  let distributions: DistributionReader
  let arrivals: ArrivalReader

  init(log: FaultLog, files: NamedFiles) {
    self.log = log
    distributions = DistributionReader(log: log, files: files)
    arrivals = ArrivalReader(log: log, files: files, distributions: distributions)
  }

  /// The world in `value`, with the sidecars' cost in `hop`. `hosts` are those that routes match.
  func world(_ value: ResolvedValue, hop: ResolvedValue?, hosts: KnownHosts) -> WorldDescription {
    let serviceEntries = value["services"]?.entries ?? []
    let clientEntries = value["clients"]?.entries ?? []
    let zones = ZoneRegister(services: serviceEntries, clients: clientEntries)
    let services = serviceEntries.map { service($0, zones, hosts) }
    tellDuplicateReplicas(services, serviceEntries)
    let clients = clientEntries.map { client($0, zones, hosts) }
    var world = WorldDescription(zones: zones.names, services: services, clients: clients)
    let places = PlaceReader(log: log, world: world)
    world.links = (value["links"]?.items ?? []).compactMap { link($0, places) }
    let faultValues = value["faults"]?.items ?? []
    let faults = FaultReader(
      log: log, world: world, places: places, distributions: distributions,
      scaleLimits: Self.scaleLimits(faultValues, serviceEntries))
    world.faults = faultValues.flatMap { faults.faults($0) }
    if let hop {
      world.hop = HopDescription(
        outbound: distributions.distribution(hop["outbound"]), inbound: distributions.distribution(hop["inbound"]))
    }
    return world
  }

  /// The most replicas that faults scale each service to; no limit where the file does not make clear how many there are.
  private static func scaleLimits(_ faults: [ResolvedValue], _ services: [ResolvedEntry]) -> [String: Int] {
    var limits: [String: Int] = [:]
    for entry in services where entry.value["replicas"] == nil { limits[entry.key] = .max }
    for fault in faults where fault.chosen?.key == "scale" {
      guard let service = fault["service"]?.text, let count = fault.chosen?.value.integer else { continue }
      limits[service] = max(limits[service] ?? 0, Int(count))
    }
    return limits
  }

  // MARK: - Services

  private func service(_ entry: ResolvedEntry, _ zones: ZoneRegister, _ hosts: KnownHosts) -> ServiceDescription {
    let value = entry.value
    var service = ServiceDescription(
      name: entry.key, replicas: replicas(value, of: entry.key, zones), time: distributions.distribution(value["time"]))
    service.workers = Int(value["workers"]?.integer ?? 1)
    service.allocation = value["allocation"]?.integer.map { Int($0) }
    service.queueLimit = value["queue"]?.integer.map { Int($0) }
    service.codel = value["codel"].flatMap(codel)
    if let codel = value["codel"], codel.isValid {
      let discipline = value["discipline"]?.text ?? ""
      if discipline == "processorSharing" || discipline == "infinite" {
        log.add(codel.origin, codel.path, "has no effect: \(discipline) has no queue; expected fifo or lifo")
      }
    }
    service.discipline = value["discipline"]?.text.flatMap(Discipline.init(rawValue:)) ?? .fifo
    service.errorRate = value["errors"]?.number ?? 0
    service.calls = calls(value["calls"], hosts)
    service.holdsWorker = value["holdsWorker"]?.flag ?? true
    service.onCancel = value["onCancel"]?.text.flatMap(CancelBehaviour.init(rawValue:)) ?? .finish
    service.responseSize = value["responseSize"]?.integer ?? 0
    service.perConcurrent = value["perConcurrent"]?.span ?? .zero
    if let part = value["fluctuate"], let every = part["every"]?.span {
      service.fluctuation = FluctuationDescription(
        every: every, factors: part["factors"]?.items.compactMap(\.number) ?? [])
    }
    if let part = value["coldStart"], let factor = part["factor"]?.number, let over = part["over"]?.span {
      service.coldStart = ColdStartDescription(factor: factor, over: over)
    }
    if let part = value["antagonist"], let share = part["share"]?.number, let period = part["period"]?.span {
      service.antagonist = AntagonistDescription(share: share, period: period)
    }
    service.sharesDataPlane = value["proxies"]?.text == "shared"
    service.readinessProbe = value["readinessProbe"].map(readinessProbe)
    service.endpointSlice = EndpointSliceDescription(
      delay: value["endpointSlice"]?["delay"]?.span ?? .zero, jitter: value["endpointSlice"]?["jitter"]?.span ?? .zero)
    return service
  }

  private func codel(_ value: ResolvedValue) -> ControlledDelayDescription? {
    guard value.isValid else { return nil }
    var control = ControlledDelayDescription()
    if let target = value["target"]?.span { control.target = target }
    if let interval = value["interval"]?.span { control.interval = interval }
    control.sloughs = value["sloughs"]?.flag ?? false
    control.isAdaptive = value["adaptiveLifo"]?.flag ?? false
    return control
  }

  private func readinessProbe(_ value: ResolvedValue) -> ReadinessProbeDescription {
    var probe = ReadinessProbeDescription()
    if let delay = value["initialDelay"]?.span { probe.initialDelay = delay }
    if let period = value["period"]?.span { probe.period = period }
    if let timeout = value["timeout"]?.span { probe.timeout = timeout }
    if let successes = value["successThreshold"]?.integer { probe.successThreshold = Int(successes) }
    if let failures = value["failureThreshold"]?.integer { probe.failureThreshold = Int(failures) }
    return probe
  }

  private func replicas(_ value: ResolvedValue, of service: String, _ zones: ZoneRegister) -> [ReplicaDescription] {
    let home = zones.number(value["zone"])
    guard let replicas = value["replicas"] else { return [ReplicaDescription(name: "\(service)-0", zone: home)] }
    if let count = replicas.integer {
      return (0..<Int(count)).map { ReplicaDescription(name: "\(service)-\($0)", zone: home) }
    }
    var list: [ReplicaDescription] = []
    var weights: UInt64 = 0
    for item in replicas.items {
      let count = Int(item["count"]?.integer ?? 1)
      if list.count + count > 100_000 {
        log.add(item.origin, item.path, "more than 100000 replicas of \(service); expected fewer")
        break
      }
      let name = item["name"]?.text
      let weight = item["weight"]?.integer ?? 1
      weights += UInt64(clamping: weight) * UInt64(count)
      for copy in 0..<count {
        var replica = ReplicaDescription(
          name: name.map { count == 1 ? $0 : "\($0)-\(copy)" } ?? "\(service)-\(list.count)",
          zone: item["zone"] == nil ? home : zones.number(item["zone"]), weight: UInt32(clamping: weight),
          speed: item["speed"]?.number ?? 1)
        if let time = item["time"] { replica.time = distributions.distribution(time) }
        replica.workers = item["workers"]?.integer.map { Int($0) }
        (replica.priority, replica.status, replica.metadata) = MeshSchema.standing(of: item)
        list.append(replica)
      }
    }
    if weights > UInt64(UInt32.max) {
      log.add(replicas.origin, replicas.path, "weights sum to \(weights); expected at most 4294967295")
    }
    return list
  }

  private func tellDuplicateReplicas(_ services: [ServiceDescription], _ entries: [ResolvedEntry]) {
    var owners: [String: String] = [:]
    for (service, entry) in zip(services, entries) {
      for replica in service.replicas {
        if let owner = owners.updateValue(service.name, forKey: replica.name) {
          let value = entry.value["replicas"] ?? entry.value
          log.add(
            value.origin, value.path,
            "two replicas are called \(quoted(replica.name))\(owner == service.name ? "" : " (the other is of \(owner))"); expected different names"
          )
          break
        }
      }
    }
  }

  private func calls(_ value: ResolvedValue?, _ hosts: KnownHosts) -> [[CallDescription]] {
    (value?.items ?? []).map { item in
      (item.items.isEmpty ? [item] : item.items).compactMap { call($0, hosts) }
    }.filter { !$0.isEmpty }
  }

  private func call(_ value: ResolvedValue, _ hosts: KnownHosts) -> CallDescription? {
    guard let to = value["to"], let host = to.text else { return nil }
    tellUnknownHost(to, host, hosts)
    return CallDescription(
      target: host, count: Int(value["count"]?.integer ?? 1), isParallel: value["parallel"]?.flag ?? false,
      onError: value["onError"]?.text.flatMap(CallErrorBehaviour.init(rawValue:)) ?? .fail)
  }

  private func tellUnknownHost(_ value: ResolvedValue, _ host: String, _ hosts: KnownHosts) {
    if hosts.isEmpty || hosts.has(host) { return }
    log.addUnknown(value.origin, value.path, "no route for the host", host, among: hosts.names)
  }

  // MARK: - Clients

  private func client(_ entry: ResolvedEntry, _ zones: ZoneRegister, _ hosts: KnownHosts) -> ClientDescription {
    let value = entry.value
    var target = ""
    if let host = value["target"], let name = host.text {
      tellUnknownHost(host, name, hosts)
      target = name
    } else if value.isValid && !value.has("target") {
      if !hosts.isEmpty {
        log.add(
          value.origin, ConfigurationPath.joined(value.path, "target"),
          "missing; expected one of \(hosts.names.prefix(20).joined(separator: ", "))")
      }
    }
    var client = ClientDescription(name: entry.key, target: target, arrivals: arrivals.arrivals(value["arrivals"]))
    client.successWithin = value["success"]?["within"]?.span
    let home = zones.number(value["zone"])
    if let proxies = value["proxies"] {
      if let count = proxies.integer {
        client.dataPlanes = [DataPlaneGroup(zone: home, count: Int(count))]
      } else {
        client.dataPlanes = proxies.items.map {
          DataPlaneGroup(
            zone: $0["zone"] == nil ? home : zones.number($0["zone"]), count: Int($0["count"]?.integer ?? 1))
        }
      }
    }
    if let request = value["request"] {
      client.path = request["path"]?.text ?? "/"
      client.method = request["method"]?.text ?? "GET"
      client.headers = MeshReader.headers(request["headers"])
      client.requestSize = request["size"]?.integer ?? 0
      client.key = key(request["key"])
      if let header = request["keyHeader"]?.text { client.keyHeader = header.lowercased() }
      for entry in request["headers"]?.entries ?? [] {
        let name = entry.key.lowercased()
        if name == ClientDescription.usualKeyHeader || client.key != nil && name == client.keyHeader {
          log.add(entry.keyOrigin, entry.value.path, "the request's key stands in it; expected request.key to say it")
        }
      }
    }
    tellTraceTargets(client.arrivals, value["arrivals"], hosts)
    return client
  }

  private func tellTraceTargets(_ arrivals: ArrivalDescription, _ value: ResolvedValue?, _ hosts: KnownHosts) {
    guard case .trace(let rows, _) = arrivals, let file = value?.chosen?.value["file"] else { return }
    let stranger = rows.lazy.compactMap(\.target).first { !hosts.has($0) }
    guard let stranger else { return }
    log.addUnknown(
      file.origin, file.path, "\(quoted(file.text ?? "")): no route for the target", stranger, among: hosts.names)
  }

  private func key(_ value: ResolvedValue?) -> KeyDescription? {
    guard let chosen = value?.chosen else { return nil }
    switch chosen.key {
    case "zipf":
      return .zipf(
        keys: Int(chosen.value["keys"]?.integer ?? 1), exponent: chosen.value["exponent"]?.number ?? 1)
    case "uniform": return .uniform(keys: Int(chosen.value["keys"]?.integer ?? 1))
    case "constant": return chosen.value.text.map { .constant($0) }
    default: return nil
    }
  }

  // MARK: - Links

  private func link(_ value: ResolvedValue, _ places: PlaceReader) -> LinkDescription? {
    let from = places.place(value["from"])
    let to = places.place(value["to"])
    let delay = distributions.distribution(value["delay"])
    guard let from, let to else { return nil }
    return LinkDescription(
      from: from, to: to, delay: delay, loss: value["loss"]?.number ?? 0, bandwidth: value["bandwidth"]?.number,
      retransmission: value["rto"]?.span ?? .milliseconds(200))
  }
}
