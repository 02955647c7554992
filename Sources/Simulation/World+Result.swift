// What a run has to tell once it is over, and the accounts that have to be even first.

import MeshCore

extension World {
  /// Cuts off what is still open, checks that nothing was lost, and sums up.
  mutating func finish() throws(SimulationError) -> ReplicationResult {
    let waiting = openRequestsText()
    // Before the requests that are open are cut off: the last window shows them.
    closeTimeline()
    try cutOff()
    try audit()
    _ = measurement.pour()
    return result(notes: unroutedNotes() + saturationNotes + waiting)
  }

  /// Ends requests that have no answer: failures, their latency cut at the run's end.
  private mutating func cutOff() throws(SimulationError) {
    for replica in 0..<Int32(replicas.count) {
      touch(replica)
      closePresence(replica)
    }
    for index in 0..<Int32(calls.slotCount) where calls.isOccupied(index) {
      let call = calls[index]
      if !call.isOfClient { continue }
      let latency = now &- call.wanted
      measurement.ended(wanted: call.wanted, at: now)
      measurement.answered &-= 1
      if call.isCounted {
        clients[call.client].unanswered &+= 1
        measurement.latencies.record(latency, row: Int(call.client))
        measurement.failureLatencies.record(latency, row: Int(call.client))
      }
    }
    for place in 0..<measurement.ejectedSince.count {
      closeEjection(place: place, row: place % rows.count)
    }
  }

  /// Whose requests find no route. Their answers, 404, are no failures, so that nothing else would show it.
  private func unroutedNotes() -> [String] {
    (0..<clients.count).compactMap { index in
      let client = description.clients[index]
      if case .trace = client.arrivals { return nil }
      if clients[index].route != -1 || clients[index].requests == 0 { return nil }
      return "no route for \(client.target) matches the requests of \(client.name): all are answered 404"
    }
  }

  /// Who still waits when the run is over: the deadlock detector's list.
  private func openRequestsText() -> [String] {
    if measurement.open == 0 { return [] }
    var places: [(name: String, count: Int)] = []
    for index in 0..<Int32(calls.slotCount) where calls.isOccupied(index) {
      if !calls[index].isOfClient { continue }
      let name = whereabouts(of: calls[index])
      if let place = places.firstIndex(where: { $0.name == name }) {
        places[place].count += 1
      } else {
        places.append((name, 1))
      }
    }
    places.sort { $0.count > $1.count || ($0.count == $1.count && $0.name < $1.name) }
    let shown = places.prefix(5).map { "\($0.count) \($0.name)" }.joined(separator: ", ")
    let more = places.count > 5 ? ", …" : ""
    return ["\(measurement.open) requests still wait at the end: \(shown)\(more)"]
  }

  private func whereabouts(of call: CallRecord) -> String {
    if call.work < 0 { return "without an attempt" }
    let work = works[call.work]
    let name = replicaName(work.replica)
    switch work.phase {
    case .connecting: return "connecting to \(name)"
    case .travelling, .heldUp: return "on the way to \(name)"
    case .waiting: return "in the queue of \(name)"
    case .inService: return "in service at \(name)"
    case .answering: return "on the way back from \(name)"
    case .lost:
      return replicas[work.replica].condition.contains(.hung)
        ? "at \(name), which hangs" : "lost at or on the way to \(name)"
    case .calling:
      if work.firstCall < 0 { return "calling from \(name)" }
      return "\(whereabouts(of: calls[work.firstCall])), called by \(name)"
    }
  }

  private mutating func closeTimeline() {
    if measurement.window.requests + measurement.window.successes + measurement.window.failures > 0 {
      measurement.closeWindow(at: now, healthyEndpoints: healthyEndpoints)
    }
    while let last = measurement.timeline.last,
      last.time.nanoseconds >= stop, last.requests + last.successes + last.failures == 0
    {
      measurement.timeline.removeLast()
    }
  }

  // MARK: - Summing up

  private mutating func result(notes: [String]) -> ReplicationResult {
    var latency = LatencyHistogram()
    var failed = LatencyHistogram()
    var summary = RequestStatistics()
    var clientStatistics: [ClientStatistics] = []
    for client in 0..<clients.count {
      let own = measurement.latencies.histogram(row: client)
      let ownFailed = measurement.failureLatencies.histogram(row: client)
      latency.add(own)
      failed.add(ownFailed)
      var statistics = RequestStatistics()
      statistics.ejections = clients[client].ejections
      addCounts(of: clients[client], to: &statistics)
      addCounts(of: clients[client], to: &summary)
      statistics.refusals = refusals[client]
      summary.refusals += refusals[client]
      fill(&statistics, latency: own, failed: ownFailed)
      clientStatistics.append(ClientStatistics(name: description.clients[client].name, statistics: statistics))
    }
    fill(&summary, latency: latency, failed: failed)
    summary.ejections = measurement.ejections
    summary.imbalance = imbalance()
    return ReplicationResult(
      replication: replicationNumber, seed: seed, summary: summary, latency: latency,
      endpoints: endpointStatistics(), timeline: measurement.timeline, events: measurement.events,
      clients: clientStatistics, services: serviceStatistics(),
      detectionTime: measurement.detection.map { Double($0) }, simulated: TimeSpan(nanoseconds: now),
      eventCount: eventCount, traceDigest: digest, notes: notes)
  }

  /// The span over which rates are taken, nanoseconds.
  private var span: Double {
    Double(max(1, min(stop, max(now, 1)) &- settings.warmUp.nanoseconds))
  }

  private func addCounts(of client: ClientState, to statistics: inout RequestStatistics) {
    statistics.requests += client.requests
    statistics.successes += client.successes
    statistics.failures += client.requests - client.successes
    statistics.throughput += Double(client.answeredInSpan) / (span / 1e9)
    statistics.retries += client.retries
    statistics.mirrors += client.mirrors
    statistics.hedges += client.hedges
    statistics.timeouts += client.timeouts
    statistics.rejected += client.rejected
    statistics.unanswered += client.unanswered
  }

  private func fill(_ statistics: inout RequestStatistics, latency: LatencyHistogram, failed: LatencyHistogram) {
    statistics.latencyMean = latency.mean
    statistics.latencyP50 = latency.quantile(0.5)
    statistics.latencyP90 = latency.quantile(0.9)
    statistics.latencyP95 = latency.quantile(0.95)
    statistics.latencyP99 = latency.quantile(0.99)
    statistics.latencyP999 = latency.quantile(0.999)
    statistics.latencyMaximum = latency.quantile(1)
    let succeeded = latency.subtracting(failed)
    statistics.successLatencyP50 = succeeded.quantile(0.5)
    statistics.successLatencyP99 = succeeded.quantile(0.99)
  }

  /// Largest attempts ÷ weight over the mean, over the endpoints of the first client's target.
  private func imbalance() -> Double? {
    if clients.count == 0 || clients[0].route == -1 { return nil }
    var largest: Double = 0
    var sum: Double = 0
    var count: Double = 0
    for row in 0..<rows.count where rows[row].cluster == Int32(firstTargetCluster) && rows[row].wasListed {
      let share = Double(rows[row].requests) / Double(replicas[rows[row].replica].weight)
      largest = max(largest, share)
      sum += share
      count += 1
    }
    return sum > 0 ? largest / (sum / count) : nil
  }

  private func endpointStatistics() -> [EndpointStatistics] {
    var totals = [Int64](repeating: 0, count: mesh.clusters.count)
    for row in 0..<rows.count { totals[Int(rows[row].cluster)] += rows[row].requests }
    var statistics: [EndpointStatistics] = []
    for row in 0..<rows.count {
      let counters = rows[row]
      if !counters.wasListed && counters.requests == 0 { continue }
      var endpoint = EndpointStatistics(
        cluster: mesh.clusters[Int(counters.cluster)].name, endpoint: replicaName(counters.replica))
      endpoint.requests = counters.requests
      let total = totals[Int(counters.cluster)]
      endpoint.share = total > 0 ? Double(counters.requests) / Double(total) : nil
      endpoint.successes = counters.successes
      endpoint.failures = counters.requests - counters.successes
      endpoint.latencyMean = counters.ended > 0 ? Double(counters.latencySum) / Double(counters.ended) : nil
      endpoint.latencyP99 = measurement.attemptLatencies.quantile(0.99, row: row, total: counters.ended)
      endpoint.utilization = utilization(of: counters.replica)
      endpoint.ejected = Double(counters.ejected) / Double(max(1, proxyCount))
      statistics.append(endpoint)
    }
    return statistics
  }

  private func utilization(of replica: Int32) -> Double? {
    let state = replicas[replica]
    if state.discipline == 3 || state.present == 0 { return nil }
    return Double(state.heldTime) / (Double(state.workers) * Double(state.present))
  }

  private func serviceStatistics() -> [ServiceStatistics] {
    (0..<services.count).map { index in
      let counters = services[index]
      var service = ServiceStatistics(name: description.services[index].name)
      service.abandoned = counters.abandoned
      service.wastedWork = counters.wasted
      var held: Int128 = 0
      var capacity: Int128 = 0
      var waiting: Double = 0
      let room = counters.firstReplica..<(counters.firstReplica &+ counters.replicaRoom)
      for replica in room {
        service.requests += replicas[replica].requests
        service.successes += replicas[replica].successes
        held += replicas[replica].heldTime
        capacity += Int128(replicas[replica].workers) * Int128(replicas[replica].present)
        waiting += Double(replicas[replica].waitingTime) / span
      }
      service.failures = service.requests - service.successes
      if description.services[index].discipline != .infinite && capacity > 0 {
        service.utilization = Double(held) / Double(capacity)
      }
      service.queueMean = waiting
      return service
    }
  }
}
