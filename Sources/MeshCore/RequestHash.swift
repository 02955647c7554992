// The hash a request sticks to, as Envoy's route makes it from what its hash policies find (common/http/hash_policy.cc).
//
// One policy's hash is taken as it is; each further one is folded in by a rotation and an exclusive or, so that order
// matters. A header is hashed over all its values, sorted, each with the hash of the one before as its seed.

/// How hashes of a request are made and put together.
public enum RequestHash {
  /// `previous` with one policy's hash folded in.
  @inlinable
  public static func combined(_ previous: UInt64?, with next: UInt64) -> UInt64 {
    guard let previous else { return next }
    return ((previous &<< 1) | (previous &>> 63)) ^ next
  }

  /// The hash of several parts: the hash of each is the seed of the next.
  public static func chained(_ parts: [String], seed: UInt64 = 0) -> UInt64 {
    parts.reduce(seed) { XXHash64.hash($1, seed: $0) }
  }

  /// The hash of a header with one value.
  public static func header(_ value: String) -> UInt64 { XXHash64.hash(value) }
}
