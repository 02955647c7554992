// The proxy between real sockets: what goes through, what is tried again, what is refused.

import Foundation
import MeshConfiguration
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("proxy", .serialized)
struct ProxyTests {
  /// Goal: a request reaches its endpoint with what a proxy adds and without what ends at it, and the answer comes back the same way.
  @Test func forwards() async throws {
    let backend = try await TestServer { _ in
      TestAnswer(body: "hello", headers: ["keep-alive": "timeout=5", "x-own": "1"])
    }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let answer = try await proxy.ask(
      "GET /a?b=c HTTP/1.1\nHost: WEB.test:80\nConnection: close, X-Hop\nX-Hop: 1\nTE: trailers\nX-Forwarded-For: 10.0.0.1\n\n"
    )
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nhello"))
    #expect(answer.contains("x-own: 1") && !answer.lowercased().contains("keep-alive"))
    let head = try #require(backend.seen.first?.head)
    #expect(head.uri == "/a?b=c" && head.headers["host"] == ["WEB.test:80"])
    #expect(head.headers["x-hop"].isEmpty && head.headers["connection"].isEmpty && head.headers["te"] == ["trailers"])
    #expect(head.headers["x-forwarded-for"] == ["10.0.0.1,127.0.0.1"] && head.headers["x-forwarded-proto"] == ["http"])
    #expect(head.headers["x-request-id"].first?.count == 36)
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: one connection carries one request after the other, pipelined ones too, in their order; HEAD has no body; HTTP/1.0 ends.
  @Test func oneConnection() async throws {
    let backend = try await TestServer { seen in
      TestAnswer(body: seen.head.uri, delay: seen.head.uri == "/1" ? .milliseconds(30) : .zero)
    }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send("GET /1 HTTP/1.1\nHost: web.test\n\nGET /2 HTTP/1.1\nHost: web.test\n\n")
    let both = await connection.receive { $0.hasSuffix("\r\n\r\n/2") }
    #expect(both.components(separatedBy: "HTTP/1.1 200").count == 3)
    let first = try #require(both.range(of: "\r\n\r\n/1"))
    let second = try #require(both.range(of: "\r\n\r\n/2"))
    #expect(first.lowerBound < second.lowerBound)
    try await connection.send("HEAD /3 HTTP/1.1\nHost: web.test\nConnection: close\n\n")
    let rest = await connection.receive().dropFirst(both.count)
    #expect(rest.contains("content-length: 2") && rest.hasSuffix("\r\n\r\n"))
    let old = try await proxy.ask("GET /4 HTTP/1.0\nHost: web.test\n\n")
    #expect(old.hasSuffix("\r\n\r\n/4"))
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: long bodies go through whole both ways, with a length and in chunks.
  @Test func longBodies() async throws {
    let backend = try await TestServer { seen in TestAnswer(body: String(seen.body.reversed())) }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let body = (0..<40_000).map { String(format: "%07d;", $0) }.joined()
    let whole = try await proxy.ask(
      "POST / HTTP/1.1\nHost: web.test\nConnection: close\nContent-Length: \(body.utf8.count)\n\n\(body)")
    #expect(whole.hasSuffix("\r\n\r\n" + String(body.reversed())))
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send("POST / HTTP/1.1\nHost: web.test\nConnection: close\nTransfer-Encoding: chunked\n\n")
    try await connection.send("3\nabc\n3\ndef\n0\n\n")
    #expect(await connection.receive().hasSuffix("\r\n\r\nfedcba"))
    #expect(backend.seen.last?.head.headers["transfer-encoding"] == ["chunked"])
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: what fails or refuses is tried again elsewhere with the same body, and the client sees the answer that worked.
  @Test func triesAgain() async throws {
    let bad = try await TestServer { _ in TestAnswer(status: 503, body: "no") }
    let good = try await TestServer { seen in TestAnswer(body: seen.body) }
    let gone = try await TestServer()
    await gone.stop()
    let route = "retry: {on: [5xx, connect-failure, reset], attempts: 3, backoff: {base: 1ms, max: 2ms}}"
    let proxy = try await RunningProxy(RunningProxy.mesh([bad.address, gone.address, good.address], route: route))
    for _ in 0..<6 {
      let answer = try await proxy.ask(
        "POST / HTTP/1.1\nHost: web.test\nConnection: close\nContent-Length: 5\n\nhello")
      #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("\r\n\r\nhello"))
    }
    #expect(bad.seen.allSatisfy { $0.body == "hello" } && !bad.seen.isEmpty)
    await proxy.stop()
    await bad.stop()
    await good.stop()
  }

  /// Goal: a mirror gets a copy, body and all, under a host that says so; the client sees nothing of it.
  @Test func mirrors() async throws {
    let backend = try await TestServer { _ in TestAnswer(body: "own") }
    let shadow = try await TestServer { _ in TestAnswer(status: 500, body: "shadow", delay: .milliseconds(20)) }
    let mesh = RunningProxy.mesh([backend.address], route: "mirror: [{to: shadow, percent: 100}]").replacingOccurrences(
      of: "  routes:",
      with:
        "    shadow: {protocol: http1, balancer: roundRobin, endpoints: [{address: \"\(shadow.address)\"}]}\n  routes:")
    let proxy = try await RunningProxy(mesh)
    let answer = try await proxy.ask(
      "POST / HTTP/1.1\nHost: web.test:81\nConnection: close\nContent-Length: 5\n\nhello")
    #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("own"))
    await shadow.sees(1)
    #expect(shadow.seen.map(\.body) == ["hello"] && shadow.seen.first?.head.headers["host"] == ["web.test-shadow:81"])
    #expect(backend.seen.first?.head.headers["host"] == ["web.test:81"])
    await proxy.stop()
    await backend.stop()
    await shadow.stop()
  }

  /// Goal: an answer that a fault slows down is handed on whole, and no faster than that.
  @Test func slowAnswers() async throws {
    let text = (0..<30_000).map { String($0 % 10) }.joined()
    let backend = try await TestServer { _ in TestAnswer(body: text) }
    let proxy = try await RunningProxy(
      RunningProxy.mesh([backend.address], route: "fault: {responseRateLimit: {limitKbps: 100}}"))
    let clock = ContinuousClock()
    let begun = clock.now
    let answer = try await proxy.get()
    // Twentieths of a second with 5,120 bytes each, the first at once.
    #expect(answer.status == 200 && answer.body == text && clock.now - begun > .milliseconds(240))
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: the proxy answers itself when nobody takes a request in time or at all, each with its status.
  @Test func answersItself() async throws {
    let slow = try await TestServer { _ in TestAnswer(delay: .seconds(2)) }
    let proxy = try await RunningProxy(RunningProxy.mesh([slow.address], route: "timeout: 100ms"))
    let late = try await proxy.get()
    #expect(late.status == 504 && late.body == "upstream request timeout\n")
    let lost = try await proxy.ask("GET / HTTP/1.1\nHost: other.test\nConnection: close\n\n")
    #expect(lost.hasPrefix("HTTP/1.1 404"))
    let grpc = try await proxy.ask(
      "POST / HTTP/1.1\nHost: web.test\nConnection: close\nContent-Type: application/grpc\nContent-Length: 0\n\n")
    #expect(grpc.hasPrefix("HTTP/1.1 200") && grpc.contains("grpc-status: 14"))
    await proxy.stop()
    let empty = try await RunningProxy(RunningProxy.mesh([]))
    #expect(try await empty.get().status == 503)
    await empty.stop()
    await slow.stop()
  }

  /// Goal: an answer that breaks off in the middle is seen by the client as one that is not whole.
  @Test func brokenAnswers() async throws {
    let backend = try await TestServer { _ in TestAnswer(body: "0123456789", breaksOff: true) }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let answer = try await proxy.get()
    #expect(answer.status == 200 && answer.body == "0")
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: whatever may be read in two ways, or is too much, is refused and the connection ends, so that nothing behind it is a request.
  @Test(arguments: [
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n", 400),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 4\nContent-Length: 5\n\nabcde", 400),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: +4\n\nabcd", 400),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: identity\n\n0\n\n", 400),
    ("GET / HTTP/1.1\n\n", 400),
    ("GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400),
    ("GET / HTTP/1.1\nHost: a\n folded: x\n\n", 400),
    ("GET / HTTP/1.1\nHost : a\n\n", 400),
    ("GET / HTTP/1.1\nHost: a\nX: \u{0}\n\n", 400),
    ("GET / HTTP/3.7\nHost: a\n\n", 505),
    ("G=T / HTTP/1.1\nHost: a\n\n", 400),
    ("GET / HTTP/1.1\nHost: a\nX: \(String(repeating: "y", count: 100_000))\n\n", 431),
    (
      "GET / HTTP/1.1\nHost: a\n" + (0..<300).map { "X-\($0): y\n" }.joined() + "\n", 431
    ),
  ]) func refuses(_ request: String, _ status: Int) async throws {
    let backend = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let answer = try await proxy.ask(request + "GET /smuggled HTTP/1.1\nHost: web.test\n\n")
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(200))")
    #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2 && backend.seen.isEmpty)
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: bytes behind a request that are no request are refused after its answer, which comes whole.
  @Test func refusesBehindARequest() async throws {
    let backend = try await TestServer { _ in TestAnswer(body: "first", delay: .milliseconds(50)) }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let answer = try await proxy.ask("GET / HTTP/1.1\nHost: web.test\n\n?? nonsense\n\n")
    let parts = answer.components(separatedBy: "HTTP/1.1 ")
    #expect(parts.count == 3 && parts[1].hasSuffix("first") && parts[2].hasPrefix("400"), "\(answer)")
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: a client that half-closes behind its request hears the answer.
  @Test func halfClosed() async throws {
    let backend = try await TestServer { _ in TestAnswer(body: "heard", delay: .milliseconds(50)) }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send("GET / HTTP/1.1\nHost: web.test\n\n")
    await connection.halfClose()
    #expect(await connection.receive().hasSuffix("heard"))
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: a bare line feed ends no line.
  @Test func bareLineFeed() async throws {
    let backend = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send(raw: "GET / HTTP/1.1\r\nHost: web.test\r\nX: a\nGET /smuggled HTTP/1.1\r\n\r\n")
    #expect(await connection.receive().hasPrefix("HTTP/1.1 400") && backend.seen.isEmpty)
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: a client that sends its head a byte at a time is refused when its time is over.
  @Test func slowHead() async throws {
    let proxy = try await RunningProxy(RunningProxy.mesh([]), proxy: "    headerTimeout: 300ms")
    let connection = try await RawConnection(port: proxy.port)
    for byte in "GET / HTTP/1.1" {
      if connection.isClosed { break }
      try? await connection.send(raw: String(byte))
      try await Task.sleep(nanoseconds: 50_000_000)
    }
    #expect(await connection.receive().hasPrefix("HTTP/1.1 408"))
    await proxy.stop()
  }

  /// Goal: HTTP/2 without TLS carries requests to another proxy and answers back, many at once on one connection, bodies too.
  @Test func multiplexed() async throws {
    let backend = try await TestServer { seen in TestAnswer(body: "\(seen.head.uri) \(seen.body)") }
    let inner = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let mesh = RunningProxy.mesh(["127.0.0.1:\(inner.port)"]).replacingOccurrences(
      of: "protocol: http1", with: "protocol: http2")
    let outer = try await RunningProxy(mesh)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<20 {
        group.addTask {
          let answer = try await outer.ask(
            "POST /\(number) HTTP/1.1\nHost: web.test\nConnection: close\nContent-Length: 3\n\nabc")
          return answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("/\(number) abc")
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    #expect(backend.seen.count == 20)
    await outer.stop()
    await inner.stop()
    await backend.stop()
  }

  /// Goal: draining refuses new connections, lets what is under way end, and says so on the admin port.
  @Test func drains() async throws {
    let backend = try await TestServer { _ in TestAnswer(body: "late", delay: .milliseconds(400)) }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let underWay = try await RawConnection(port: proxy.port)
    try await underWay.send("GET / HTTP/1.1\nHost: web.test\n\n")
    let idle = try await RawConnection(port: proxy.port)
    await backend.sees(1)
    await proxy.server.drain()
    let answer = await underWay.receive()
    _ = await idle.receive()
    #expect(answer.hasSuffix("\r\n\r\nlate") && answer.contains("connection: close") && idle.isClosed)
    await #expect(throws: (any Error).self) { _ = try await RawConnection(port: proxy.port) }
    await backend.stop()
  }

  /// Goal: a new configuration takes effect for the next request, and the request that is under way ends as it began.
  @Test func takesAnotherConfiguration() async throws {
    let former = try await TestServer { _ in TestAnswer(body: "former", delay: .milliseconds(300)) }
    let next = try await TestServer { _ in TestAnswer(body: "next") }
    let proxy = try await RunningProxy(RunningProxy.mesh([former.address]))
    let underWay = try await RawConnection(port: proxy.port)
    try await underWay.send("GET / HTTP/1.1\nHost: web.test\nConnection: close\n\n")
    await former.sees(1)
    let changed = RunningProxy.mesh([next.address], route: "timeout: 3s")
    try await proxy.server.take(try RunningProxy.description(changed))
    #expect(try await proxy.get().body == "next")
    #expect(await underWay.receive().hasSuffix("former"))
    // Servers alone: the mesh is the same, so the world stays.
    try await proxy.server.take(try RunningProxy.description(RunningProxy.mesh([former.address], route: "timeout: 3s")))
    #expect(try await proxy.get().body == "former")
    await proxy.stop()
    await former.stop()
    await next.stop()
  }

  /// Goal: an endpoint that fails its health check gets nothing, and the admin port says why; counts are what was sent.
  @Test func adminPort() async throws {
    let well = try await TestServer()
    let ill = try await TestServer { seen in TestAnswer(status: seen.head.uri == "/health" ? 500 : 200, body: "ill") }
    let proxy = try await RunningProxy(
      RunningProxy.mesh(
        [well.address, ill.address],
        cluster:
          "healthCheck: {http: {path: /health}, interval: 50ms, timeout: 1s, unhealthyThreshold: 1, healthyThreshold: 1}"
      ))
    func admin(_ path: String) async throws -> String {
      let connection = try await RawConnection(port: proxy.adminPort)
      try await connection.send("GET \(path) HTTP/1.1\nHost: admin\nConnection: close\n\n")
      return await connection.receive()
    }
    for _ in 0..<100 where try await !admin("/endpoints").contains("fails its health checks") {
      try await Task.sleep(nanoseconds: 50_000_000)
    }
    for _ in 0..<4 { #expect(try await proxy.get().body == "ok") }
    #expect(try await admin("/ready").hasSuffix("ready\n"))
    #expect(try await admin("/nothing").hasPrefix("HTTP/1.1 404"))
    let endpoints = try await admin("/endpoints")
    #expect(endpoints.contains("fails its health checks"), "\(endpoints)")
    let metrics = try await admin("/metrics")
    #expect(metrics.contains("status_code=\"200\",classification=\"success\"} 4\n"), "\(metrics)")
    #expect(try await admin("/config_dump").contains("\"balancer\" : \"roundRobin\""))
    await proxy.stop()
    await well.stop()
    await ill.stop()
  }
}
