// What each endpoint of a cluster was chosen for, and what came of it, on one event loop.

import DataPlane
import MeshCore

/// One endpoint's counts since its mesh came into force.
struct EndpointCount: Sendable {
  var picks: UInt64 = 0
  /// Attempts that broke, or were answered with 500 or more.
  var failures: UInt64 = 0
  var ejections: UInt64 = 0
  /// What a detector decided last, and when.
  var notice: DetectionNotice?
  var noticed = Timestamp.zero
}

/// Counts of one cluster's endpoints. Confined to their event loop.
struct EndpointCounts {
  private var counts: [EndpointIdentity: EndpointCount] = [:]

  subscript(_ endpoint: EndpointIdentity) -> EndpointCount { counts[endpoint] ?? EndpointCount() }

  mutating func picked(_ endpoint: EndpointIdentity) { counts[endpoint, default: EndpointCount()].picks &+= 1 }

  mutating func failed(_ endpoint: EndpointIdentity) { counts[endpoint, default: EndpointCount()].failures &+= 1 }

  mutating func noticed(_ notice: DetectionNotice, at now: Timestamp) {
    if notice.endpoint.number < 0 { return }
    var count = self[notice.endpoint]
    count.notice = notice
    count.noticed = now
    if notice.kind == .ejected || notice.kind == .unhealthy { count.ejections &+= 1 }
    counts[notice.endpoint] = count
  }
}
