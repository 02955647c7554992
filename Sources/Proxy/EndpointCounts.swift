// What each endpoint was chosen for, and what came of it, by its number on one event loop.

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

/// Counts by number. Confined to their event loop.
struct EndpointCounts {
  private var counts: [EndpointCount] = []

  subscript(_ endpoint: EndpointIdentity) -> EndpointCount {
    let place = Int(endpoint.number)
    return place >= 0 && place < counts.count ? counts[place] : EndpointCount()
  }

  private mutating func reach(_ place: Int) {
    while counts.count <= place { counts.append(EndpointCount()) }
  }

  mutating func picked(_ endpoint: EndpointIdentity) {
    let place = Int(endpoint.number)
    if place >= counts.count { reach(place) }
    counts[place].picks &+= 1
  }

  mutating func failed(_ endpoint: EndpointIdentity) {
    let place = Int(endpoint.number)
    if place < counts.count { counts[place].failures &+= 1 }
  }

  mutating func noticed(_ notice: DetectionNotice, at now: Timestamp) {
    let place = Int(notice.endpoint.number)
    if place < 0 { return }
    if place >= counts.count { reach(place) }
    counts[place].notice = notice
    counts[place].noticed = now
    if notice.kind == .ejected || notice.kind == .unhealthy { counts[place].ejections &+= 1 }
  }
}
