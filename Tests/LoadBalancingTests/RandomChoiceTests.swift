import Foundation
import LoadBalancing
import MeshCore
import Testing

@Suite struct RandomChoiceTests {
  // Goal: every endpoint is equally likely, whatever its weight and load.
  @Test func isUniform() {
    var bench = PolicyBench(RandomChoice())
    bench.list(weights: [1, 100, 1, 1, 7])
    bench.setInFlight([0, 0, 1000, 0, 0])
    for share in bench.shares(of: 5, picks: 50_000) { #expect(abs(share - 0.2) < 0.01) }
  }
}
