// Copies to other clusters in a world where nothing lies between.

import MeshCore
import Testing

@testable import Simulation

@Suite("mirrors")
struct MirrorTests {
  /// Goal: a copy's record goes with its attempt, also where answers are at their callers at once. Method: the audit at the run's end
  /// counts copies and their attempts.
  @Test func nothingIsLeft() throws {
    var scene = Scene(service("web"), service("shadow"))
    scene.client("users", at: [0, 20, 40])
    scene.mesh.routes[0].mirrors = [MirrorDescription(cluster: 1, percent: 100)]
    let result = try scene.result()
    #expect(result.summary.successes == 3 && result.summary.mirrors == 3)
    #expect(result.service("shadow").requests == 3)
  }
}
