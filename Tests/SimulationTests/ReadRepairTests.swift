// Copies of requests whose answers nobody sees, in small worlds whose figures are known.

import MeshCore
import Testing

@testable import Simulation

@Suite("read repair")
struct ReadRepairTests {
  private func scene(replicas: Int, factor: Int, chance: Double) -> Scene {
    var scene = Scene(service("store", replicas: replicas))
    scene.mesh.clusters[0].layers = LayersDescription(
      tokenAware: TokenAwareDescription(replicationFactor: factor, readRepairChance: chance))
    return scene
  }

  // Goal: each replica of the data gets one attempt, the caller waits for its own alone, and copies are counted as such.
  @Test func copiesGoToTheOthers() throws {
    var scene = scene(replicas: 3, factor: 3, chance: 1)
    scene.client(at: [0, 100, 200])
    let result = try scene.result()
    #expect(result.summary.requests == 3 && result.summary.mirrors == 6 && result.summary.retries == 0)
    #expect(result.endpoints.map(\.requests) == [3, 3, 3] && result.endpoints.map(\.successes) == [3, 3, 3])
    #expect(result.summary.latencyMean == 10e6)
  }

  // Goal: copies are work like any other: who comes behind them waits.
  @Test func copiesTakeTheirTime() throws {
    var scene = scene(replicas: 2, factor: 2, chance: 1)
    scene.requests(at: 0, 1)
    #expect(alike(try scene.result().milliseconds, [10, 19]))
  }

  // Goal: copies outlive the request they were made of, and a replica that dies with one on it loses nobody's answer.
  @Test func copiesOutliveTheirRequest() throws {
    var scene = scene(replicas: 2, factor: 2, chance: 1)
    scene.world.services[0].replicas[1].speed = 0.1
    scene.client(at: [0, 20])
    scene.fault(.crash([FaultTarget(service: 0, replicas: [1])]), at: 50)
    let result = try scene.result()
    #expect(result.summary.mirrors == 2)
    #expect(result.summary.requests == result.summary.successes + result.summary.failures)
    #expect(result.summary.unanswered == 0)
  }

  // Goal: calls of replicas are copied too; only clients' own copies are counted as the client's.
  @Test func callsAreCopied() throws {
    var front = service("front")
    front.calls = [[CallDescription(target: "store", count: 2)]]
    var scene = Scene(front, service("store", replicas: 2))
    scene.mesh.clusters[1].layers = LayersDescription(
      tokenAware: TokenAwareDescription(replicationFactor: 2, readRepairChance: 1))
    scene.client(at: [0])
    let result = try scene.result()
    #expect(result.summary.mirrors == 0 && result.summary.successes == 1)
    #expect(result.endpoint("store-0").requests == 2 && result.endpoint("store-1").requests == 2)
  }
}
