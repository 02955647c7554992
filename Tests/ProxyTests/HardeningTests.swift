// What somebody who looks for a way past the proxy, or an unlucky moment, would do to it.

import Foundation
import MeshConfiguration
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("hardening of the proxy", .serialized)
struct HardeningTests {
  /// Goal: a message keeps its frame: no field can be declared away that says where it ends, and TRACE has no body.
  @Test(arguments: [
    "GET / HTTP/1.1\nHost: web.test\nConnection: content-length\nContent-Length: 4\n\nGET ",
    "GET / HTTP/1.1\nHost: web.test\nConnection: close, Transfer-Encoding\nTransfer-Encoding: chunked\n\n0\n\n",
    "GET / HTTP/1.1\nHost: web.test\nConnection: host\n\n",
    "TRACE / HTTP/1.1\nHost: web.test\nContent-Length: 4\n\nGET ",
  ])
  func framesStay(_ request: String) async throws {
    let backend = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    #expect(try await proxy.ask(request).hasPrefix("HTTP/1.1 400"))
    #expect(backend.seen.isEmpty)
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: what stands behind a request that is refused is no request, wherever in a row the refused one stands.
  @Test func nothingBehindARefusal() async throws {
    let backend = try await TestServer { _ in TestAnswer(delay: .milliseconds(50)) }
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let answer = try await proxy.ask(
      "GET /1 HTTP/1.1\nHost: web.test\n\nGET /2 HTTP/1.1\nHost: web.test\nHost: other\n\nGET /3 HTTP/1.1\nHost: web.test\n\n"
    )
    #expect(answer.components(separatedBy: "HTTP/1.1 ").map { $0.prefix(3) } == ["", "200", "400"])
    try await Task.sleep(nanoseconds: 50_000_000)
    #expect(backend.seen.map(\.head.uri) == ["/1"])
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: an absolute target is its path at its host, for routes, policies and endpoints alike; where policies stand, a path that could be
  /// read in two ways is refused.
  @Test func targets() async throws {
    let backend = try await TestServer()
    let policy = "    authorization: {policies: [{name: secret, action: deny, paths: [\"/secret*\"]}]}"
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]), proxy: policy)
    func status(_ target: String, host: String = "web.test") async throws -> String {
      let answer = try await proxy.ask("GET \(target) HTTP/1.1\nHost: \(host)\nConnection: close\n\n")
      return String(answer.dropFirst(9).prefix(3))
    }
    #expect(try await status("http://web.test/a?b", host: "other.test") == "200")
    #expect(backend.seen.last?.head.uri == "/a?b" && backend.seen.last?.head.headers["host"] == ["web.test"])
    #expect(try await status("http://web.test/secret") == "403")
    #expect(try await status("/a%2Dsecret/%2e%2e/secret") == "400")
    for target in ["//secret", "/./secret", "/x/../secret", "/%73ecret", "/x%2fsecret", "/x\\secret"] {
      #expect(try await status(target) == "400", "\(target)")
    }
    for target in ["/open/?q=../secret", "/a%20b"] { #expect(try await status(target) == "200", "\(target)") }
    #expect(!RequestPath.isNormal("/secret#x") && !RequestPath.isNormal("/a/..") && RequestPath.isNormal("/a/.b/"))
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: HEAD leaves its connection in step, an answer of the proxy's own does not end it, and an older client gets no chunks.
  @Test func stepsOfAConnection() async throws {
    // A server that says nothing of its answers' length.
    let backend = try await EchoServer("", greeting: "HTTP/1.1 200 OK\r\n\r\n")
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send("GET / HTTP/1.1\nHost: nobody.test\n\n")
    let lost = await connection.receive { $0.hasSuffix("request\n") }
    #expect(lost.hasPrefix("HTTP/1.1 404") && !lost.lowercased().contains("connection: close"))
    try await connection.send("HEAD / HTTP/1.1\nHost: web.test\n\nGET / HTTP/1.1\nHost: nobody.test\n\n")
    let both = await connection.receive { $0.components(separatedBy: "404 Not Found").count == 3 }.dropFirst(lost.count)
    #expect(both.hasPrefix("HTTP/1.1 200") && both.contains("\r\n\r\nHTTP/1.1 404"))
    await connection.close()
    await proxy.stop()
    await backend.stop()

    let chunks = try await TestServer { _ in TestAnswer(body: "hello", headers: ["x-chunked": "1"]) }
    let second = try await RunningProxy(RunningProxy.mesh([chunks.address]))
    let old = try await second.ask("GET / HTTP/1.0\nHost: web.test\n\n")
    #expect(old.hasPrefix("HTTP/1.0 200") && old.hasSuffix("\r\n\r\nhello") && !old.contains("transfer-encoding"))
    await second.stop()
    await chunks.stop()
  }

  /// Goal: a request keeps its timeout though another configuration comes meanwhile, and connections of the former one are gone without harm.
  @Test(arguments: ["http1", "http2"]) func reloads(_ transport: String) async throws {
    let slow = try await TestServer { _ in TestAnswer(delay: .seconds(3)) }
    func mesh(_ route: String) -> String {
      RunningProxy.mesh([slow.address], route: route)
    }
    let proxy = try await RunningProxy(mesh("timeout: 300ms"))
    let underWay = try await RawConnection(port: proxy.port)
    try await underWay.send("GET / HTTP/1.1\nHost: web.test\nConnection: close\n\n")
    await slow.sees(1)
    try await proxy.server.take(RunningProxy.description(mesh("timeout: 400ms")))
    #expect(await underWay.receive().hasPrefix("HTTP/1.1 504"))
    // An HTTP/2 endpoint is another proxy.
    let quick = try await TestServer()
    let inner = try await RunningProxy(RunningProxy.mesh([quick.address]))
    func front(_ route: String) throws -> ProxyDescription {
      try RunningProxy.description(
        RunningProxy.mesh(["127.0.0.1:\(inner.port)"], route: route)
          .replacingOccurrences(of: "protocol: http1", with: "protocol: \(transport)"))
    }
    for number in 1..<20 {
      try await proxy.server.take(front("timeout: \(number)s"))
      #expect(try await proxy.get().status == 200)
    }
    try await Task.sleep(nanoseconds: 100_000_000)
    #expect(try await proxy.get().status == 200)
    await proxy.stop()
    await inner.stop()
    await slow.stop()
    await quick.stop()
  }

  /// Goal: a TCP listener finds its cluster though routes come and go before it, and when both get another name.
  @Test func connectionsAfterAReload() async throws {
    let echo = try await EchoServer("a")
    let listener = ", protocol: tcp, cluster: web"
    let proxy = try await RunningProxy(RunningProxy.mesh([echo.address]), listener: listener)
    func says() async throws -> String {
      let connection = try await RawConnection(port: proxy.port)
      try? await connection.send(raw: "hello")
      let heard = await connection.receive { $0.hasSuffix("hello") }
      await connection.close()
      return heard
    }
    #expect(try await says() == "a:hello")
    let fewer = RunningProxy.mesh([echo.address]).components(separatedBy: "  routes:")[0]
    try await proxy.server.take(RunningProxy.description(fewer, listener: listener))
    #expect(try await says() == "a:hello")
    let other = fewer.replacingOccurrences(of: "web:", with: "other:")
    try await proxy.server.take(
      RunningProxy.description(other, listener: ", protocol: tcp, cluster: other"))
    #expect(try await says() == "a:hello")
    await proxy.stop()
    await echo.stop()
  }

  /// Goal: a client that waits for 100 before it sends its body gets it from the endpoint.
  @Test func continues() async throws {
    let server = try await EchoServer("", greeting: "HTTP/1.1 100 Continue\r\n\r\n")
    let proxy = try await RunningProxy(RunningProxy.mesh([server.address]))
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send("POST / HTTP/1.1\nHost: web.test\nExpect: 100-continue\nContent-Length: 5\n\n")
    #expect(await connection.receive { $0.hasSuffix("\r\n\r\n") } == "HTTP/1.1 100 Continue\r\n\r\n")
    await connection.close()
    await proxy.stop()
    await server.stop()
  }

  /// Goal: what a client puts behind a body is no way to say what a head may not.
  @Test func trailers() throws {
    let given: HTTPHeaders = [
      "x-sum": "1", "X-Forwarded-Client-Cert": "URI=spiffe://evil", "content-length": "9", "Host": "other",
      "authorization": "x",
    ]
    #expect(Forwarding.trailers(given)?.map(\.name) == ["x-sum"])
    #expect(Forwarding.trailers(["te": "x"]) == nil && Forwarding.trailers(nil) == nil)
  }

  /// Goal: a long body reaches an endpoint whole though its copy has a connection first.
  @Test func longBodiesWithCopies() async throws {
    let backend = try await TestServer { seen in TestAnswer(body: String(seen.body.utf8.count)) }
    let shadow = try await TestServer()
    let mesh = RunningProxy.mesh([backend.address], route: "mirror: [{to: shadow, percent: 100}]").replacingOccurrences(
      of: "  routes:",
      with:
        "    shadow: {protocol: http1, balancer: roundRobin, endpoints: [{address: \"\(shadow.address)\"}]}\n  routes:")
    let proxy = try await RunningProxy(mesh)
    _ = try await proxy.get()
    for size in [10, 70_000, 300_000] {
      let answer = try await proxy.ask(
        "POST / HTTP/1.1\nHost: web.test\nConnection: close\nContent-Length: \(size)\n\n\(String(repeating: "x", count: size))"
      )
      #expect(answer.hasSuffix("\r\n\r\n\(size)"))
    }
    await proxy.stop()
    await backend.stop()
    await shadow.stop()
  }
}
