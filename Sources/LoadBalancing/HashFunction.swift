// The hash functions that place endpoints on a ring: Envoy's XX_HASH and MURMUR_HASH_2, and one that spreads badly.

import MeshCore

/// How texts become places on a ring.
public enum HashFunction: String, Sendable, CaseIterable {
  /// xxHash64 with seed 0.
  case xxHash
  /// MurmurHash2 with the seed of C++'s std::hash.
  case murmurHash2
  /// Bernstein's h · 33 + byte.
  case djb2

  /// The hash of `bytes`.
  @inline(__always)
  public func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    switch self {
    case .xxHash: XXHash64.hash(bytes)
    case .murmurHash2: MurmurHash2.hash(bytes)
    case .djb2: DJB2.hash(bytes)
    }
  }
}
