import Foundation
import LoadBalancing
import MeshCore
import TestVectors
import Testing

@Suite struct RandomChoiceTests {
  // Goal: every endpoint is equally likely, whatever its weight and load.
  @Test func isUniform() {
    var bench = PolicyBench(RandomChoice())
    bench.list(weights: [1, 100, 1, 1, 7])
    bench.setInFlight([0, 0, 1000, 0, 0])
    for share in bench.shares(of: 5, picks: 50_000) { #expect(abs(share - 0.2) < 0.01) }
  }

  // Goal: Envoy's one vector is known and says why it does not apply.
  @Test func envoysVectorIsAccountedFor() throws {
    let vectors = try VectorValue.fixture("random", in: .module)("vectors").items
    // Envoy takes the draw modulo the number of hosts and shares it with the choice of a priority; here a draw of its own
    // is scaled by multiplication, which is unbiased and tied to nothing else.
    let skipped = ["Normal2": "the draw that also chooses the priority, modulo the number of hosts"]
    #expect(try vectors.map { try $0("id").string } == Array(skipped.keys))
  }
}
