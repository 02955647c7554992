// Which replicas there are, which of them are ready, and when data planes hear of it.
//
// A change takes this way: a replica comes, goes, becomes ready or unready → the control plane publishes it, `endpointSlice.delay`
// later → each data plane hears of it by its cluster's discovery: told after `delay` and `jitter`, or with DNS at its next
// resolution. Each change of what a service publishes is a version; what is older than what is known is no news. A replica's
// versions are kept with the replica, so that a set can be told as it was, however late it arrives.

import DataPlane
import MeshCore

/// What is published of a replica.
enum ListingState: UInt8, BitwiseCopyable {
  /// Nothing: it is not there.
  case absent
  /// That it is ready.
  case ready
  /// That it is there and not ready.
  case unready
  /// That it is to get no new requests and has some left; published where somebody minds.
  case draining
}

/// What is published of a replica from a version on.
struct ListingChange: BitwiseCopyable {
  var version: Int32
  var state: ListingState
}

/// A data plane's next resolution of a name, as far as there is news for it.
struct Resolution: BitwiseCopyable {
  var at: Int64 = -1
  var version: Int32 = 0
}

/// Replica sets over time, and what each data plane has heard.
struct Memberships: ~Copyable {
  /// By cluster: its service.
  var services: [Int] = []
  /// By cluster: how its endpoint changes are seen.
  var discoveries: [DiscoveryDescription] = []
  /// By cluster: whether it hears of endpoints that drain, as Istio's and gRPC's control planes tell those that let sessions go there.
  var hearsOfDraining: [Bool] = []
  /// By service: whether any of its clusters does.
  var tellsDraining: [Bool] = []
  /// By replica: what was published of it, the latest last.
  var histories: [[ListingChange]] = []
  /// By service: the number of its latest version, and of the latest one published.
  var versions: [Int32] = []
  var published: [Int32] = []
  /// By data plane and cluster: the version it knows, row by row of data planes.
  var known = Pool<Int32>()
  /// By data plane and cluster: whether news came while discovery was frozen.
  var isHeldUp = Pool<Bool>()
  /// By data plane and cluster: the resolution that brings news.
  var resolutions = Pool<Resolution>()
  /// The listing that was told last: data planes that are told the same share its storage.
  var listing: (cluster: Int, version: Int32, endpoints: [EndpointDescription]) = (-1, -1, [])
  /// By replica: what its readiness probe knows.
  var readiness = Pool<Readiness>()

  /// Adds a service that has room for so many replicas. Those that are there at first are ready.
  mutating func add(_ service: ServiceDescription, room: Int) {
    for number in 0..<room {
      histories.append(number < service.replicas.count ? [ListingChange(version: 0, state: .ready)] : [])
      readiness.append(Readiness(isReady: service.readinessProbe == nil || number < service.replicas.count))
    }
    versions.append(0)
    published.append(0)
  }

  /// What a version says of a replica. Complexity: O(changes since).
  func state(of replica: Int32, version: Int32) -> ListingState {
    histories[Int(replica)].last { $0.version <= version }?.state ?? .absent
  }
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
        let isNew = replicas[replica].condition.contains(.absent)
        if isNew {
          replicas[replica].started = now
          replicas[replica].presentSince = now
        }
        replicas[replica].condition.remove([.draining, .absent])
        if isNew { containerStarts(replica, isListed: false) } else { watchReadiness(replica) }
      } else {
        replicas[replica].condition.insert(.draining)
        mayBeGone(replica)
      }
    }
    measurement.events.append(
      EventRow(
        time: Timestamp(nanoseconds: now), event: "scaled", cluster: description.services[service].name,
        detail: "from \(old) to \(new) replicas"))
    for cluster in 0..<memberships.services.count where memberships.services[cluster] == service {
      for number in old..<max(old, new) { rows[firstRow[cluster] &+ Int32(number)].wasListed = true }
    }
    listingChanged(ofService: service, replicas: min(old, new)..<max(old, new))
  }

  /// A draining replica that has nothing left to do is gone, and refuses what still comes.
  mutating func mayBeGone(_ replica: Int32) {
    if !replicas[replica].condition.contains(.draining) { return }
    if replicas[replica].inService > 0 || replicas[replica].waiting > 0 { return }
    replicas[replica].condition.remove(.draining)
    replicas[replica].condition.insert(.absent)
    closePresence(replica)
    closeConnections(of: replica)
    let service = Int(replicas[replica].service)
    if memberships.tellsDraining[service] {
      let number = Int(replica &- services[service].firstReplica)
      listingChanged(ofService: service, replicas: number..<number + 1)
    }
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

  // MARK: - Publication

  /// Replicas of a service, by number, may have come, gone, or become ready or unready: what changed is a new version.
  mutating func listingChanged(ofService service: Int, replicas numbers: Range<Int>) {
    let version = memberships.versions[service] &+ 1
    var isNews = false
    for number in numbers {
      let replica = services[service].firstReplica &+ Int32(number)
      let state = listingState(replica)
      if memberships.histories[Int(replica)].last?.state ?? .absent == state { continue }
      memberships.histories[Int(replica)].append(ListingChange(version: version, state: state))
      isNews = true
    }
    if !isNews { return }
    memberships.versions[service] = version
    let slice = description.services[service].endpointSlice
    var delay = slice.delay.nanoseconds
    if slice.jitter.nanoseconds > 0 {
      let key = discoveryKey("endpointSlice \(description.services[service].name)")
      delay = delay.addingClamped(part(of: slice.jitter, key.draw(UInt64(version))))
    }
    if delay == 0 {
      publish(version, ofService: service)
    } else {
      _ = wheel.schedule(at: now.addingClamped(delay), .published, UInt64(service) << 32 | UInt64(version))
    }
  }

  /// What is to be published of a replica now.
  private mutating func listingState(_ replica: Int32) -> ListingState {
    let condition = replicas[replica].condition
    if condition.contains(.absent) { return .absent }
    if condition.contains(.draining) {
      return memberships.tellsDraining[Int(replicas[replica].service)] ? .draining : .absent
    }
    return memberships.readiness[replica].isReady ? .ready : .unready
  }

  mutating func published(_ argument: UInt64) {
    publish(Int32(truncatingIfNeeded: argument & 0xffff_ffff), ofService: Int(argument >> 32))
  }

  private mutating func publish(_ version: Int32, ofService service: Int) {
    // Publications may overtake each other; what is older than what is known is no news.
    if version <= memberships.published[service] { return }
    memberships.published[service] = version
    for cluster in 0..<memberships.services.count where memberships.services[cluster] == service {
      for proxy in 0..<proxyCount { announce(version, cluster: cluster, to: proxy) }
    }
  }

  // MARK: - News

  /// Sends news of a service's endpoints to one data plane, as late as its discovery is.
  private mutating func announce(_ version: Int32, cluster: Int, to proxy: Int) {
    let discovery = memberships.discoveries[cluster]
    var delay = discovery.delay.nanoseconds
    if discovery.jitter.nanoseconds > 0 {
      let key = discoveryKey(proxyName(proxy)).key(nameHash(mesh.clusters[cluster].name))
      delay = delay.addingClamped(part(of: discovery.jitter, key.draw(UInt64(version))))
    }
    var at = now.addingClamped(delay)
    if let dns = discovery.dns {
      at = nextResolution(dns, cluster: cluster, proxy: proxy, from: at)
      let place = proxy * memberships.services.count + cluster
      // Several changes are one answer of the name server.
      if memberships.resolutions[place].at == at {
        memberships.resolutions[place].version = max(memberships.resolutions[place].version, version)
        return
      }
      memberships.resolutions[place] = Resolution(at: at, version: version)
    } else if delay == 0 {
      hear(version, cluster: cluster, proxy: proxy)
      return
    }
    _ = wheel.schedule(
      at: at, .discovered, UInt64(proxy * memberships.services.count + cluster) << 32 | UInt64(version))
  }

  /// When a data plane resolves a cluster's name next, at `time` or after it: each at a phase of its own, drawn once.
  private mutating func nextResolution(_ dns: DNSDescription, cluster: Int, proxy: Int, from time: Int64) -> Int64 {
    let key = discoveryKey(proxyName(proxy)).key(nameHash("dns \(mesh.clusters[cluster].name)"))
    return nextTick(from: time, phase: part(of: dns.ttl, key.draw(0)), period: dns.ttl.nanoseconds)
  }

  mutating func discovered(_ argument: UInt64) {
    let place = Int(argument >> 32)
    let (proxy, cluster) = place.quotientAndRemainder(dividingBy: memberships.services.count)
    var version = Int32(truncatingIfNeeded: argument & 0xffff_ffff)
    if memberships.discoveries[cluster].dns != nil {
      let resolution = memberships.resolutions[place]
      if resolution.at == now { version = max(version, resolution.version) }
    }
    hear(version, cluster: cluster, proxy: proxy)
  }

  private mutating func hear(_ version: Int32, cluster: Int, proxy: Int) {
    let place = proxy * memberships.services.count + cluster
    let service = memberships.services[cluster]
    // A name server answers without the control plane.
    if faults.freezes[service] > 0 && memberships.discoveries[cluster].dns == nil {
      memberships.isHeldUp[place] = true
      return
    }
    // News may overtake each other; what is older than what is known is no news.
    if memberships.known[place] >= version { return }
    memberships.known[place] = version
    if memberships.listing.cluster != cluster || memberships.listing.version != version {
      memberships.listing = (cluster, version, endpoints(ofCluster: cluster, version: version))
    }
    let listing = memberships.listing.endpoints
    proxies[proxy].plane.endpointsChanged(cluster: cluster, listing, at: Timestamp(nanoseconds: now), into: &actions)
    workOff(for: proxy)
    if oracleClusters.contains(cluster) {
      for endpoint in listing { tellWork(endpoint.identity.number) }
    }
    if measurement.ejectedSince.count == 0 { return }
    for number in 0..<services[service].replicaRoom {
      if isListed(services[service].firstReplica &+ number, cluster: cluster, version: version) { continue }
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
        announce(memberships.published[service], cluster: cluster, to: proxy)
      }
    }
  }

  /// Whether a version lists a replica in a cluster, ready or not.
  private func isListed(_ replica: Int32, cluster: Int, version: Int32) -> Bool {
    switch memberships.state(of: replica, version: version) {
    case .absent: false
    case .ready: true
    case .unready: memberships.discoveries[cluster].sendUnhealthyEndpoints
    case .draining: memberships.hearsOfDraining[cluster]
    }
  }

  /// What discovery says of a replica that it lists. A name server tells of nobody how it is.
  private func status(of replica: Int32, _ known: ReplicaDescription?, cluster: Int, version: Int32) -> HostStatus {
    switch memberships.state(of: replica, version: version) {
    case .ready: memberships.discoveries[cluster].dns == nil ? known?.status ?? .healthy : .unknown
    case .draining: .draining
    case .unready, .absent: .unhealthy
    }
  }

  /// A cluster's endpoints as a version lists them.
  func endpoints(ofCluster cluster: Int, version: Int32) -> [EndpointDescription] {
    let service = memberships.services[cluster]
    let known = description.services[service].replicas
    return (0..<Int(services[service].replicaRoom)).compactMap { number in
      let replica = services[service].firstReplica &+ Int32(number)
      if !isListed(replica, cluster: cluster, version: version) { return nil }
      let own = number < known.count ? known[number] : nil
      var endpoint = EndpointDescription(
        identity: EndpointIdentity(replica), weight: replicas[replica].weight, zone: replicas[replica].zone,
        address: replicaName(replica), priority: Int32(clamping: own?.priority ?? 0), metadata: own?.metadata ?? [:])
      endpoint.status = status(of: replica, own, cluster: cluster, version: version)
      return endpoint
    }
  }

  // MARK: - Draws

  /// The key of what is drawn for discovery on behalf of `name`.
  func discoveryKey(_ name: String) -> RandomKey {
    RandomKey(seed: seed, replication: replicationNumber, purpose: .discovery, entity: nameHash(name))
  }

  /// A uniformly drawn part of a span, nanoseconds.
  func part(of span: TimeSpan, _ bits: UInt64) -> Int64 {
    Int64((Double(span.nanoseconds) * unitInterval(bits)).rounded())
  }

  /// The first of phase, phase + period, … that is not before `time`.
  func nextTick(from time: Int64, phase: Int64, period: Int64) -> Int64 {
    if time <= phase { return phase }
    let passed = (time &- phase &- 1) / period &+ 1
    let (length, overflows) = passed.multipliedReportingOverflow(by: period)
    return overflows ? .max : phase.addingClamped(length)
  }
}
