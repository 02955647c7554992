// Releases in a world: what their steps, halts and ends are told as, and who gets how much.

import MeshCore
import Testing

@testable import Simulation

@Suite struct CanariesTests {
  /// Two versions of a service, of which the second is released from 1 s on in steps of 1 s, under 200 requests a second.
  private func scene(errors: Double, time: Double = 5) -> Scene {
    var scene = Scene(
      service("web", replicas: 4, time: ms(5)), service("new", replicas: 4, time: ms(time)) { $0.errorRate = errors })
    scene.mesh.routes.removeLast()
    scene.mesh.routes[0].split.append(WeightedCluster(cluster: 1))
    var canary = CanaryDescription(
      destination: 1, start: .seconds(1), interval: .seconds(1), stepWeights: [20, 40])
    canary.minSuccessRate = 0.9
    canary.maxDuration = .milliseconds(20)
    canary.threshold = 2
    scene.mesh.routes[0].canary = canary
    scene.client(.constant(rate: 200)) { $0.dataPlanes = [DataPlaneGroup(count: 3)] }
    return scene
  }

  private func story(_ scene: Scene) throws -> [String] {
    try scene.result().events.map { "\($0.time.nanoseconds / 1_000_000_000) \($0.event) \($0.cluster): \($0.detail)" }
  }

  // Goal: a good version goes up step by step and gets everything, and the figures are those of all data planes together.
  @Test func promoted() throws {
    let scene = scene(errors: 0)
    let told = try story(scene)
    #expect(told.count == 3 && told[0] == "1 promoted new: to 20 %: the analysis begins")
    #expect(told[1].hasPrefix("2 promoted new: to 40 %: ") && told[1].contains(" answers, 100 % successes, p99 5"))
    #expect(told[2].hasPrefix("3 promoted new: to 100 %: "))
    let result = try scene.result()
    // 20 % and 40 % of 200, then 7 s of everything: 40 + 80 + 1400, sd 8.
    let requests = result.endpoints.filter { $0.cluster == "new" }.map(\.requests).reduce(0, +)
    #expect(abs(requests - 1520) < 45)
  }

  // Goal: a version that fails is halted twice and then gets nothing.
  @Test func aborted() throws {
    let told = try story(scene(errors: 0.5))
    #expect(told.count == 4)
    #expect(
      told[1].hasPrefix("2 halted new: a success rate of ") && told[1].hasSuffix(" answers; at least 90 % expected"))
    #expect(told[2].hasPrefix("3 halted new: a success rate of "))
    #expect(told[3] == "4 aborted new: to 0 %: 2 failed checks")
    let result = try scene(errors: 0.5).result()
    // 20 % of 600.
    let requests = result.endpoints.filter { $0.cluster == "new" }.map(\.requests).reduce(0, +)
    #expect(abs(requests - 120) < 45)
  }

  // Goal: a slow version is halted for its duration.
  @Test func tooSlow() throws {
    let told = try story(scene(errors: 0, time: 30))
    #expect(told[1].hasPrefix("2 halted new: p99 of ") && told[1].hasSuffix("; at most 20 ms expected"))
    #expect(told.last == "4 aborted new: to 0 %: 2 failed checks")
  }
}
