import MeshCore
import Testing

/// Bytes without a pattern that a hash could like.
let hashedBytes = (0..<400).map { UInt8(truncatingIfNeeded: ($0 * 2_654_435_761) >> 13) }

@Suite struct XXHash64Tests {
  // Goal: the values that xxHash's own sanity check and documentation publish, each way in.
  @Test func matchesPublishedValues() {
    #expect(XXHash64.hash("") == 0xef46_db37_51d8_e999)
    #expect(XXHash64.hash("a") == 0xd24e_c4f1_a98c_6e5b)
    #expect(XXHash64.hash("abc") == 0x44bc_2cf5_ad77_0999)
    #expect(XXHash64.hash("Nobody inspects the spammish repetition") == 0xfbce_a83c_8a37_8bf1)
    let prime: UInt32 = 2_654_435_761
    var generator = prime
    let buffer = (0..<101).map { _ in
      defer { generator = generator &* generator }
      return UInt8(truncatingIfNeeded: generator >> 24)
    }
    let published: [(count: Int, plain: UInt64, seeded: UInt64)] = [
      (1, 0x4fce_394c_c889_52d8, 0x7398_40cb_819f_a723), (14, 0xcffa_8db8_81bc_3a3d, 0x5b96_1158_5efc_c9cb),
      (101, 0x0eab_5433_84f8_78ad, 0xcaa6_5939_306f_1e21),
    ]
    for (count, plain, seeded) in published {
      #expect(XXHash64.hash(Array(buffer[..<count])) == plain)
      #expect(XXHash64.hash(Array(buffer[..<count]), seed: UInt64(prime)) == seeded)
    }
  }

  // Goal: every length up to 300, each seeded with the one before: the last value is that of the reference library (xxhash
  // for Python).
  @Test func matchesTheLibraryAtEveryLength() {
    let last = (0...300).reduce(UInt64(0)) { XXHash64.hash(Array(hashedBytes[..<$1]), seed: $0) }
    #expect(last == 0xfcb7_04a7_d666_806a)
  }

  // Goal: a number is its eight bytes, and texts of any storage are their UTF-8 bytes.
  @Test func takesNumbersAndTexts() {
    #expect(XXHash64.hash(0x0807_0605_0403_0201) == XXHash64.hash([1, 2, 3, 4, 5, 6, 7, 8]))
    let text = "zürich:8080 and more than one small text holds"
    #expect(XXHash64.hash(text) == XXHash64.hash(Array(text.utf8)))
    #expect(XXHash64.hash(String(text.reversed().reversed())) == XXHash64.hash(text))
  }
}
