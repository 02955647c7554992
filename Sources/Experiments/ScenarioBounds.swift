// What a scenario multiplies out to has to fit a machine.
//
// Each number of a file may be sensible and their product absurd: 20,000 data planes in front of 20,000 endpoints, a minute in
// windows of a microsecond, a fault that comes again every nanosecond. Nobody means these, and they end in a process that
// is killed or never ends; so the products have bounds, generous ones, told where the number stands.

import MeshConfiguration
import MeshCore
import Simulation

/// Holds the sizes of a scenario's runs against their bounds.
struct ScenarioBounds {
  /// The most endpoints of all clusters together.
  static let endpoints = 20_000
  /// The most pairs of a data plane and an endpoint.
  static let pairs = 2_000_000
  /// The most pairs of a data plane and a cluster.
  static let clusterPairs = 200_000
  /// The most comparisons of a link with a pair of data plane and endpoint.
  static let linkedPairs = 1e9
  /// The most clients.
  static let clients = 1000
  /// The most users of closed loops.
  static let users = 10_000_000
  /// The most calls that one request leads to.
  static let callsPerRequest = 1e6
  /// The most requests of one replication.
  static let requests = 1e12
  /// The most changes of rates, speeds and states in one replication; a fault that changes a replica looks at all faults.
  static let changes = 1e9
  /// The most rows of results, all files of all replications together.
  static let rows = 2e7
  /// The longest that a message may keep a link busy, nanoseconds.
  static let transmission = Double(Quantity.longest.nanoseconds)
  /// As many rows as a replication's histograms take.
  static let rowsPerReplication = 1000.0

  let log: FaultLog

  /// What a part of a run needs, and where it is said.
  private struct Share {
    var rows: Double
    var culprit: ResolvedValue
    var words: String
  }

  /// Tells what is too large in `variants`, each with its part of the file, for so many replications.
  func check(_ variants: [(variant: Variant, body: ResolvedValue)], replications: ResolvedValue?, count: Int) {
    var total = 0.0
    var largest: Share?
    for (variant, body) in variants {
      let size = RunSize(variant)
      let known = log.count
      checkWorld(size, variant, body)
      checkChanges(size, variant, body)
      checkRequests(size, variant, body)
      checkMessages(variant, body)
      // What is too much once would be told again with other words.
      if log.count > known { continue }
      let shares = shares(size, variant, body, replications)
      total += shares.reduce(0) { $0 + $1.rows } * Double(count)
      for share in shares where share.rows > largest?.rows ?? 0 { largest = share }
    }
    guard total > Self.rows, let largest else { return }
    let runs = count * variants.count
    if largest.words.isEmpty {
      tell(largest.culprit, "\(runs) runs of all variants together", Self.rows / Self.rowsPerReplication)
      return
    }
    tell(
      largest.culprit, "\(largest.words) in each of \(runs) run\(runs == 1 ? "" : "s")", Self.rows,
      of: " rows of results in all")
  }

  private func tell(_ culprit: ResolvedValue, _ words: String, _ most: Double, of what: String = "") {
    log.add(culprit.origin, culprit.path, "\(words); expected at most \(Self.text(most))\(what)")
  }

  /// A whole number for people, in digits as long as they can be counted.
  private static func text(_ number: Double) -> String {
    number < 1e15 ? String(Int64(number.rounded())) : number.isFinite ? QuantityText.number(number) : "countless"
  }

  // MARK: - What is out there

  private func checkWorld(_ size: RunSize, _ variant: Variant, _ body: ResolvedValue) {
    let clients = body["world"]?["clients"]
    let services = body["world"]?["services"]
    guard let clients, let services else { return }
    if variant.world.clients.count > Self.clients {
      tell(clients, "\(variant.world.clients.count) clients", Double(Self.clients))
    }
    if size.users > Double(Self.users) {
      let culprit = clients.entries.compactMap { $0.value["arrivals"]?.chosen?.value["users"] }.max {
        ($0.integer ?? 0) < ($1.integer ?? 0)
      }
      tell(culprit ?? clients, "\(Self.text(size.users)) users in all", Double(Self.users))
    }
    let endpoints = size.endpoints
    if endpoints > Double(Self.endpoints) {
      tell(crowd(size, services), "\(Self.text(endpoints)) endpoints of all clusters together", Double(Self.endpoints))
      return
    }
    let clusters = Double(variant.mesh.clusters.count)
    if size.proxies * clusters > Double(Self.clusterPairs) {
      tell(
        busiest(size, clients, services),
        "\(Self.text(size.proxies)) data planes with \(Self.text(clusters)) clusters each make "
          + "\(Self.text(size.proxies * clusters)) pairs", Double(Self.clusterPairs))
    } else if size.proxies * endpoints > Double(Self.pairs) {
      tell(
        busiest(size, clients, services),
        "\(Self.text(size.proxies)) data planes with \(Self.text(endpoints)) endpoints each make "
          + "\(Self.text(size.proxies * endpoints)) pairs", Double(Self.pairs))
    } else if size.proxies * endpoints * Double(variant.world.links.count) > Self.linkedPairs,
      let links = body["world"]?["links"]
    {
      tell(
        links,
        "\(variant.world.links.count) links between \(Self.text(size.proxies)) data planes and "
          + "\(Self.text(endpoints)) endpoints make \(Self.text(size.proxies * endpoints * Double(variant.world.links.count))) comparisons",
        Self.linkedPairs)
    }
  }

  /// Where the most data planes come from: a client's `proxies`, or the replicas of services that call.
  private func busiest(_ size: RunSize, _ clients: ResolvedValue, _ services: ResolvedValue) -> ResolvedValue {
    let ofCalls = size.proxies - size.proxiesOfClient.reduce(0, +)
    guard let place = size.proxiesOfClient.indices.max(by: { size.proxiesOfClient[$0] < size.proxiesOfClient[$1] }),
      size.proxiesOfClient[place] >= ofCalls, clients.entries.indices.contains(place)
    else { return crowd(size, services) }
    return clients.entries[place].value["proxies"] ?? clients.entries[place].value
  }

  /// Where the most replicas are asked for.
  private func crowd(_ size: RunSize, _ services: ResolvedValue) -> ResolvedValue {
    guard let place = size.rooms.indices.max(by: { size.rooms[$0] < size.rooms[$1] }),
      services.entries.indices.contains(place)
    else { return services }
    return services.entries[place].value["replicas"] ?? services.entries[place].value
  }

  // MARK: - What happens

  private func checkChanges(_ size: RunSize, _ variant: Variant, _ body: ResolvedValue) {
    let services = body["world"]?["services"]?.entries ?? []
    for (index, service) in variant.world.services.enumerated() where services.indices.contains(index) {
      let room = size.rooms[index]
      if let fluctuation = service.fluctuation, let part = services[index].value["fluctuate"]?["every"] {
        checkChanges(part, size.horizon / Double(fluctuation.every.nanoseconds) * room)
      }
      if let antagonist = service.antagonist, let part = services[index].value["antagonist"]?["period"] {
        checkChanges(part, 2 * size.horizon / Double(antagonist.period.nanoseconds) * room)
      }
      if let probe = service.readinessProbe, let part = services[index].value["readinessProbe"]?["period"] {
        checkChanges(part, 2 * size.horizon / Double(probe.period.nanoseconds) * room)
      }
    }
    for entry in body["world"]?["clients"]?.entries ?? [] {
      guard let bursts = entry.value["arrivals"]?.chosen, bursts.key == "bursts",
        let low = bursts.value["meanLow"]?.span, let high = bursts.value["meanHigh"]?.span
      else { continue }
      checkChanges(bursts.value, 2 * size.horizon / (Double(low.nanoseconds) + Double(high.nanoseconds)))
    }
    let faults = body["world"]?["faults"]
    let count = Double(variant.world.faults.count)
    var all = 0.0
    for value in faults?.items ?? [] {
      guard let at = value["at"]?.span else { continue }
      let left = size.horizon - Double(at.nanoseconds)
      if left < 0 { continue }
      let struck = size.struck(by: value)
      if let every = value["repeat"], let period = every.span {
        checkChanges(every, 2 * (left / Double(period.nanoseconds) + 1) * struck * count)
      } else {
        all += 2 * struck * count
      }
      if let chosen = value.chosen, chosen.key == "pause", let every = chosen.value["every"], let period = every.span {
        let length = min(left, value["for"]?.span.map { Double($0.nanoseconds) } ?? .infinity)
        let share = value["repeat"]?.span.map { Double($0.nanoseconds) }.map { length / max(length, $0) } ?? 1
        let active = value.has("repeat") ? left * share : length
        checkChanges(every, 2 * active / Double(period.nanoseconds) * struck * count)
      }
    }
    if let faults { checkChanges(faults, all) }
  }

  private func checkChanges(_ culprit: ResolvedValue, _ changes: Double) {
    if changes <= Self.changes { return }
    let words = culprit.written.isEmpty ? "" : "\(culprit.written) makes "
    tell(culprit, "\(words)\(Self.text(changes)) changes in a run", Self.changes)
  }

  private func checkRequests(_ size: RunSize, _ variant: Variant, _ body: ResolvedValue) {
    let clients = body["world"]?["clients"]?.entries ?? []
    for (index, rate) in size.rates.enumerated() where clients.indices.contains(index) && variant.run.requests == nil {
      let requests = rate * Double(variant.run.duration.nanoseconds) / 1e9
      if requests > Self.requests, let arrivals = clients[index].value["arrivals"] {
        tell(arrivals, "about \(Self.text(requests)) requests in a run", Self.requests)
      }
    }
    let calls = CallGraph(variant.world, variant.mesh).requestsPerRequest
    guard let place = calls.firstIndex(where: { $0 > Self.callsPerRequest }),
      let service = body["world"]?["services"]?.entries[place].value
    else { return }
    tell(
      service["calls"] ?? service, "a request leads to \(Self.text(calls[place])) calls in all", Self.callsPerRequest)
  }

  private func checkMessages(_ variant: Variant, _ body: ResolvedValue) {
    var largest = 0.0
    for client in variant.world.clients {
      largest = max(largest, Double(client.requestSize))
      if case .trace(let rows, _) = client.arrivals {
        for row in rows { largest = max(largest, Double(row.size ?? 0)) }
      }
    }
    for service in variant.world.services { largest = max(largest, Double(service.responseSize)) }
    for link in body["world"]?["links"]?.items ?? [] {
      guard let bandwidth = link["bandwidth"], let rate = bandwidth.number else { continue }
      if largest * 8 / rate * 1e9 > Self.transmission {
        log.add(
          bandwidth.origin, bandwidth.path,
          "\(bandwidth.written) keeps a message of \(Self.text(largest)) bytes on its way longer than 100 years; expected more"
        )
      }
    }
  }

  // MARK: - What is kept of it

  private func shares(
    _ size: RunSize, _ variant: Variant, _ body: ResolvedValue, _ replications: ResolvedValue?
  ) -> [Share] {
    let run = body["run"] ?? body
    let length = [run["window"], run["duration"], run["requests"], run["drain"]].compactMap { $0 }
    var shares: [Share] = []
    if let culprit = length.first(where: { !$0.origin.isImplied }) ?? length.first {
      let windows = size.horizon / Double(variant.run.window.nanoseconds)
      let words = "\(Self.text(windows)) windows of \(run["window"]?.written ?? "1s")"
      shares.append(Share(rows: windows, culprit: culprit, words: words))
    }
    for value in body["world"]?["faults"]?.items ?? [] {
      guard let at = value["at"]?.span, let every = value["repeat"], let period = every.span else { continue }
      let rounds = max(0, size.horizon - Double(at.nanoseconds)) / Double(period.nanoseconds) + 1
      let words = "\(every.written) makes \(Self.text(rounds)) rounds"
      shares.append(Share(rows: 2 * rounds * size.rowsPerRound(of: value), culprit: every, words: words))
    }
    if let services = body["world"]?["services"] {
      let words = "\(Self.text(size.endpoints)) endpoints"
      shares.append(Share(rows: size.endpoints, culprit: crowd(size, services), words: words))
    }
    if let replications {
      // Its histograms; said in other words.
      shares.append(Share(rows: Self.rowsPerReplication, culprit: replications, words: ""))
    }
    return shares
  }
}
