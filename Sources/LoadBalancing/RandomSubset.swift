// Random subsets: a client keeps to a few endpoints that its seed chooses.
//
// gRPC's proposal A68: endpoints are ordered by xxHash64 of their address with the client's seed, and the first few are kept. An
// endpoint that comes or goes changes at most one place.

import MeshCore

/// A client's subset of endpoints.
public enum RandomSubset {
  /// The places in `keys` of the `size` endpoints that `seed` chooses, in the order of their hashes.
  ///
  /// Complexity: O(n log n).
  public static func places(of keys: [String], size: Int, seed: UInt64) -> [Int] {
    let hashes = keys.map { XXHash64.hash($0, seed: seed) }
    let order = keys.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }
    return Array(order.prefix(max(0, size)))
  }
}
