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

  /// A part as former versions wrote it: without how many event loops there are, and without what endpoints say of themselves.
  private static func former(_ part: [UInt8]) throws -> [UInt8] {
    var (old, result) = (DecisionBytes(part), DecisionBytes())
    #expect(try old.number() == RecordCode.configuration)
    result.put(RecordCode.formerConfiguration)
    result.put(try old.number())
    #expect(try old.number() == 1)
    result.put(try old.part())
    #expect(try old.number() == RecordCode.endpoints)
    result.put(RecordCode.formerEndpoints)
    result.put(signed: try old.signed())
    result.put(try old.number())
    let count = try old.number()
    result.put(count)
    for _ in 0..<count {
      result.put(signed: try old.signed())
      result.put(try old.number())
      result.put(signed: try old.signed())
      result.put(try old.text())
      #expect(try (old.number(), old.number(), old.number()) == (0, UInt64(HostStatus.healthy.rawValue), 0))
    }
    var rest = result.bytes
    while !old.isAtEnd { rest.append(try old.byte()) }
    return rest
  }

  /// Goal: logs of former versions are replayed, and records that fit no configuration are refused, not believed.
  @Test func formerAndForged() async throws {
    let log = try await record { proxy in for number in 0..<30 { _ = try await proxy.get("/\(number)") } }
    let before = try DecisionReplay.run(log)
    let old = try Self.rewritten(log) { part in part = (try? Self.former(part)) ?? part }
    let outcome = try DecisionReplay.run(old)
    #expect(old != log && outcome.difference == [] && outcome.actions == before.actions)
    let forged: [[UInt64]] = [
      [RecordCode.weights, 0, 1, 0], [RecordCode.weights, 9, 1, 5], [RecordCode.weights, 0, 2, 5, 5],
      [RecordCode.weights, 0, 1], [RecordCode.configuration, 5, 2, 0], [RecordCode.endpoints, 0, 0, 1 << 40],
      [RecordCode.weights, 0, 1 << 50], [RecordCode.endpoints, 0, 7, 0], [99],
    ]
    for record in forged {
      let bad = try Self.rewritten(log) { part in
        var more = DecisionBytes()
        for number in record { more.put(number) }
        part += more.bytes
      }
      #expect(throws: DecisionLogFault.self, "\(record)") { _ = try DecisionReplay.run(bad) }
    }
  }
}
