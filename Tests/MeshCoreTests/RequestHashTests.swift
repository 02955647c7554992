import MeshCore
import Testing

@Suite struct RequestHashTests {
  // Goal: the first hash is taken as it is, each further one is folded in, and order matters.
  @Test func foldsHashes() {
    #expect(RequestHash.combined(nil, with: 9) == 9)
    #expect(RequestHash.combined(0x8000_0000_0000_0001, with: 4) == 7)
    let (one, other) = (RequestHash.header("a"), RequestHash.header("b"))
    #expect(RequestHash.combined(one, with: other) != RequestHash.combined(other, with: one))
  }

  // Goal: a number goes into the hash as its decimal text does, without making one.
  @Test func hashesNumbersAsTheirText() {
    for number in [0, 1, 9, 10, 99, 12_345_678, 18_446_744_073_709_551_615] as [UInt64] + (100...1200) {
      #expect(RequestHash.header(number: number) == RequestHash.header(String(number)))
    }
  }

  // Goal: a header of one value is its hash, of several the chain of hashes.
  @Test func chainsParts() {
    #expect(RequestHash.chained(["x"]) == RequestHash.header("x"))
    #expect(RequestHash.chained(["foo", "bar"]) == XXHash64.hash("bar", seed: XXHash64.hash("foo")))
    #expect(RequestHash.chained([]) == 0)
  }
}
