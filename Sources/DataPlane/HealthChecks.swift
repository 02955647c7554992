// What a cluster keeps of its endpoints' health checks: a record a slot, and whom discovery has taken away while they still pass.

import FaultDetection
import MeshCore

/// The health checks of one endpoint.
struct HealthCheckRecord: BitwiseCopyable {
  var machine: HealthCheck
  /// How the last one ended; meaningless before the first.
  var last: HealthCheckResult
  /// When the next one begins, or none while one is under way.
  var timer: TimerHandle
  /// The one under way, or none.
  var probe: ProbeHandle
  /// Whose they are; 0 for nobody's.
  var incarnation: UInt32
  /// Whether the cluster waits for its first one to be warm.
  var isAwaited: Bool

  static var none: HealthCheckRecord {
    HealthCheckRecord(
      machine: HealthCheck(), last: .passed, timer: .none, probe: .none, incarnation: 0, isAwaited: false)
  }
}

/// A cluster's health checks; without a description there are none.
struct HealthChecks: ~Copyable {
  let description: HealthCheckDescription?
  /// By slot.
  var records = Pool<HealthCheckRecord>()
  /// Whether there has been a listing with somebody in it.
  private(set) var hasBegun = false
  /// How many of the first listing have not been checked yet.
  private(set) var awaited = 0
  /// Whether an attempt has been sent.
  var hasTraffic = false
  /// What discovery said last, and what was made of it.
  private(set) var heard: [EndpointDescription] = []
  private var told: [EndpointDescription] = []

  init(_ description: HealthCheckDescription?) { self.description = description }

  /// Whether first checks of the first listing are missing: Envoy's clusters take no request before that, and hear of each other
  /// change at once.
  var isWarming: Bool { awaited > 0 }

  /// What keeps an endpoint out that nobody has checked yet.
  var exclusionsOfNew: EndpointExclusions {
    guard let description else { return [] }
    let machine = HealthCheck(description)
    var exclusions: EndpointExclusions = []
    if machine.hasFailed { exclusions.insert(.healthCheck) }
    if machine.isExcluded { exclusions.insert(.uncounted) }
    return exclusions
  }

  /// Makes the record of a newcomer. Those of the first listing are waited for.
  mutating func add(slot: Int32, incarnation: UInt32, isOfFirstListing: Bool) {
    guard let description else { return }
    var record = HealthCheckRecord.none
    record.machine = HealthCheck(description)
    record.incarnation = incarnation
    record.isAwaited = isOfFirstListing
    awaited += isOfFirstListing ? 1 : 0
    hasBegun = true
    records[slot] = record
  }

  /// A first check has ended, or never will.
  mutating func isAwaitedNoMore(slot: Int32) {
    awaited -= records[slot].isAwaited ? 1 : 0
    records[slot].isAwaited = false
  }

  /// What the cluster is to list when discovery says `listing`: that, and who was there, passes its checks and is not called
  /// unhealthy, where such stay (Envoy).
  mutating func takeIn(_ listing: [EndpointDescription], _ endpoints: borrowing EndpointSet) -> [EndpointDescription] {
    heard = listing
    if description?.keepsRemovedHosts != true { return listing }
    var isListed: Set<EndpointIdentity> = []
    for endpoint in listing { isListed.insert(endpoint.identity) }
    var kept = listing
    for endpoint in told where !isListed.contains(endpoint.identity) && endpoint.health != .unhealthy {
      guard let slot = endpoints.slot(of: endpoint.identity), Int(slot) < records.count else { continue }
      let record = records[slot]
      if record.incarnation == endpoints.states[slot].incarnation && !record.machine.hasFailed { kept.append(endpoint) }
    }
    told = kept
    return kept
  }

  /// Whether an endpoint is there only because it passes its checks.
  func isKept(_ identity: EndpointIdentity) -> Bool {
    description?.keepsRemovedHosts == true && !heard.contains { $0.identity == identity }
  }
}

extension ClusterState {
  /// Whether an attempt has ever been sent.
  var hasHadTraffic: Bool {
    if health.hasTraffic { return true }
    for slot in 0..<endpoints.states.count where endpoints.states[slot].inFlight > 0 { return true }
    return false
  }
}
