// New versions that get their traffic step by step, over real sockets.

import Foundation
import Testing

@testable import Proxy

@Suite("releases", .serialized)
struct ReleaseTests {
  private func mesh(_ old: TestServer, _ new: TestServer, timeout: String = "5s") -> String {
    """
      clusters:
        old: {protocol: http1, endpoints: ["\(old.address)"]}
        new: {protocol: http1, endpoints: ["\(new.address)"]}
      routes:
        - match: {host: web.test}
          split: [{to: old}, {to: new}]
          timeout: \(timeout)
          canary: {to: new, start: 100ms, interval: 400ms, threshold: 2, stepWeights: [30, 60], requestSuccessRate: 90%}
    """
  }

  /// Asks until a release stands as it should, ten seconds at most; returns what it came to, in order.
  private func follow(_ proxy: RunningProxy, until last: Int32) async throws -> [Int32] {
    var weights: [Int32] = [0]
    let begin = Date()
    while Date().timeIntervalSince(begin) < 10 {
      for _ in 0..<10 { _ = try await proxy.get() }
      let weight = proxy.server.releaseStandings[0].weight
      if weight != weights.last { weights.append(weight) }
      if weight == last && weights.count > 1 { break }
    }
    return weights
  }

  private func share(_ proxy: RunningProxy, _ server: TestServer) async throws -> Int {
    let before = server.seen.count
    for _ in 0..<40 { _ = try await proxy.get() }
    return server.seen.count - before
  }

  /// Goal: a good version goes up step by step and gets everything, on all event loops; a configuration that says the same of it changes nothing,
  /// though it is another one; a replay decides all of it again.
  @Test func promoted() async throws {
    let (old, new) = (try await TestServer(), try await TestServer())
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let proxy = try await RunningProxy(mesh(old, new), loops: 2, decisions: path)
    #expect(try await follow(proxy, until: 100) == [0, 30, 60, 100])
    #expect(try await share(proxy, new) == 40)
    #expect(
      await MetricsText.text(proxy.server.report()).contains(
        "weir_canary_weight_percent{authority=\"web.test\",route=\"0\",cluster=\"new\"} 100"))
    try await proxy.server.take(try RunningProxy.description(mesh(old, new, timeout: "4s")))
    #expect(try await share(proxy, new) == 40)
    // One that takes the analysis away gives the file's weights.
    try await proxy.server.take(try RunningProxy.description(RunningProxy.mesh([old.address])))
    #expect(try await share(proxy, new) == 0 && proxy.server.releaseStandings.isEmpty)
    await proxy.stop()
    #expect(try ReplayTests.replay(path).difference == [])
    await old.stop()
    await new.stop()
  }

  /// Goal: a new configuration in the midst of a release takes nothing from it: what the version was answered before counts at the next check.
  @Test func reloadsInBetween() async throws {
    let (old, new) = (try await TestServer(), try await TestServer())
    func mesh(_ timeout: String) -> String {
      self.mesh(old, new, timeout: timeout).replacingOccurrences(
        of: "interval: 400ms, threshold: 2", with: "interval: 2s")
    }
    let proxy = try await RunningProxy(mesh("5s"), loops: 2)
    for _ in 0..<500 where proxy.server.releaseStandings[0].weight == 0 {
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    for _ in 0..<60 { _ = try await proxy.get() }
    #expect(new.seen.count > 5)
    try await proxy.server.take(try RunningProxy.description(mesh("4s")))
    // Nothing is asked for until the next check: without what came before it would have no answers to go by.
    for _ in 0..<500 where proxy.server.releaseStandings[0].weight == 30 {
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    #expect(proxy.server.releaseStandings[0].weight == 60)
    await proxy.stop()
    await old.stop()
    await new.stop()
  }

  /// Goal: a version whose answers fail is halted, and then gets nothing any more.
  @Test func aborted() async throws {
    let (old, new) = (try await TestServer(), try await TestServer { _ in TestAnswer(status: 500) })
    let proxy = try await RunningProxy(mesh(old, new))
    #expect(try await follow(proxy, until: 0) == [0, 30, 0])
    #expect(try await share(proxy, new) == 0)
    await proxy.stop()
    await old.stop()
    await new.stop()
  }
}
