// Limits at the inbound side of simulated services.

import MeshCore
import Testing

@testable import Simulation

@Suite("inbound limits")
struct InboundTests {
  /// Requests of `a` and `b` at once, to replicas that have room for all.
  private func scene(_ count: Int, replicas: Int = 1, _ inbound: InboundDescription) -> Scene {
    var scene = Scene(service("web", replicas: replicas) { $0.discipline = .infinite })
    scene.client("a", at: Array(repeating: 0, count: count))
    scene.client("b", at: Array(repeating: 1, count: count))
    scene.mesh.inbound = [inbound]
    return scene
  }

  /// Goal: who is over its limit is answered 429 without any service, counted, and no success.
  @Test func eachIdentity() throws {
    let result = try scene(5, InboundDescription(service: "web", perIdentity: 3)).result()
    #expect(result.client("a").successes == 3 && result.client("b").successes == 3)
    #expect(result.client("a").refusals.rateLimited == 2 && result.summary.rejected == 4)
    #expect(result.service("web").requests == 10 && result.service("web").failures == 4)
    #expect(result.endpoint("web-0").requests == 10 && result.endpoint("web-0").successes == 6)
  }

  /// Goal: the total comes first; who has a limit by name has no other.
  @Test func totalAndOverrides() throws {
    let limits = InboundDescription(
      service: "web", total: 7, perIdentity: 1,
      overrides: [RateOverrideDescription(requestsPerSecond: 4, clientRefs: ["a"])])
    let result = try scene(5, limits).result()
    // `a` takes five of the total, of which its own limit lets four through; `b` one of the two that are left.
    #expect(result.client("a").successes == 4 && result.client("b").successes == 1)
    #expect(result.summary.refusals.rateLimited == 5)
  }

  /// Goal: each replica has limits of its own, and they fill again.
  @Test func eachReplica() throws {
    var scene = scene(4, replicas: 2, InboundDescription(service: "web", total: 2))
    scene.client("c", at: [500, 500, 500, 500])
    let result = try scene.result()
    #expect(result.client("a").successes == 4 && result.client("b").successes == 0)
    // Half a second is one request for each replica.
    #expect(result.client("c").successes == 2)
  }

  /// Goal: a service that calls is known by its own name, whoever called it.
  @Test func callingServices() throws {
    var front = service("front", time: ms(0)) { $0.discipline = .infinite }
    front.calls = [[CallDescription(target: "web")]]
    var scene = Scene(front, service("web") { $0.discipline = .infinite })
    scene.client("a", at: [0, 0, 0])
    scene.client("b", at: [0, 0, 0])
    scene.mesh.inbound = [
      InboundDescription(
        service: "web", perIdentity: 100,
        overrides: [RateOverrideDescription(requestsPerSecond: 2, clientRefs: ["front"])])
    ]
    #expect(try scene.result().summary.successes == 2)
    scene.mesh.inbound[0].overrides[0].clientRefs = ["a"]
    #expect(try scene.result().summary.successes == 6)
  }

  /// Goal: limits stay when a fault has come and gone.
  @Test func afterFaults() throws {
    var scene = scene(5, InboundDescription(service: "web", perIdentity: 3))
    scene.client("c", at: [900, 900, 900, 900, 900])
    scene.fault(.crash([FaultTarget(service: 0)]), at: 100, for: 100)
    #expect(try scene.result().client("c").successes == 3)
  }

  /// Goal: who is not named is answered 403 before any limit, which is no failure, and is counted; a service is known by its own name.
  @Test func authorization() throws {
    var inbound = InboundDescription(service: "web", total: 5)
    inbound.allowed = ["b"]
    let result = try scene(5, inbound).result()
    #expect(result.client("a").refusals.unauthorized == 5 && result.client("b").refusals.unauthorized == 0)
    // Had the refused taken from the limit, none would be left for the others.
    #expect(result.client("b").refusals.rateLimited == 0 && result.summary.successes == 10)
    #expect(result.service("web").requests == 10)
    inbound.allowed = []
    #expect(try scene(5, inbound).result().summary.refusals.unauthorized == 10)
  }

  /// Goal: a split's destination that does not exist is counted, and answered as its mode says.
  @Test func noBackend() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.mesh.routes[0].split.append(WeightedCluster(cluster: WeightedCluster.nowhere))
    scene.mesh.routes[0].splitMode = .gatewayApi
    scene.client(.constant(rate: 100))
    let summary = try scene.result().summary
    #expect(summary.refusals.noBackend == summary.failures && summary.rejected == 0)
    // Half of 1000, sd 16.
    #expect(abs(summary.failures - 500) < 80)
  }
}
