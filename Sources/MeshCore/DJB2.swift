// DJB2: Daniel J. Bernstein's hash of texts, h ← 33 · h + byte, from 5381.
//
// Short and weak: texts that differ in their last byte get neighbouring hashes. HAProxy offers it (`hash-type … djb2`, in 32 bits),
// Envoy has it in 64 bits (source/common/common/hash.h). On a ring it shows what a hash that spreads badly does to balance.

/// The 64-bit form.
public enum DJB2 {
  /// The hash of `bytes`.
  @inline(__always)
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 5381
    for byte in bytes { hash = hash &* 33 &+ UInt64(byte) }
    return hash
  }

  /// The hash of `bytes`.
  public static func hash(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { hash($0) } }
}
