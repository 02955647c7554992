// Which replicas there are, and when data planes hear of it.

import DataPlane
import MeshCore

/// Replica counts over time, and what each data plane has heard.
struct Memberships: ~Copyable {
  /// By cluster: its service.
  var services: [Int] = []
  /// By cluster: how late its endpoint changes are seen.
  var discoveries: [DiscoveryDescription] = []
  /// By service: the counts it has had, the present one last.
  var counts: [[Int32]] = []
  /// By data plane and cluster: the number of the count it knows, row by row of data planes.
  var known = Pool<Int32>()
  /// By data plane and cluster: whether news came while discovery was frozen.
  var isHeldUp = Pool<Bool>()
}

extension World {
  /// A service is meant to have `count` replicas: the highest numbers drain, new ones come up fresh.
  mutating func scale(service: Int, to count: Int) {
    let old = Int(services[service].replicaCount)
    let new = min(count, Int(services[service].replicaRoom))
    if new == old { return }
    services[service].replicaCount = Int32(new)
    for number in min(old, new)..<max(old, new) {
      let replica = services[service].firstReplica &+ Int32(number)
      if new > old {
        if replicas[replica].condition.contains(.absent) {
          replicas[replica].started = now
          replicas[replica].presentSince = now
        }
        replicas[replica].condition.remove([.draining, .absent])
      } else {
        replicas[replica].condition.insert(.draining)
        mayBeGone(replica)
      }
    }
    memberships.counts[service].append(Int32(new))
    let version = memberships.counts[service].count - 1
    measurement.events.append(
      EventRow(
        time: Timestamp(nanoseconds: now), event: "scaled", cluster: description.services[service].name,
        detail: "from \(old) to \(new) replicas"))
    for cluster in 0..<memberships.services.count where memberships.services[cluster] == service {
      for number in old..<max(old, new) { rows[firstRow[cluster] &+ Int32(number)].wasListed = true }
      for proxy in 0..<proxyCount { announce(version, cluster: cluster, to: proxy) }
    }
  }

  /// A draining replica that has nothing left to do is gone, and refuses what still comes.
  mutating func mayBeGone(_ replica: Int32) {
    if !replicas[replica].condition.contains(.draining) { return }
    if replicas[replica].inService > 0 || replicas[replica].waiting > 0 { return }
    replicas[replica].condition.remove(.draining)
    replicas[replica].condition.insert(.absent)
    closePresence(replica)
    closeConnections(of: replica)
  }

  /// Adds the time that a replica was there, as far as it lies in [warm-up, stop), to what it has.
  mutating func closePresence(_ replica: Int32) {
    let since = replicas[replica].presentSince
    if since < 0 { return }
    replicas[replica].presentSince = -1
    let from = max(since, settings.warmUp.nanoseconds)
    let to = min(now, stop)
    if to > from { replicas[replica].present &+= to &- from }
  }

  /// Sends news of a service's endpoints to one data plane, as late as its discovery is.
  private mutating func announce(_ version: Int, cluster: Int, to proxy: Int) {
    let discovery = memberships.discoveries[cluster]
    var delay = discovery.delay.nanoseconds
    if discovery.jitter.nanoseconds > 0 {
      let key = RandomKey(
        seed: seed, replication: replicationNumber, purpose: .discovery, entity: nameHash(proxyName(proxy)))
      let draw = unitInterval(key.key(nameHash(mesh.clusters[cluster].name)).draw(UInt64(version)))
      delay = delay.addingClamped(Int64((Double(discovery.jitter.nanoseconds) * draw).rounded()))
    }
    if delay == 0 {
      hear(version, cluster: cluster, proxy: proxy)
      return
    }
    _ = wheel.schedule(
      at: now.addingClamped(delay), .discovered,
      UInt64(proxy) << 40 | UInt64(cluster) << 24 | UInt64(version))
  }

  mutating func discovered(_ argument: UInt64) {
    hear(
      Int(argument & 0xff_ffff), cluster: Int((argument >> 24) & 0xffff), proxy: Int(argument >> 40))
  }

  private mutating func hear(_ version: Int, cluster: Int, proxy: Int) {
    let place = proxy * memberships.services.count + cluster
    if faults.freezes[memberships.services[cluster]] > 0 {
      memberships.isHeldUp[place] = true
      return
    }
    // News may overtake each other; what is older than what is known is no news.
    if memberships.known[place] >= Int32(version) { return }
    memberships.known[place] = Int32(version)
    let service = memberships.services[cluster]
    let count = memberships.counts[service][version]
    proxies[proxy].plane.endpointsChanged(
      cluster: cluster, endpoints(ofService: service, count: Int(count)), at: Timestamp(nanoseconds: now),
      into: &actions)
    workOff(for: proxy)
    if oracleClusters.contains(cluster) {
      for number in 0..<count { tellWork(services[service].firstReplica &+ number) }
    }
    if measurement.ejectedSince.count == 0 { return }
    for number in count..<services[service].replicaRoom {
      let row = Int(firstRow[cluster] &+ number)
      closeEjection(place: proxy * rows.count + row, row: row)
    }
  }

  /// Discovery of a service works again: who missed something hears the latest.
  mutating func discoveryThaws(ofService service: Int) {
    for proxy in 0..<proxyCount {
      for cluster in 0..<memberships.services.count where memberships.services[cluster] == service {
        let place = proxy * memberships.services.count + cluster
        if !memberships.isHeldUp[place] { continue }
        memberships.isHeldUp[place] = false
        announce(memberships.counts[memberships.services[cluster]].count - 1, cluster: cluster, to: proxy)
      }
    }
  }

  /// The first `count` replicas of a service as discovery lists them.
  func endpoints(ofService service: Int, count: Int) -> [EndpointDescription] {
    (0..<count).map { number in
      let replica = services[service].firstReplica &+ Int32(number)
      return EndpointDescription(
        identity: EndpointIdentity(replica), weight: replicas[replica].weight, zone: replicas[replica].zone,
        address: replicaName(replica))
    }
  }
}
