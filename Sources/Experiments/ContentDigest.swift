// A 64-bit digest of content: FNV-1a (Fowler, Noll, Vo 1991). It tells scenarios apart; it does not protect anything.

/// Folds bytes into 64 bits.
struct ContentDigest {
  /// The digest of what was added so far.
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Adds bytes.
  mutating func add(_ bytes: some Sequence<UInt8>) {
    var hash = value
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    value = hash
  }

  /// Adds text and a mark of its end, so that "ab", "c" differs from "a", "bc".
  mutating func add(_ text: String) {
    add(text.utf8)
    add(CollectionOfOne(0))
  }
}
