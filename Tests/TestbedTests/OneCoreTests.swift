// The lab and the proxy are two worlds around one core: both programs link the same DataPlane, and one line changed in a policy changes both
// what the lab computes and what an old log of the proxy replays to.

import DataPlane
import Foundation
import LoadBalancing
import Logging
import MeshConfiguration
import MeshCore
import Proxy
import Recording
import Simulation
import Testing

@testable import Testbed

/// Round robin, and one line more where `isChanged`.
private struct ChangedTurns: LoadBalancer {
  private var turns: RoundRobin
  private let isChanged: Bool
  private var picks = 0

  init(_ parameters: PolicyParameters, _ context: BalancerContext, isChanged: Bool) {
    turns = RoundRobin(parameters, context)
    self.isChanged = isChanged
  }

  mutating func endpointsChanged(_ endpoints: EndpointRoster, _ random: inout RandomStream, at now: Timestamp) {
    turns.endpointsChanged(endpoints, &random, at: now)
  }

  mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    picks += 1
    // The change: the 20th turn is skipped.
    if isChanged && picks == 20 { _ = turns.pick(endpoints, context, &random, at: now) }
    return turns.pick(endpoints, context, &random, at: now)
  }

  /// The registered policies, this one in round robin's place.
  static func policies(isChanged: Bool) -> [PolicyDescriptor] {
    PolicyRegistry.policies.map { policy in
      if policy.name != "roundRobin" { return policy }
      var own = policy
      own.make = { ChangedTurns($0, $1, isChanged: isChanged) }
      return own
    }
  }
}

@Suite("one core", .serialized)
struct OneCoreTests {
  /// Goal: one line more in a policy changes a run's digest, and the same policy in other clothes does not.
  @Test func digest() throws {
    let test = try TestScenario.web(
      "replicas: 3, time: 5ms", arrivals: "constant: 100/s", more: "mesh: {clusters: {web: {balancer: roundRobin}}}")
    func digest(_ policies: [PolicyDescriptor]?) throws -> UInt64 {
      var replication = Replication(
        world: test.variant.world, mesh: test.variant.mesh, run: test.variant.run, seed: 3, number: 0)
      if let policies { replication.policies = policies }
      return try replication.simulate().traceDigest
    }
    let now = try digest(nil)
    #expect(try digest(ChangedTurns.policies(isChanged: false)) == now)
    #expect(try digest(ChangedTurns.policies(isChanged: true)) != now)
  }

  /// Goal: the same line makes an old log of the real proxy replay to something else, at the very pick that it changes.
  @Test func replay() async throws {
    let test = try TestScenario.web(
      "replicas: 3, time: 5ms, discipline: infinite", arrivals: "constant: 100/s", run: "duration: 600ms")
    let clock = RunClock()
    let backend = try Backend(test.variant, seed: 3, clock: clock)
    let endpoints = try await backend.start().map { "{address: \"\($0.address)\"}" }.joined(separator: ", ")
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let text = """
      mesh:
        clusters: {web: {protocol: http1, balancer: roundRobin, endpoints: [\(endpoints)]}}
        proxy: {listen: [{address: "127.0.0.1:0"}]}
      """
    let description = try ProxyReader.read([UInt8](text.utf8), path: "test.yaml").get()
    let server = try ProxyServer(description, loops: 1, decisions: path, logger: Logger(label: "test"))
    let address = try #require(try await server.start().listeners.first)
    let result = try await LoadGenerator(test.variant, seed: 3, to: address, clock: clock).send()
    await server.close()
    await backend.stop()
    #expect(result.successes == 60)
    let log = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(try DecisionReplay.run(log).difference == [])
    #expect(try DecisionReplay.run(log, policies: ChangedTurns.policies(isChanged: false)).difference == [])
    let changed = try DecisionReplay.run(log, policies: ChangedTurns.policies(isChanged: true))
    #expect(!changed.difference.isEmpty && changed.requests == 20, "\(changed)")
  }

  /// Goal: the package has one DataPlane, the lab and the proxy both stand on it, and each program that was built has it inside.
  @Test func programs() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let manifest = try String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
    #expect(manifest.components(separatedBy: "name: \"DataPlane\", dependencies:").count == 2)
    /// What the target called `name` depends on, as the manifest says it.
    func dependencies(_ name: String) -> Set<String> {
      let parts = manifest.components(separatedBy: "Target(").flatMap { $0.components(separatedBy: ".target(") }
      guard let own = parts.first(where: { $0.drop { " \n".contains($0) }.hasPrefix("name: \"\(name)\"") }) else {
        return []
      }
      return Set(own.components(separatedBy: "\"").enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
    }
    #expect(dependencies("Simulation").contains("DataPlane") && dependencies("Proxy").contains("DataPlane"))
    #expect(
      dependencies("weir").isSuperset(of: ["Simulation", "Testbed"]) && dependencies("weir-proxy").contains("Proxy"))
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    var folder = URL(fileURLWithPath: own).deletingLastPathComponent()
    for _ in 0..<5 where !FileManager.default.fileExists(atPath: folder.appendingPathComponent("weir-proxy").path) {
      folder.deleteLastPathComponent()
    }
    // DataPlane.DataPlane.handle(_:at:into:), as Swift mangles it.
    let symbol = Data("$s9DataPlaneAAV6handle".utf8)
    for program in ["weir", "weir-proxy"] {
      let bytes = try Data(contentsOf: folder.appendingPathComponent(program), options: .mappedIfSafe)
      #expect(bytes.range(of: symbol) != nil, "\(program) has no DataPlane in it")
    }
  }
}
