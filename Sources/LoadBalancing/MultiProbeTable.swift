// Multi-probe consistent hashing: each endpoint has one point on the circle, each key several, and the closest pair counts.
//
// Appleton and O'Reilly: Multi-probe consistent hashing, 2015 (arXiv:1505.00062). The key is hashed k times; the hash whose
// next point is closest decides. The largest share is 1 + 1/k times the mean or so (21 probes: 1.05), with one point an
// endpoint in memory where a ring would need hundreds. The least share has no such bound: an endpoint close behind another
// gets little. Endpoints have equal weights.

import MeshCore

/// A circle with one point an endpoint. Complexity: a look-up O(probes), a rebuild O(endpoints); both expected.
public struct MultiProbeTable: Sendable {
  private var ring = RingTable()

  /// An empty circle.
  public init() {}

  /// The circle of endpoints whose keys hash to `points`.
  public init(points: [UInt64]) { ring = RingTable(points: points.map { mix64($0) }) }

  /// The number of the endpoint that `key` goes to; -1 on an empty circle.
  public func member(of key: UInt64, probes: Int) -> Int32 {
    var chosen: Int32 = -1
    var least = UInt64.max
    for probe in 0..<max(1, probes) {
      let hash = mix64(key &+ UInt64(truncatingIfNeeded: probe) &* goldenGamma)
      let place = ring.place(of: hash)
      if place < 0 { return -1 }
      // Wrapping around the end of the circle is what unsigned subtraction does.
      let distance = ring.hashes[place] &- hash
      if distance < least || chosen < 0 {
        least = distance
        chosen = ring.members[place]
      }
    }
    return chosen
  }
}
