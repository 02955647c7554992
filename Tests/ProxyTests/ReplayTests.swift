// Decision logs: what a proxy decided comes out again, and nothing else does.

import DataPlane
import Foundation
import Logging
import MeshConfiguration
import MeshCore
import Testing

@testable import Proxy
@testable import Recording

@Suite("replay", .serialized)
struct ReplayTests {
  /// Replays the log at a path.
  static func replay(_ path: String) throws -> ReplayOutcome {
    try DecisionReplay.run([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
  }

  private func record(_ body: (RunningProxy) async throws -> Void) async throws -> [UInt8] {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("decisions-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let bad = try await TestServer { seen in TestAnswer(status: seen.head.uri.hasSuffix("7") ? 503 : 200) }
    let good = try await TestServer { seen in
      TestAnswer(delay: seen.head.uri.hasSuffix("3") ? .milliseconds(40) : .zero)
    }
    let gone = try await TestServer()
    await gone.stop()
    let mesh = RunningProxy.mesh(
      [bad.address, good.address, gone.address],
      cluster: "failureAccrual: {consecutive: {maxFailures: 3, minPenalty: 50ms, maxPenalty: 1s}}",
      route: "retry: {on: [5xx, connect-failure], attempts: 2, backoff: {base: 1ms, max: 5ms}, budget: {ratio: 0.5}}\n"
        + "      hedge: {after: 20ms}\n      timeout: 2s")
    let proxy = try await RunningProxy(mesh, decisions: path)
    try await body(proxy)
    await proxy.stop()
    await bad.stop()
    await good.stop()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Goal: failures, ejections, retries, hedges and a new configuration in between are all decided again as they were.
  @Test func decidesAgain() async throws {
    let log = try await record { proxy in
      for number in 0..<60 { _ = try await proxy.get("/\(number)") }
      try await proxy.server.take(try RunningProxy.description(RunningProxy.mesh(["127.0.0.1:1"])))
      #expect(try await proxy.get().status == 503)
    }
    let outcome = try DecisionReplay.run(log)
    #expect(outcome.difference == [] && outcome.requests == 61 && outcome.dataPlanes == 2)
    #expect(outcome.actions > 250 && outcome.events > 121)
  }

  /// A log whose one part is another, with the checksum that belongs to it.
  private static func rewritten(_ log: [UInt8], _ change: (inout [UInt8]) -> Void) throws -> [UInt8] {
    var file = DecisionBytes(Array(log.dropFirst(DecisionRecorder.mark.count)))
    var result = DecisionBytes()
    while !file.isAtEnd {
      let number = try file.number()
      _ = try file.number()
      var part = try file.part()
      change(&part)
      result.put(number)
      result.put(XXHash64.hash(part, seed: number))
      result.put(part)
    }
    return DecisionRecorder.mark + result.bytes
  }

  /// Goal: a log that says something else than the modules do is told from one that agrees, with the first difference; one that is cut off or
  /// no log at all is refused.
  @Test func tellsDifferences() async throws {
    let log = try await record { proxy in for number in 0..<5 { _ = try await proxy.get("/\(number)") } }
    // The same events with another balancer in the configuration: as if a policy had changed.
    let changed = try Self.rewritten(log) { part in
      let name = Array("roundRobin".utf8)
      guard let place = part.indices.first(where: { part[$0...].starts(with: name) }) else { return }
      part.replaceSubrange(place..<place + name.count, with: Array("random    ".utf8))
    }
    let outcome = try DecisionReplay.run(changed)
    #expect(outcome.difference.count == 3 && outcome.difference[0].contains("data plane 0"), "\(outcome)")
    #expect(throws: DecisionLogFault.self) { _ = try DecisionReplay.run(Array(log.dropLast(9))) }
    #expect(throws: DecisionLogFault.self) { _ = try DecisionReplay.run(Array("scenario: a".utf8)) }
    // Every place, each of its bits: no damage goes unseen.
    for place in DecisionRecorder.mark.count..<log.count {
      for bit in 0..<8 {
        var broken = log
        broken[place] ^= 1 << bit
        if (try? DecisionReplay.run(broken)) != nil { Issue.record("bit \(bit) of byte \(place) of \(log.count)") }
      }
    }
  }
}
