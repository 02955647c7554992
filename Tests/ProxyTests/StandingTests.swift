// What endpoints and their answers say of themselves over real sockets: priority, status, metadata, zone, when to come again, to be left alone.

import Foundation
import MeshConfiguration
import MeshCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("what endpoints say of themselves", .serialized)
struct StandingTests {
  private func mesh(_ endpoints: [String], _ cluster: String = "", route: String = "") -> String {
    """
      clusters:
        web:
          protocol: http1
          balancer: roundRobin
          endpoints: [\(endpoints.joined(separator: ", "))]
          \(cluster)
      routes:
        - match: {host: web.test}
          split: [{to: web}]
          \(route)
    """
  }

  /// How many of `count` requests each server got.
  private func spread(_ proxy: RunningProxy, _ servers: [TestServer], _ count: Int = 12) async throws -> [Int] {
    let before = servers.map(\.seen.count)
    for _ in 0..<count { _ = try await proxy.get() }
    return zip(servers, before).map { $0.seen.count - $1 }
  }

  /// Goal: the first priority has all requests while it is well; one that drains has none; a file's list may change both.
  @Test func prioritiesAndStatuses() async throws {
    let servers = [try await TestServer(), try await TestServer(), try await TestServer()]
    func listed(_ words: [String]) -> [String] {
      zip(servers, words).map { "{address: \"\($0.address)\"\($1)}" }
    }
    let proxy = try await RunningProxy(mesh(listed(["", ", healthStatus: draining", ", priority: 1"])))
    #expect(try await spread(proxy, servers) == [12, 0, 0])
    try await proxy.server.take(
      try RunningProxy.description(
        mesh(listed([", healthStatus: unhealthy", ", healthStatus: draining", ", priority: 1"]))))
    #expect(try await spread(proxy, servers) == [0, 0, 12])
    await proxy.stop()

    let folder = try TestFolder()
    defer { folder.remove() }
    try folder.write("web.yaml", "[\(listed([", priority: 1", ", priority: 1", ""]).joined(separator: ", "))]")
    let followed = try await RunningProxy(
      mesh([]), proxy: "    discovery: {web: {file: \"\(folder.path)/web.yaml\", refresh: 20ms}}")
    #expect(try await spread(followed, servers) == [0, 0, 12])
    try folder.write(
      "web.yaml", "[\(listed(["", ", priority: 1", ", healthStatus: timeout"]).joined(separator: ", "))]")
    var last: [Int] = []
    for _ in 0..<200 where last != [2, 0, 0] {
      last = try await spread(followed, servers, 2)
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    #expect(last == [2, 0, 0])
    await followed.stop()
    for server in servers { await server.stop() }
  }

  /// Goal: a route's metadata selects its subset, and the proxy's zone keeps requests there; the decisions come out again in a replay, over two
  /// event loops that share endpoints out between them.
  @Test func subsetsAndZones() async throws {
    let servers = [try await TestServer(), try await TestServer(), try await TestServer()]
    let endpoints = zip(servers, ["a", "b", "b"]).map { server, zone in
      "{address: \"\(server.address)\", zone: \(zone), metadata: {version: v\(zone)}}"
    }
    let byVersion = try await RunningProxy(
      mesh(
        endpoints, "lbSubsetConfig: {subsetSelectors: [{keys: [version]}]}", route: "metadataMatch: {version: vb}"))
    #expect(try await spread(byVersion, servers) == [0, 6, 6])
    await byVersion.stop()

    let zoned = try await RunningProxy(
      mesh(endpoints, "zoneAwareLbConfig: {minClusterSize: 0, forceLocalZone: {minSize: 1}}"),
      proxy: "    locality: {zone: a, fleet: {a: 1, b: 1}}")
    #expect(try await spread(zoned, servers) == [12, 0, 0])
    // Who moves to another zone serves from there.
    try await zoned.server.take(
      try RunningProxy.description(
        mesh(endpoints, "zoneAwareLbConfig: {minClusterSize: 0, forceLocalZone: {minSize: 1}}"),
        proxy: "    locality: {zone: b, fleet: {a: 1, b: 1}}"))
    #expect(try await spread(zoned, servers) == [0, 6, 6])
    await zoned.stop()

    let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let shared = try await RunningProxy(
      mesh(endpoints, "deterministicSubsetting: 1"), loops: 2, proxy: "    locality: {number: 1, fleet: {a: 3}}",
      decisions: path)
    for _ in 0..<20 { #expect(try await shared.get().status == 200) }
    await shared.stop()
    let outcome = try ReplayTests.replay(path)
    #expect(outcome.difference == [] && outcome.requests == 20 && outcome.dataPlanes == 2)
    for server in servers { await server.stop() }
  }

  /// Goal: where a proxy is that cannot be is told with its place.
  @Test func badLocalities() {
    let cases = [
      ("{number: 2, fleet: {a: 2}}", "2 of a fleet of 2; expected at most 1"),
      ("{zone: b, fleet: {a: 2}}", "has no 'b', where the proxy is; expected it to count itself"),
      ("{fleet: {a: 0}}", "expected"), ("{zones: a}", "unknown key 'zones'"),
    ]
    for (text, words) in cases {
      let bytes = [UInt8]("mesh:\n  clusters: {web: {protocol: http1}}\n  proxy: {locality: \(text)}\n".utf8)
      guard case .failure(let told) = ProxyReader.read(bytes, path: "p.yaml") else {
        Issue.record("\(text) is taken")
        continue
      }
      #expect(told.lines.count == 1 && told.lines[0].hasPrefix("p.yaml:3:"), "\(told.lines)")
      #expect(told.lines[0].contains("mesh.proxy.locality") && told.lines[0].contains(words), "\(told.lines)")
    }
  }

  /// Goal: a retry waits as long as the answer asks for where the route heeds it, whether the answer came whole or its body is still to come.
  @Test(arguments: [0, 200]) func retryAfter(bodySize: Int) async throws {
    let server = try await TestServer { seen in
      let isRetry = seen.head.headers.first(name: "x-envoy-attempt-count") != "1"
      return TestAnswer(
        status: isRetry ? 200 : 503, body: String(repeating: "x", count: bodySize * 1000),
        headers: ["retry-after": "1"])
    }
    for (heeds, least, most) in [
      ("", 0.0, 0.9), (", rateLimitedRetryBackOff: {resetHeaders: [{name: retry-after}]}", 1.0, 3.0),
    ] {
      let proxy = try await RunningProxy(
        mesh(
          ["\"\(server.address)\""],
          route: "retry: {on: [5xx], attempts: 1, backoff: {base: 1ms, max: 2ms}\(heeds)}"),
        proxy: "    includeRequestAttemptCount: true")
      let begin = Date()
      #expect(try await proxy.get().status == 200)
      let took = Date().timeIntervalSince(begin)
      #expect(took >= least && took < most, "\(took) s with '\(heeds)'")
      await proxy.stop()
    }
    await server.stop()
  }

  /// Goal: a call of gRPC that fails in its head is tried again where the route names its status, and not for being a 5xx; detectors take it for
  /// what HTTP calls so; the decisions come out again.
  @Test func failedCalls() async throws {
    let failing = try await TestServer { _ in
      TestAnswer(body: "", headers: ["content-type": "application/grpc", "grpc-status": "14", "grpc-message": "no"])
    }
    let working = try await TestServer { _ in
      TestAnswer(body: "", headers: ["content-type": "application/grpc", "grpc-status": "0"])
    }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let endpoints = ["\"\(failing.address)\"", "\"\(working.address)\""]
    func call(_ proxy: RunningProxy, _ count: Int, _ headers: String) async throws -> [Int] {
      let before = [failing.seen.count, working.seen.count]
      for _ in 0..<count { _ = try await proxy.get(headers: headers) }
      return [failing.seen.count - before[0], working.seen.count - before[1]]
    }
    let grpc = "content-type: application/grpc\n"
    for (on, counts) in [("unavailable", [20, 20]), ("5xx", [10, 10]), ("internal", [10, 10])] {
      let proxy = try await RunningProxy(
        mesh(endpoints, route: "retry: {on: [\(on)], attempts: 1, backoff: {base: 1ms, max: 2ms}}"), decisions: path)
      #expect(try await call(proxy, 20, grpc) == counts, "\(on)")
      await proxy.stop()
      #expect(try ReplayTests.replay(path).difference == [])
    }
    let detecting = try await RunningProxy(
      mesh(endpoints, "outlierDetection: {consecutive5xx: 3, maxEjectionPercent: 100}"))
    // To who asks by plain HTTP the header means nothing.
    #expect(try await call(detecting, 20, "") == [10, 10])
    #expect(try await call(detecting, 20, grpc) == [3, 17])
    #expect(await detecting.server.report().endpoints.map(\.failures).sorted() == [0, 3])
    await detecting.stop()
    await failing.stop()
    await working.stop()
  }

  /// Goal: a request to which nothing happens for long enough is given up, before its answer with 504 and in its midst by breaking it off; one that
  /// goes on for longer than that in parts is whole.
  @Test func idleRequests() async throws {
    let server = try await TestServer { seen in
      switch seen.head.uri {
      case "/slow": TestAnswer(delay: .seconds(20))
      case "/stalls": TestAnswer(body: "part", stalls: true)
      case "/fails": TestAnswer(status: 503, body: "part", stalls: true)
      default: TestAnswer(body: "part", pieces: 8, pause: .milliseconds(100))
      }
    }
    let proxy = try await RunningProxy(
      mesh(["\"\(server.address)\""], route: "idleTimeout: 400ms\n      retry: {on: [5xx], attempts: 1}"))
    #expect(try await proxy.get("/parts").body == String(repeating: "part", count: 8))
    #expect(try await proxy.get("/slow").status == 504)
    let begin = Date()
    #expect(try await proxy.get("/stalls").body == "part")
    #expect(Date().timeIntervalSince(begin) < 4)
    // A failure that would have been tried again, had there been a try left.
    #expect(try await proxy.get("/fails").status == 503)
    // Nothing is left open of those that were given up.
    for _ in 0..<200 where await proxy.server.report().open > 0 { try await Task.sleep(nanoseconds: 10_000_000) }
    let report = await proxy.server.report()
    #expect(report.open == 0 && report.endpoints.allSatisfy { $0.inFlight == 0 })
    for _ in 0..<200 where await proxy.server.report().pools[0].active > 0 {
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    #expect(await proxy.server.report().pools[0].active == 0)
    await proxy.stop()
    await server.stop()
  }

  /// Goal: one that drains is left out without another mesh: what is known of the others stays.
  @Test func draining() async throws {
    let servers = [
      try await TestServer { _ in TestAnswer(status: 500) }, try await TestServer(), try await TestServer(),
    ]
    func mesh(_ last: String) -> String {
      self.mesh(
        [servers[0], servers[1]].map { "\"\($0.address)\"" } + ["{address: \"\(servers[2].address)\"\(last)}"],
        "outlierDetection: {consecutive5xx: 2, baseEjectionTime: 600s, maxEjectionPercent: 100}")
    }
    let proxy = try await RunningProxy(mesh(""))
    _ = try await spread(proxy, servers, 9)
    #expect(try await spread(proxy, servers) == [0, 6, 6])
    try await proxy.server.take(try RunningProxy.description(mesh(", healthStatus: draining")))
    #expect(try await spread(proxy, servers) == [0, 12, 0])
    await proxy.stop()
    for server in servers { await server.stop() }
  }

  /// Goal: health checks ask by the method that is said.
  @Test func healthCheckMethod() async throws {
    let server = try await TestServer { seen in TestAnswer(status: seen.head.method == .HEAD ? 200 : 405, body: "") }
    let proxy = try await RunningProxy(
      mesh(
        ["\"\(server.address)\""],
        "healthCheck: {http: {path: /ok, method: HEAD}, interval: 50ms, timeout: 1s, unhealthyThreshold: 1, healthyThreshold: 1}"
      ))
    await server.sees(3)
    #expect(server.seen.prefix(3).allSatisfy { $0.head.method == .HEAD && $0.head.uri == "/ok" })
    #expect(await proxy.server.report().endpoints.allSatisfy { $0.isReady })
    await proxy.stop()
    await server.stop()
  }

  /// Goal: a server whose answer asks to be left alone gets no more requests until its health checks pass (Envoy).
  @Test func leavesWhenAsked() async throws {
    let leaving = try await TestServer { _ in TestAnswer(headers: ["x-envoy-immediate-health-check-fail": "true"]) }
    let staying = try await TestServer()
    let proxy = try await RunningProxy(
      mesh(
        ["\"\(leaving.address)\"", "\"\(staying.address)\""],
        "healthCheck: {tcp: {}, interval: 60s, timeout: 1s, unhealthyThreshold: 2, healthyThreshold: 1}"))
    for _ in 0..<200 where await proxy.server.report().endpoints.contains(where: { !$0.isReady }) {
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    #expect(try await spread(proxy, [leaving, staying], 20) == [1, 19])
    await proxy.stop()
    await leaving.stop()
    await staying.stop()
  }
}
