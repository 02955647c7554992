// What the admin port says beside counts: endpoints with what keeps them out, decisions with what they were taken on, the page.

import Foundation
import MeshConfiguration
import Testing

@testable import Proxy

@Suite("admin", .serialized)
struct AdminHandlerTests {
  private func ask(_ proxy: RunningProxy, _ path: String) async throws -> String {
    let connection = try await RawConnection(port: proxy.adminPort)
    try await connection.send("GET \(path) HTTP/1.1\nHost: admin\nConnection: close\n\n")
    return await connection.receive()
  }

  private func object(_ proxy: RunningProxy, _ path: String) async throws -> [String: Any] {
    let answer = try await ask(proxy, path)
    let body = answer.components(separatedBy: "\r\n\r\n").dropFirst().joined()
    return try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any], "\(answer)")
  }

  private func endpoint(_ proxy: RunningProxy, _ address: String) async throws -> [String: Any] {
    let rows = try await object(proxy, "/endpoints")["endpoints"] as? [[String: Any]]
    return try #require(rows?.first { $0["endpoint"] as? String == address })
  }

  /// Goal: an endpoint that failed is shown as out, with who keeps it out and why, and so it is after its list has changed around it: what is known of
  /// an endpoint that stays is kept, its counts too. The metrics say the same.
  @Test func ejectionSurvivesAnUpdate() async throws {
    let bad = try await TestServer { _ in TestAnswer(status: 503) }
    let good = try await TestServer()
    let folder = try TestFolder()
    defer { folder.remove() }
    try folder.write("web.yaml", "- {address: \"\(bad.address)\", zone: a}\n- \(good.address)\n")
    let accrual = "failureAccrual: {consecutive: {maxFailures: 3, minPenalty: 60s, maxPenalty: 60s}}"
    let proxy = try await RunningProxy(
      RunningProxy.mesh([], cluster: accrual),
      proxy: "    discovery: {web: {file: \(folder.path)/web.yaml, refresh: 10ms}}")
    for _ in 0..<8 { _ = try await proxy.get() }
    let before = try await endpoint(proxy, bad.address)
    #expect(before["state"] as? String == "out" && before["excluded_by"] as? [String] == ["failure accrual"])
    #expect((before["last_event"] as? [String: Any])?["why"] as? String == "3 consecutive failures; a probe in 60 s")
    #expect(before["picks"] as? Int == 3 && before["failures"] as? Int == 3 && before["ejections"] as? Int == 1)
    #expect(before["zone"] as? String == "a")
    try folder.write("web.yaml", "- 127.0.0.1:1\n- {address: \"\(bad.address)\", zone: a}\n- \(good.address)\n")
    for _ in 0..<500 {
      if try await ask(proxy, "/endpoints").contains("127.0.0.1:1\"") { break }
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    let after = try await endpoint(proxy, bad.address)
    #expect(after["state"] as? String == "out" && after["picks"] as? Int == 3 && after["weight"] as? Int == 1)
    let metrics = try await ask(proxy, "/metrics")
    let labels = "{cluster=\"web\",endpoint=\"\(bad.address)\"}"
    #expect(
      metrics.contains("weir_endpoint_ejections_total\(labels) 1\n")
        && metrics.contains("weir_endpoint_ready\(labels) 0\n"))
    #expect(
      metrics.contains("weir_endpoint_picks_total\(labels) 3\n")
        && metrics.contains("weir_discovery_updates_total{cluster=\"web\"} 2\n"))
    await proxy.stop()
    await bad.stop()
    await good.stop()
  }

  /// Goal: the last decisions come with what they were taken on: how endpoints stood before the pick, what came of it, what a detector said of it,
  /// and what the proxy answered itself; only as many as asked for. Off, the first question switches them on.
  @Test func explains() async throws {
    let bad = try await TestServer { _ in TestAnswer(status: 503) }
    let accrual = "failureAccrual: {consecutive: {maxFailures: 1, minPenalty: 60s, maxPenalty: 60s}}"
    let proxy = try await RunningProxy(RunningProxy.mesh([bad.address], cluster: accrual), proxy: "    explain: 5")
    #expect(try await proxy.get("/a?b=c").status == 503)
    #expect(try await proxy.ask("GET / HTTP/1.1\nHost: other.test\nConnection: close\n\n").hasPrefix("HTTP/1.1 404"))
    let all = try #require(try await object(proxy, "/explain")["decisions"] as? [[String: Any]])
    #expect(all.map { $0["event"] as? String } == ["picked", "answered", "ejected", "answeredItself"])
    let picked = all[0]
    #expect(
      picked["why"] as? String == "roundRobin, 1 of 1 endpoints may be chosen" && picked["path"] as? String == "/a?b=c")
    let candidates = try #require(picked["endpoints"] as? [[String: Any]])
    #expect(
      candidates.count == 1 && candidates[0]["in_flight"] as? Int == 0 && picked["endpoint"] as? String == bad.address)
    #expect((all[1]["why"] as? String)?.hasPrefix("503 after ") == true)
    #expect(picked["request_id"] as? String == all[1]["request_id"] as? String)
    #expect(all[2]["why"] as? String == "1 consecutive failures; a probe in 60 s")
    #expect(all[3]["why"] as? String == "404: no route takes this request")
    for number in 0..<6 { _ = try await proxy.get("/\(number)") }
    let last = try #require(try await object(proxy, "/explain?last=2")["decisions"] as? [[String: Any]])
    #expect(last.count == 2 && last.allSatisfy { $0["path"] as? String == "/5" || $0["path"] as? String == "/4" })
    #expect((try await object(proxy, "/explain?last=100")["decisions"] as? [Any])?.count == 5)
    #expect(try await ask(proxy, "/explain?last=no").hasPrefix("HTTP/1.1 400"))
    await proxy.stop()
    let silent = try await RunningProxy(RunningProxy.mesh([bad.address]))
    _ = try await silent.get()
    #expect((try await object(silent, "/explain")["note"] as? String)?.contains("from now on") == true)
    _ = try await silent.get("/seen")
    #expect(
      (try await object(silent, "/explain")["decisions"] as? [[String: Any]])?.first?["path"] as? String == "/seen")
    await silent.stop()
    await bad.stop()
  }

  /// Goal: looking at a proxy whose decisions are kept does not change them: a balancer whose ranks age is replayed without a difference.
  @Test func lookingChangesNothing() async throws {
    let server = try await TestServer { seen in TestAnswer(delay: .milliseconds(seen.head.uri.hasSuffix("3") ? 9 : 1)) }
    let other = try await TestServer()
    let folder = try TestFolder()
    defer { folder.remove() }
    let mesh = RunningProxy.mesh([server.address, other.address]).replacingOccurrences(
      of: "roundRobin", with: "peakEwma")
    let proxy = try await RunningProxy(mesh, proxy: "    explain: 10", decisions: "\(folder.path)/log")
    for number in 0..<40 {
      _ = try await proxy.get("/\(number)")
      _ = try await ask(proxy, "/endpoints")
    }
    await proxy.stop()
    let outcome = try ReplayTests.replay("\(folder.path)/log")
    #expect(outcome.difference == [] && outcome.requests == 40)
    await server.stop()
    await other.stop()
  }

  /// Goal: the page is there and asks nobody but the admin port; what it draws is in /stats.
  @Test func page() async throws {
    let server = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([server.address]))
    _ = try await proxy.get()
    let page = try await ask(proxy, "/")
    #expect(page.hasPrefix("HTTP/1.1 200") && page.contains("text/html") && page.hasSuffix("</html>"))
    #expect(!page.contains("http://") && !page.contains("https://"))
    let stats = try await object(proxy, "/stats")
    let routes = try #require(stats["routes"] as? [[String: Any]])
    // The route, the cluster's own, and requests that no route takes.
    #expect(routes.map { $0["requests"] as? Int } == [1, 0, 0] && routes[0]["failures"] as? Int == 0)
    #expect((routes[0]["latencies"] as? [Int])?.reduce(0, +) == 1)
    #expect((stats["bucket_ends_ms"] as? [Int])?.count == (routes[0]["latencies"] as? [Int])?.count.advanced(by: -1))
    await proxy.stop()
    await server.stop()
  }
}
