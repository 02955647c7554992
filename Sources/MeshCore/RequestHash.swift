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

  /// The hash of a header whose value is `number` in decimal digits. Complexity: O(digits), without allocation.
  public static func header(number: UInt64) -> UInt64 {
    withUnsafeTemporaryAllocation(byteCount: mostDigits, alignment: 1) { buffer in
      var rest = number
      var first = mostDigits
      repeat {
        first &-= 1
        buffer[first] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      return XXHash64.hash(UnsafeRawBufferPointer(rebasing: buffer[first...]))
    }
  }

  /// Digits of the largest number of 64 bits.
  private static let mostDigits = 20
}
