// All test vectors, by the optimised program.

import Testing

@Suite struct VectorTests {
  // Goal: the optimised program holds every test vector that it knows, the simulated worlds of full size among them.
  @Test func allHold() throws {
    let outcome = try Program.release.get()(["vectors", "Tests/ConformanceTests/Fixtures"])
    #expect(outcome.status == 0, "\(outcome.output.prefix(2000))")
    #expect(outcome.output.contains(" 0 failed, "))
  }
}
