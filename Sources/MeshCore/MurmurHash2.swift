// MurmurHash2 in 64 bits, as the C++ library that Envoy was once built with hashed texts.
//
// Appleby's MurmurHash64A with the last bytes taken as one little-endian number (libstdc++, hash_bytes.cc; Envoy,
// common/common/hash.cc). Envoy offers it as MURMUR_HASH_2 so that rings stay what std::hash made them.

/// The 64-bit form of MurmurHash2. Complexity: O(bytes), without allocation.
public enum MurmurHash2 {
  /// The seed of std::hash, and so of Envoy's rings.
  public static let standardSeed: UInt64 = 0xc70f_6907

  private static let multiplier: UInt64 = 0xc6a4_a793_5bd1_e995

  /// The hash of `bytes`.
  public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = standardSeed) -> UInt64 {
    let count = bytes.count
    var sum = seed ^ (UInt64(truncatingIfNeeded: count) &* multiplier)
    var offset = 0
    while offset &+ 8 <= count {
      let eight = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      sum = (sum ^ (shifted(eight &* multiplier) &* multiplier)) &* multiplier
      offset &+= 8
    }
    if offset < count {
      var rest: UInt64 = 0
      for place in stride(from: count &- 1, through: offset, by: -1) { rest = (rest &<< 8) | UInt64(bytes[place]) }
      sum = (sum ^ rest) &* multiplier
    }
    return shifted(shifted(sum) &* multiplier)
  }

  /// The hash of `bytes`.
  public static func hash(_ bytes: [UInt8], seed: UInt64 = standardSeed) -> UInt64 {
    bytes.withUnsafeBytes { hash($0, seed: seed) }
  }

  /// The hash of a text's UTF-8 bytes.
  public static func hash(_ text: String, seed: UInt64 = standardSeed) -> UInt64 {
    withBytes(of: text) { hash($0, seed: seed) }
  }

  @inline(__always)
  private static func shifted(_ value: UInt64) -> UInt64 { value ^ (value &>> 47) }
}
