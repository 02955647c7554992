// Goal: set reaches what is written and what is implied, in the promised order, and the listing says who gave what.

import MeshConfiguration
import MeshCore
import Simulation
import Testing

@testable import Experiments

@Suite struct ScenarioSetTests {
  private let text = """
    scenario: s
    world:
      services: {web: {replicas: 2, time: 5ms}, db: {}}
      clients: {users: {target: web, arrivals: {poisson: 10/s}}}
    variants:
      - {name: a}
      - {name: b, set: {run.duration: 7s, mesh.clusters.web.balancer: random}}
    """

  @Test("Paths reach implied clusters, routes, replicas and maps that are missing")
  func implied() throws {
    let scenario = try ScenarioFile(text).scenario([
      "mesh.clusters.db.balancer=roundRobin", "mesh.routes.1.timeout=1s", "mesh.routes.web.timeout=2s",
      "world.services.web.replicas.web-1.speed=0.5", "world.clients.users.request.key.zipf={keys: 3, exponent: 1}",
      "mesh.clusters.web.failureAccrual.consecutive.maxFailures=3", "world.services.db.time.exponential.mean=1ms",
      "mesh.clusters.web.balancer.leastRequest.choices=5",
    ])
    let base = scenario.variants[0]
    #expect(base.mesh.clusters.map(\.name) == ["web", "db"])
    #expect(base.mesh.clusters[1].balancer.name == "roundRobin")
    #expect(base.mesh.clusters[0].balancer.parameters.integer("choices") == 5)
    #expect(base.mesh.clusters[0].failureAccrual == .consecutive(ConsecutiveAccrualDescription(maxFailures: 3)))
    #expect(base.mesh.routes.map(\.match.host) == ["web", "db"])
    #expect(base.mesh.routes.map(\.timeout) == [.seconds(2), .seconds(1)])
    #expect(base.world.services[0].replicas.map(\.speed) == [1, 0.5])
    #expect(base.world.services[1].time == .exponential(mean: 1e6))
    #expect(base.world.clients[0].key == .zipf(keys: 3, exponent: 1))
  }

  @Test("The file comes first, then --set, then the variant")
  func order() throws {
    let scenario = try ScenarioFile(text).scenario(["run.duration=9s"])
    #expect(scenario.variants.map(\.run.duration) == [.seconds(9), .seconds(7)])
    #expect(scenario.variants.map { $0.mesh.clusters[0].balancer.name } == ["leastRequest", "random"])
  }

  @Test("Implied values follow what is set: a profile, other services, requests in place of duration")
  func follow() throws {
    let scenario = try ScenarioFile(text.replacingOccurrences(of: "run.duration: 7s, ", with: "")).scenario([
      "mesh.profile=envoy", "world.services={web: {}, cache: {}}", "run.requests=5",
    ])
    #expect(scenario.variants[0].mesh.clusters.map(\.name) == ["web", "cache"])
    #expect(scenario.variants[0].mesh.clusters[1].balancer.name == "roundRobin")
    #expect(scenario.variants[0].mesh.routes.map(\.timeout) == [.seconds(15), .seconds(15)])
    #expect(scenario.variants[0].run.requests == 5)
  }

  @Test("Seed and replications of the command line take the file's place")
  func flags() throws {
    let file = try ScenarioFile(text)
    defer { file.remove() }
    let scenario = try ScenarioReader.read(path: file.path, seed: 7, replications: 3).get()
    #expect(scenario.seed == 7 && scenario.replications == 3)
    guard case .failure(let diagnostics) = ScenarioReader.read(path: file.path, replications: 0) else {
      Issue.record("0 replications were taken")
      return
    }
    #expect(
      diagnostics.lines == [
        "--replications:1:1: error: run.replications: 0 is out of range; expected a whole number from 1 to 100000"
      ])
  }

  @Test("The digest knows meaning, not spelling or place")
  func digest() throws {
    func digest(_ text: String, _ files: [String: String] = [:]) throws -> UInt64 {
      try ScenarioFile(text, besides: files).scenario().digest
    }
    let first = try digest(text)
    #expect(try digest(text) == first)
    #expect(try digest(text.replacingOccurrences(of: "5ms", with: "5000us") + "\n# a comment\n") == first)
    #expect(try digest(text.replacingOccurrences(of: "5ms", with: "6ms")) != first)
    #expect(try digest(text.replacingOccurrences(of: "random", with: "roundRobin")) != first)
    let sampled = text.replacingOccurrences(of: "time: 5ms", with: "time: {empirical: {file: d.csv, column: a_ms}}")
    #expect(try digest(sampled, ["d.csv": "a_ms\n1\n"]) != digest(sampled, ["d.csv": "a_ms\n2\n"]))
  }

  @Test("The listing names every origin")
  func listing() throws {
    let file = try ScenarioFile(text)
    defer { file.remove() }
    let shown = try ScenarioReader.show(
      path: file.path, variant: "b", overrides: ["mesh.profile=envoy", "run.warmUp=1s"]
    ).get()
    func origin(_ start: String) -> Substring? {
      shown.split(separator: "\n").first { $0.trimmingPrefix(while: { $0 == " " }).hasPrefix(start) }?
        .split(separator: "# ").last
    }
    #expect(origin("duration: 7s") == "variant b, line 7")
    #expect(origin("warmUp: 1s") == "--set")
    #expect(origin("window: 1s") == "default")
    #expect(origin("replicas: 2") == "line 3")
    #expect(origin("timeout: 15s") == "profile envoy")
  }

  @Test("The listing read again is the same scenario")
  func listingAgain() throws {
    let single = ScenarioMutationTests.everything.components(separatedBy: "variants:")[0]
    for text in [single, single.replacingOccurrences(of: "linkerd", with: "envoy")] {
      let file = try ScenarioFile(text)
      defer { file.remove() }
      let shown = try ScenarioReader.show(path: file.path).get()
      let again = try ScenarioFile(shown).scenario()
      let first = try ScenarioReader.read(path: file.path).get()
      #expect(again.variants == first.variants)
      #expect(again.digest == first.digest)
    }
  }

  @Test("An unknown variant has its line")
  func unknownVariant() throws {
    let file = try ScenarioFile(text)
    defer { file.remove() }
    guard case .failure(let diagnostics) = ScenarioReader.show(path: file.path, variant: "bb") else {
      Issue.record("it was shown")
      return
    }
    #expect(diagnostics.lines == ["--variant:1:1: error: variants: unknown variant 'bb'; did you mean 'b'?"])
  }

  @Test("The template is a sound scenario of the name given")
  func template() throws {
    let scenario = try ScenarioFile(ScenarioTemplate.text(name: "my-first")).scenario()
    #expect(scenario.name == "my-first")
    #expect(scenario.variants.count >= 2 && !scenario.expectations.isEmpty)
  }
}
