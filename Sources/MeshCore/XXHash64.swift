// xxHash64: the hash behind Envoy's and gRPC's rings, Envoy's Maglev tables and its hash policies.
//
// Collet: xxHash, XXH64 specification. Four lanes of 64 bits take 32 bytes a round, the rest goes in by eights, fours and
// single bytes, and a last scramble spreads every bit. All arithmetic is modulo 2^64, bytes are read little-endian.

/// The 64-bit form of xxHash. Complexity: O(bytes), without allocation.
public enum XXHash64 {
  private static let prime1: UInt64 = 0x9e37_79b1_85eb_ca87
  private static let prime2: UInt64 = 0xc2b2_ae3d_27d4_eb4f
  private static let prime3: UInt64 = 0x1656_67b1_9e37_79f9
  private static let prime4: UInt64 = 0x85eb_ca77_c2b2_ae63
  private static let prime5: UInt64 = 0x27d4_eb2f_1656_67c5

  /// The hash of `bytes`.
  public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    let count = bytes.count
    var offset = 0
    var sum: UInt64
    if count >= 32 {
      var lane1 = seed &+ prime1 &+ prime2
      var lane2 = seed &+ prime2
      var lane3 = seed
      var lane4 = seed &- prime1
      while offset &+ 32 <= count {
        lane1 = round(lane1, eight(bytes, offset))
        lane2 = round(lane2, eight(bytes, offset &+ 8))
        lane3 = round(lane3, eight(bytes, offset &+ 16))
        lane4 = round(lane4, eight(bytes, offset &+ 24))
        offset &+= 32
      }
      sum = rotate(lane1, 1) &+ rotate(lane2, 7) &+ rotate(lane3, 12) &+ rotate(lane4, 18)
      sum = merge(sum, lane1)
      sum = merge(sum, lane2)
      sum = merge(sum, lane3)
      sum = merge(sum, lane4)
    } else {
      sum = seed &+ prime5
    }
    sum &+= UInt64(truncatingIfNeeded: count)
    while offset &+ 8 <= count {
      sum = rotate(sum ^ round(0, eight(bytes, offset)), 27) &* prime1 &+ prime4
      offset &+= 8
    }
    if offset &+ 4 <= count {
      let four = UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      sum = rotate(sum ^ (four &* prime1), 23) &* prime2 &+ prime3
      offset &+= 4
    }
    while offset < count {
      sum = rotate(sum ^ (UInt64(bytes[offset]) &* prime5), 11) &* prime1
      offset &+= 1
    }
    sum = (sum ^ (sum >> 33)) &* prime2
    sum = (sum ^ (sum >> 29)) &* prime3
    return sum ^ (sum >> 32)
  }

  /// The hash of `bytes`.
  public static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { hash($0, seed: seed) }
  }

  /// The hash of a text's UTF-8 bytes.
  public static func hash(_ text: String, seed: UInt64 = 0) -> UInt64 {
    withBytes(of: text) { hash($0, seed: seed) }
  }

  /// The hash of a number's eight bytes, the lowest first.
  public static func hash(_ number: UInt64, seed: UInt64 = 0) -> UInt64 {
    withUnsafeBytes(of: number.littleEndian) { hash($0, seed: seed) }
  }

  @inline(__always)
  private static func eight(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    (value &<< count) | (value &>> (64 &- count))
  }

  @inline(__always)
  private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func merge(_ sum: UInt64, _ lane: UInt64) -> UInt64 { (sum ^ round(0, lane)) &* prime1 &+ prime4 }
}

/// Calls `body` with a text's UTF-8 bytes, where they lie if they lie together.
@inline(__always)
func withBytes<Result>(of text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
  text.utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
    ?? Array(text.utf8).withUnsafeBytes(body)
}
