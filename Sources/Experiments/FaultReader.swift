// Faults as written to faults as run: kinds get their targets, and each gets a name for the event list.

import MeshConfiguration
import MeshCore
import Simulation

struct FaultReader {
  let log: FaultLog
  let world: WorldDescription
  let places: PlaceReader
  let distributions: DistributionReader
  /// The most replicas that faults scale a service to, by service.
  let scaleLimits: [String: Int]

  /// What may stand beside each kind, besides `at`, `for` and `repeat`.
  private static let companions: [String: [String]] = [
    "crash": ["service", "replicas", "zone"], "hang": ["service", "replicas", "zone"],
    "slow": ["service", "replicas", "zone", "mode"], "delay": ["service", "replicas", "zone"],
    "errors": ["service", "replicas", "zone", "status", "time", "retryAfter"],
    "healthCheckFail": ["service", "replicas", "zone"], "pause": ["service", "replicas", "zone"],
    "partition": [], "loss": ["service", "replicas", "zone", "from", "to"], "scale": ["service"],
    "restart": ["service", "replicas", "zone"], "discoveryFrozen": ["service"],
    "certificateExpired": ["service"],
  ]

  /// The faults in `value`: one, or one a place where a kind strikes places.
  func faults(_ value: ResolvedValue) -> [FaultDescription] {
    guard let chosen = value.chosen, let at = value["at"]?.span else { return [] }
    for entry in value.entries.dropFirst()
    where !["at", "for", "repeat"].contains(entry.key) && Self.companions[chosen.key]?.contains(entry.key) == false {
      log.add(
        entry.keyOrigin, entry.value.path, "\(chosen.key) has no \(entry.key); expected \(expectedBeside(chosen.key))")
    }
    let duration = value["for"]
    let period = value["repeat"]
    if let period, let every = period.span {
      if let duration, let length = duration.span, length > every {
        log.add(duration.origin, duration.path, "\(duration.written) is longer than repeat \(period.written)")
      } else if !value.has("for") && chosen.key != "restart" {
        log.add(period.origin, period.path, "repeat without for; expected how long each lasts")
      }
    }
    return kinds(value, chosen).map { kind, summary in
      FaultDescription(
        at: Timestamp(nanoseconds: at.nanoseconds), duration: duration?.span, period: period?.span, kind: kind,
        summary: summary)
    }
  }

  private func expectedBeside(_ kind: String) -> String {
    (["at", "for", "repeat"] + (Self.companions[kind] ?? [])).joined(separator: ", ")
  }

  private func kinds(_ value: ResolvedValue, _ chosen: ResolvedEntry) -> [(FaultKind, String)] {
    let part = chosen.value
    if !part.isValid { return [] }
    switch chosen.key {
    case "partition":
      guard let from = places.place(part["from"]), let to = places.place(part["to"]) else { return [] }
      let names = "\(part["from"]?.written ?? "") and \(part["to"]?.written ?? "")"
      return [(.partition(from: from, to: to), "partition between \(names)")]
    case "loss": return loss(value, part)
    case "discoveryFrozen":
      guard value.has("service") else { return [(.discoveryFrozen(service: nil), "discoveryFrozen")] }
      guard let service = requiredService(value, chosen) else { return [] }
      return [(.discoveryFrozen(service: service), "discoveryFrozen of \(name(service))")]
    case "scale":
      guard let service = requiredService(value, chosen), let count = part.integer else { return [] }
      return [(.scale(service: service, count: Int(count)), "scale \(name(service)) to \(count)")]
    case "certificateExpired":
      guard let service = requiredService(value, chosen) else { return [] }
      return [(.certificateExpired(service: service), "certificateExpired on \(name(service))")]
    default:
      let targets = targets(value, chosen)
      guard !targets.isEmpty, let (kind, what) = kind(value, chosen, targets) else { return [] }
      return [(kind, "\(what) on \(summary(targets))")]
    }
  }

  private func kind(_ value: ResolvedValue, _ chosen: ResolvedEntry, _ targets: [FaultTarget]) -> (FaultKind, String)? {
    let part = chosen.value
    switch chosen.key {
    case "crash": return (.crash(targets), "crash")
    case "hang": return (.hang(targets), "hang")
    case "slow":
      guard let factor = part.number else { return nil }
      let kind = FaultKind.slow(targets, factor: factor, affectsRunning: value["mode"]?.text == "rate")
      return (kind, "slow \(QuantityText.number(factor))")
    case "delay": return (.delay(targets, distributions.distribution(part)), "delay")
    case "errors":
      guard let rate = part.number else { return nil }
      let time = value["time"].map { distributions.distribution($0) }
      let kind = FaultKind.errors(
        targets, rate: rate, status: Int(value["status"]?.integer ?? 500), time: time, retryAfter: retryAfter(value))
      return (kind, "errors \(part.written)")
    case "healthCheckFail": return (.healthCheckFail(targets), "healthCheckFail")
    case "pause":
      guard let every = part["every"], let length = part["for"], let a = every.span, let b = length.span else {
        return nil
      }
      if b >= a { log.add(length.origin, length.path, "\(length.written) is not shorter than every \(every.written)") }
      return (.pause(targets, every: a, length: b), "pause \(length.written) every \(every.written)")
    case "restart":
      guard let down = part["down"]?.span else { return nil }
      return (.restart(targets, down: down), "restart")
    default: return nil
    }
  }

  /// What failing answers say of when to come again: seconds, as the header has them.
  private func retryAfter(_ value: ResolvedValue) -> TimeSpan? {
    guard let given = value["retryAfter"], let span = given.span else { return nil }
    if span.nanoseconds % 1_000_000_000 != 0 {
      log.add(given.origin, given.path, "\(given.written) is no whole number of seconds, which Retry-After counts in")
    }
    return span
  }

  private func loss(_ value: ResolvedValue, _ part: ResolvedValue) -> [(FaultKind, String)] {
    guard let rate = part.number else { return [] }
    let what = "loss \(part.written)"
    if value.has("from") || value.has("to") {
      if let service = value["service"] ?? value["zone"] {
        log.add(service.origin, service.path, "two ways to say where; expected from and to, or service and replicas")
      }
      let from = value["from"].flatMap { places.place($0) }
      let to = value["to"].flatMap { places.place($0) }
      let names = [value["from"].map { "from \($0.written)" }, value["to"].map { "to \($0.written)" }]
      return [(.loss(from: from, to: to, rate: rate), ([what] + names.compactMap { $0 }).joined(separator: " "))]
    }
    if !value.has("service") && !value.has("replicas") && !value.has("zone") {
      return [(.loss(from: nil, to: nil, rate: rate), "\(what) everywhere")]
    }
    if let zone = value["zone"], !value.has("service"), !value.has("replicas") {
      return places.zone(zone).map {
        [(.loss(from: nil, to: .zone($0), rate: rate), "\(what) to zone \(zone.written)")]
      } ?? []
    }
    let entry = ResolvedEntry(key: "loss", keyOrigin: part.origin, value: part)
    return targets(value, entry).flatMap { target -> [(FaultKind, String)] in
      guard let numbers = target.replicas else {
        return [(.loss(from: nil, to: .service(target.service), rate: rate), "\(what) to \(name(target.service))")]
      }
      return numbers.map {
        (
          .loss(from: nil, to: .replica(service: target.service, number: $0), rate: rate),
          "\(what) to \(replicaName(target.service, $0))"
        )
      }
    }
  }

  // MARK: - Targets

  private func requiredService(_ value: ResolvedValue, _ chosen: ResolvedEntry) -> Int? {
    if let service = value["service"] { return places.service(service) }
    if !value.has("service") {
      log.add(value.origin, value.path, "\(chosen.key) names no service; expected one")
    }
    return nil
  }

  private func targets(_ value: ResolvedValue, _ chosen: ResolvedEntry) -> [FaultTarget] {
    var zone: Int?
    if let name = value["zone"] {
      guard let number = places.zone(name) else { return [] }
      zone = number
    }
    if let service = value["service"] {
      guard let index = places.service(service) else { return [] }
      var numbers = value["replicas"].map { replicas($0, of: index) }
      if let zone {
        let all = world.services[index].replicas
        numbers = (numbers ?? Array(all.indices)).filter { all.indices.contains($0) && all[$0].zone == zone }
        if numbers?.isEmpty == true, let name = value["zone"] {
          log.add(
            name.origin, name.path, "no replica of \(world.services[index].name) is in zone \(quoted(name.written))")
        }
      }
      if numbers?.isEmpty == true { return [] }
      return [FaultTarget(service: index, replicas: numbers)]
    }
    if value.has("service") { return [] }
    if let listed = value["replicas"] { return namedReplicas(listed, in: zone) }
    if let zone {
      let targets = world.services.indices.compactMap { index -> FaultTarget? in
        let numbers = world.services[index].replicas.indices.filter { world.services[index].replicas[$0].zone == zone }
        return numbers.isEmpty ? nil : FaultTarget(service: index, replicas: Array(numbers))
      }
      if targets.isEmpty, let name = value["zone"] {
        log.add(name.origin, name.path, "no replica is in zone \(quoted(name.written))")
      }
      return targets
    }
    if !value.has("replicas") && !value.has("zone") {
      log.add(value.origin, value.path, "\(chosen.key) names no service; expected service, replicas by name, or zone")
    }
    return []
  }

  /// The numbers that `list` names among the replicas of a service, those that a `scale` will bring included.
  private func replicas(_ list: ResolvedValue, of service: Int) -> [Int] {
    let description = world.services[service]
    var numbers: [Int] = []
    for item in list.items {
      if let number = item.integer {
        if number >= Int64(limit(of: item, description)) {
          log.add(
            item.origin, item.path,
            "\(description.name) has no replica \(number); expected 0 to \(description.replicas.count - 1)")
        } else {
          numbers.append(Int(number))
        }
      } else if let name = item.text {
        if let number = description.replicas.firstIndex(where: { $0.name == name }) ?? scaled(name, description) {
          numbers.append(number)
        } else {
          log.addUnknown(
            item.origin, item.path, "\(description.name) has no replica", name,
            among: description.replicas.prefix(1000).map(\.name), expected: "a number or a name")
        }
      }
    }
    var seen: Set<Int> = []
    return numbers.filter { seen.insert($0).inserted }
  }

  private func limit(of item: ResolvedValue, _ service: ServiceDescription) -> Int {
    max(service.replicas.count, scaleLimits[service.name] ?? 0)
  }

  private func scaled(_ name: String, _ service: ServiceDescription) -> Int? {
    guard name.hasPrefix("\(service.name)-"), let number = Int(name.dropFirst(service.name.count + 1)),
      number >= service.replicas.count, number < scaleLimits[service.name] ?? 0
    else { return nil }
    return number
  }

  private func namedReplicas(_ list: ResolvedValue, in zone: Int?) -> [FaultTarget] {
    var targets: [FaultTarget] = []
    for item in list.items {
      guard let name = item.text else {
        if item.integer != nil {
          log.add(item.origin, item.path, "a number without a service; expected service, or a replica's name")
        }
        continue
      }
      guard case .replica(let service, let number)? = places.place(item) else {
        if world.services.contains(where: { $0.name == name }) {
          log.add(item.origin, item.path, "\(quoted(name)) is a service; expected a replica's name")
        }
        continue
      }
      if let zone, world.services[service].replicas[number].zone != zone { continue }
      if let place = targets.firstIndex(where: { $0.service == service }) {
        targets[place].replicas?.append(number)
      } else {
        targets.append(FaultTarget(service: service, replicas: [number]))
      }
    }
    return targets
  }

  private func name(_ service: Int) -> String { world.services[service].name }

  private func replicaName(_ service: Int, _ number: Int) -> String {
    let replicas = world.services[service].replicas
    return replicas.indices.contains(number) ? replicas[number].name : "\(name(service))-\(number)"
  }

  private func summary(_ targets: [FaultTarget]) -> String {
    targets.map { target in
      guard let numbers = target.replicas else { return name(target.service) }
      if numbers.count > 5 { return "\(numbers.count) replicas of \(name(target.service))" }
      return numbers.map { replicaName(target.service, $0) }.joined(separator: ", ")
    }.joined(separator: ", ")
  }
}
