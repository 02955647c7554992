import MeshCore
import Testing

@Suite struct DJB2Tests {
  // Goal: texts hash as in Envoy's hash_test.cc, and nothing to where it begins.
  @Test(arguments: [("", 5381 as UInt64), ("foo", 193_491_849), ("bar", 193_487_034), ("lyft", 6_385_457_348)])
  func hashesAsEnvoy(_ text: String, _ hash: UInt64) {
    #expect(DJB2.hash(Array(text.utf8)) == hash)
  }
}
