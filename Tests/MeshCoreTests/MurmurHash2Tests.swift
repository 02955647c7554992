import MeshCore
import Testing

@Suite struct MurmurHash2Tests {
  // Goal: every length up to 300, each seeded with the one before: the last value is that of an independent port (Python);
  // Envoy's own values are among the test vectors.
  @Test func matchesAPortAtEveryLength() {
    let last = (0...300).reduce(UInt64(0)) { MurmurHash2.hash(Array(hashedBytes[..<$1]), seed: $0) }
    #expect(last == 0x7991_370e_7356_d68f)
    #expect(MurmurHash2.hash("foo") == 9_631_199_822_919_835_226)
  }
}
