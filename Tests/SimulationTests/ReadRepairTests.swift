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

  // Goal: a copy to a replica that hangs ends at the route's timeout and takes no part in anybody's load after that: the run is over
  // with its last request, and the replica gets its share again when it is back.
  @Test func copiesToTheSilentEnd() throws {
    var scene = scene(replicas: 2, factor: 2, chance: 1)
    scene.mesh.clusters[0].balancer = policy("joinShortestQueue")
    scene.mesh.routes[0].timeout = .milliseconds(200)
    scene.client(at: (0..<80).map { Double($0) * 100 })
    scene.fault(.hang([FaultTarget(service: 0, replicas: [1])]), at: 0, for: 4_000)
    let result = try scene.result()
    #expect(result.simulated == .seconds(10))
    #expect(result.summary.requests == 80 && result.summary.mirrors == 80 && result.summary.unanswered == 0)
    // From 4 s on both are idle at each request: the choice, not the copies, is told by the latency.
    #expect(result.summary.timeouts == result.summary.failures && result.summary.failures < 40)
    #expect(result.endpoint("store-0").successes == 80 && result.endpoint("store-1").successes == 40)
  }

  // Goal: without a timeout a copy to a hung replica ends when discovery has dropped it, or when it crashes and resets the connection.
  @Test(arguments: [false, true]) func copiesToTheGoneEnd(_ crashes: Bool) throws {
    var scene = scene(replicas: 2, factor: 2, chance: 1)
    // Its own attempt goes to store-1.
    scene.client(at: [0])
    if crashes {
      scene.world.services[0].replicas[0].speed = 0.01
      scene.fault(.crash([FaultTarget(service: 0, replicas: [0])]), at: 500)
    } else {
      scene.world.services[0].readinessProbe = ReadinessProbeDescription(
        period: .milliseconds(100), failureThreshold: 1)
      scene.fault(.hang([FaultTarget(service: 0, replicas: [0])]), at: 0)
    }
    let result = try scene.result()
    #expect(result.summary.successes == 1 && result.summary.mirrors == 1)
    #expect(result.endpoint("store-0").requests == 1 && result.endpoint("store-0").successes == 0)
    #expect(result.simulated == .seconds(10))
  }
}
