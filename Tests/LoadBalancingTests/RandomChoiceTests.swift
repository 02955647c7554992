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

  // Goal: Envoy's form takes the number that chose the priority modulo n, and draws one itself where nothing was drawn; a
  // request's key is none of these.
  @Test func envoysFormIsModulo() {
    let given = parameters(RandomChoice.descriptor, [("form", .word("envoy"))])
    var bench = PolicyBench(RandomChoice(given), count: 3, random: scripted([4, 9, 2, 7]))
    #expect(bench.policy.sharesDraws && !RandomChoice().sharesDraws)
    #expect(bench.picks(2) == [1, 0])
    #expect(bench.pick(key: 100) == 2)
    let context = PickContext(drawnByLayers: 11)
    #expect(bench.policy.pick(bench.endpoints.view, context, &bench.random, at: .zero) == 2)
    #expect(bench.picks(1) == [1])
  }
}
