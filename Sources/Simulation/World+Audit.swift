// The accounts that have to be even when a run is over. They are kept in release builds too: what they hold together is cheap, and
// a figure that rests on a lost request is worse than none.

import MeshCore

extension World {
  /// Conservation: every request ended once, time in the system adds up (Little's law, exactly), queues hold what they say, and
  /// data planes and world agree on what is still under way.
  ///
  /// Complexity: O(works + calls + timers + replicas + data planes).
  mutating func audit() throws(SimulationError) {
    if measurement.open != 0 { throw .notConserved("\(measurement.open) requests neither open nor answered") }
    if measurement.area != measurement.sojourn {
      throw .notConserved("Little's law: requests × time \(measurement.area) ns, latencies \(measurement.sojourn) ns")
    }
    if actions.count > 0 || orphans.count > 0 {
      throw .notConserved("\(actions.count) actions and \(orphans.count) calls to be given up are left over")
    }
    try auditReplicas()
    try auditDataPlanes()
    try auditPools()
    try auditProbes()
  }

  private mutating func auditReplicas() throws(SimulationError) {
    var inService = Pool<Int32>(repeating: 0, count: replicas.count)
    var waiting = Pool<Int32>(repeating: 0, count: replicas.count)
    for index in 0..<Int32(works.slotCount) where works.isOccupied(index) {
      let work = works[index]
      if work.phase == .waiting { waiting[work.replica] += 1 }
      if work.holdsWorker { inService[work.replica] += 1 }
      if work.phase == .waiting || work.holdsWorker { replicas[work.replica].sojourn &+= now &- work.entered }
    }
    for replica in 0..<Int32(replicas.count) {
      let state = replicas[replica]
      if state.waiting != waiting[replica] || state.inService != inService[replica] {
        throw .notConserved(
          "\(replicaName(replica)) counts \(state.waiting) waiting and \(state.inService) in service, "
            + "holds \(waiting[replica]) and \(inService[replica])")
      }
      if state.waitingArea &+ state.inServiceArea != state.sojourn {
        throw .notConserved(
          "Little's law at \(replicaName(replica)): \(state.waitingArea &+ state.inServiceArea) ns in the queue's "
            + "account, \(state.sojourn) ns in the requests'")
      }
    }
  }

  /// What circuit breakers count is what pools hold.
  private func auditPools() throws(SimulationError) {
    if !hasPools { return }
    let clusterCount = mesh.clusters.count
    var held = Array(
      repeating: (pending: Int32(0), requests: Int32(0), connections: Int32(0)), count: proxyCount * clusterCount)
    for index in 0..<Int32(works.slotCount) where works.isOccupied(index) {
      let place = Int(works[index].plane) * clusterCount + Int(rows[works[index].row].cluster)
      if works[index].phase == .connecting { held[place].pending += 1 }
      if works[index].holdsConnection { held[place].requests += 1 }
    }
    for pair in 0..<network.connections.count {
      let cluster = rows[pair % network.rowCount].cluster
      let connections = network.connections[pair]
      held[pair / network.rowCount * clusterCount + Int(cluster)].connections += connections.open + connections.opening
    }
    for proxy in 0..<proxyCount {
      for cluster in 0..<clusterCount where network.transports[cluster].isCounted {
        let (known, real) = (proxies[proxy].plane.breaker(ofCluster: cluster), held[proxy * clusterCount + cluster])
        if (known.pendingRequests, known.requests, known.connections) != real {
          throw .notConserved(
            "\(proxyName(proxy)) counts \(known.pendingRequests) pending, \(known.requests) requests and "
              + "\(known.connections) connections to \(mesh.clusters[cluster].name); its pools hold \(real)")
        }
      }
    }
  }

  /// Probes have a timeout or come back: who waits for one has either a timer or a message under way. A message may be left over
  /// that nobody waits for.
  private func auditProbes() throws(SimulationError) {
    var flights = Pool<Int>(repeating: 0, count: proxyCount)
    for index in 0..<Int32(probes.slotCount) where probes.isOccupied(index) {
      flights[probes[index].proxy] += 1
    }
    for proxy in 0..<proxyCount {
      let (open, timed) = proxies[proxy].plane.probeAccounts
      if open > timed + flights[proxy] {
        throw .notConserved(
          "\(proxyName(proxy)) waits for \(open) probes; \(timed) have a timeout, \(flights[proxy]) are under way")
      }
    }
  }

  private func auditDataPlanes() throws(SimulationError) {
    var requests = Pool<Int>(repeating: 0, count: proxyCount)
    var attempts = Pool<Int>(repeating: 0, count: proxyCount)
    for index in 0..<Int32(calls.slotCount) where calls.isOccupied(index) && !calls[index].isCopy {
      requests[calls[index].plane] += 1
    }
    // What is being handed on is over for its data plane.
    for index in 0..<Int32(slowAnswers.slotCount) where slowAnswers.isOccupied(index) {
      let call = slowAnswers[index].call
      if calls.contains(call) { requests[calls[call.index].plane] -= 1 }
    }
    var copies = 0
    for index in 0..<Int32(calls.slotCount) where calls.isOccupied(index) && calls[index].isCopy { copies += 1 }
    for index in 0..<Int32(works.slotCount) where works.isOccupied(index) && works[index].call.index >= 0 {
      attempts[works[index].plane] += 1
      if calls[works[index].call.index].isCopy { copies -= 1 }
    }
    if copies != 0 { throw .notConserved("\(copies) copies of requests have no attempt any more") }
    for proxy in 0..<proxyCount {
      var timers = 0
      for timer in 0..<proxies[proxy].timers.count where wheel.isPending(proxies[proxy].timers[timer].event) {
        timers += 1
      }
      let known = (
        requests: proxies[proxy].plane.openRequests, attempts: proxies[proxy].plane.openAttempts,
        timers: proxies[proxy].plane.openTimers
      )
      if known != (requests[proxy], attempts[proxy], timers) {
        throw .notConserved(
          "\(proxyName(proxy)) knows \(known.requests) open requests, \(known.attempts) attempts and \(known.timers) "
            + "timers, the world \(requests[proxy]), \(attempts[proxy]) and \(timers)")
      }
    }
  }
}
