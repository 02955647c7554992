// Scenarios of tests, as people write them.

import Experiments
import Foundation
import MeshConfiguration

/// A scenario in a file for the length of a test.
struct TestScenario {
  let path: String
  let scenario: Scenario

  init(_ text: String) throws {
    let path = NSTemporaryDirectory() + "weir-\(UUID().uuidString).yaml"
    self.path = path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    scenario = try ScenarioReader.read(path: path).get()
  }

  /// The first variant.
  var variant: Variant { scenario.variants[0] }

  /// A service `web` whose replicas and clients are as given.
  static func web(_ service: String, arrivals: String, run: String = "duration: 1s", more: String = "") throws -> Self {
    try Self(
      """
      scenario: real
      seed: 3
      run: {\(run)}
      world:
        services:
          web: {\(service)}
        clients:
          users: {target: web, arrivals: {\(arrivals)}}
      \(more)
      """)
  }
}
