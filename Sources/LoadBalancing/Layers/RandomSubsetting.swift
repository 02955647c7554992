// Random subsetting: each client keeps a few of many endpoints, by rendezvous hashing.
//
// Endpoints are sorted by a hash of address and the client's own seed, and the first ones kept. One endpoint more or
// less changes at most one of a client's; how many clients an endpoint has is binomial (gRPC proposal A68: XXH64 of the
// address with a random seed of the client, ascending; 20 endpoints there unless said).
//
// Needs per change: the hash of each endpoint. Per request: nothing, the policy chooses among the members.

/// A client's random subset.
public enum RandomSubsetting {
  /// The places of the `size` endpoints with the smallest hashes, in the order of the hashes; all if there are no more.
  /// Equal hashes keep the order given. Complexity: O(n · log n).
  public static func members(hashes: [UInt64], size: Int) -> ContiguousArray<Int32> {
    let order = hashes.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }
    return ContiguousArray(order.prefix(max(0, size)).map { Int32(truncatingIfNeeded: $0) })
  }
}
