// Routes that take a share of what fits them, by clients, calls and traces.

import MeshCore
import Testing

@testable import Simulation

@Suite("routes that take a share")
struct RouteChancesTests {
  /// Requests for `web` in two clusters: a share of them in the second one.
  private func scene(_ percent: UInt64, rest: Bool = true) -> Scene {
    var scene = Scene(service("web"), service("canary"))
    for index in 0..<2 { scene.world.services[index].discipline = .infinite }
    var share = scene.mesh.routes[0]
    share.match.fraction = RuntimeFraction(percent)
    share.split = [WeightedCluster(cluster: 1)]
    scene.mesh.routes = [share] + (rest ? [scene.mesh.routes[0]] : [])
    scene.mesh.profile = .envoy
    scene.run.duration = .seconds(20)
    return scene
  }

  // Goal: open and closed loops, and traces, meet the share; a keyed client keeps its keys.
  @Test func shares() throws {
    var open = scene(30)
    open.client(.poisson(rate: 500))
    let result = try open.result()
    let share = Double(result.endpoint("canary-0").requests) / Double(result.summary.requests)
    #expect(abs(share - 0.3) < 0.02 && result.summary.successes == result.summary.requests)
    var keyed = open
    keyed.world.clients[0].key = .uniform(keys: 7)
    #expect(try keyed.result().endpoint("canary-0").requests == result.endpoint("canary-0").requests)
    var closed = scene(30)
    closed.client(.closed(users: 20, think: ms(30), requests: nil))
    let loop = try closed.result()
    #expect(abs(Double(loop.endpoint("canary-0").requests) / Double(loop.summary.requests) - 0.3) < 0.02)
    var trace = scene(30)
    trace.client(at: (0..<5000).map { Double($0) })
    #expect(abs(Double(try trace.result().endpoint("canary-0").requests) / 5000 - 0.3) < 0.02)
  }

  // Goal: who is in a small share is in a larger one, and who is left over where every route takes a share is answered 404.
  @Test func nestedAndLeftOver() throws {
    var all: [Int64] = []
    for percent in [0, 100] as [UInt64] {
      var scene = scene(percent, rest: false)
      scene.client(.poisson(rate: 100))
      let result = try scene.result()
      all.append(result.endpoint("canary-0").requests)
      #expect(result.summary.requests == (percent == 0 ? result.summary.requests : all[1]))
    }
    #expect(all[0] == 0 && all[1] > 1500)
  }

  // Goal: calls of services meet it too.
  @Test func calls() throws {
    var scene = scene(30)
    scene.world.services.append(
      service("front") { front in
        front.discipline = .infinite
        front.calls = [[CallDescription(target: "web", count: 1)]]
      })
    scene.mesh.clusters.append(ClusterDescription(name: "front", service: "front", balancer: policy("roundRobin")))
    scene.mesh.routes.append(
      RouteDescription(match: RouteMatch(host: "front"), split: [WeightedCluster(cluster: 2)]))
    scene.client(.poisson(rate: 200)) { $0.target = "front" }
    let result = try scene.result()
    let (few, many) = (result.endpoint("canary-0").requests, result.endpoint("web-0").requests)
    #expect(abs(Double(few) / Double(few + many) - 0.3) < 0.025 && few + many == result.summary.requests)
  }
}
