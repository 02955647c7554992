// The server's side over real sockets: who may call, and how often.

import Foundation
import MeshConfiguration
import MeshCore
import NIOSSL
import Testing

@testable import Proxy

@Suite("the server's side", .serialized)
struct InboundTests {
  private func mesh(_ server: TestServer, _ inbound: String, cluster: String = "") -> String {
    RunningProxy.mesh([server.address], cluster: cluster) + "\n  inbound: {web: {\(inbound)}}"
  }

  /// The statuses of `count` requests in a row, one connection each.
  private func statuses(_ proxy: RunningProxy, _ tls: NIOSSLContext? = nil, _ count: Int) async throws -> [Int] {
    var statuses: [Int] = []
    for _ in 0..<count {
      let connection = try await RawConnection(port: proxy.port, tls: tls)
      try await connection.send("GET / HTTP/1.1\nHost: web.test\nConnection: close\n\n")
      let answer = await connection.receive()
      statuses.append(answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
    }
    return statuses
  }

  /// Goal: callers are let in by the names of their certificates, and each has its own limit, those by name theirs; who has no certificate is
  /// nobody.
  @Test func identities() async throws {
    let certificates = try TestCertificates(["web", "front", "batch", "stranger"])
    let server = try await TestServer()
    let proxy = try await RunningProxy(
      mesh(
        server,
        "authorization: {allow: [front, batch]}, "
          + "rateLimit: {identity: 3, overrides: [{requestsPerSecond: 6, clientRefs: [batch]}]}"),
      loops: 2, listener: ", inbound: web", proxy: certificates.proxy("web", ", clientCertificate: request"))
    #expect(try await statuses(proxy, certificates.client("stranger"), 2) == [403, 403])
    #expect(try await statuses(proxy, certificates.client(nil), 1) == [403])
    #expect(server.seen.isEmpty)
    // A second's worth at once, and then as many a second: connections in a row take a part of one.
    let front = try await statuses(proxy, certificates.client("front"), 12)
    #expect(front.prefix(3) == [200, 200, 200] && front.contains(429), "\(front)")
    let batch = try await statuses(proxy, certificates.client("batch"), 20)
    #expect(batch.prefix(6).allSatisfy { $0 == 200 } && batch.contains(429), "\(batch)")
    #expect(batch.count { $0 == 200 } > front.count { $0 == 200 })
    await proxy.stop()
    await server.stop()
    certificates.remove()
  }

  /// Goal: the limit of all holds over all event loops, a configuration that says the same of it does not fill it again, and one that says
  /// otherwise does; listeners that stand before no service are free of it.
  @Test func total() async throws {
    let server = try await TestServer()
    let limit = "rateLimit: {total: 4}"
    let proxy = try await RunningProxy(mesh(server, limit), loops: 2, listener: ", inbound: web")
    let first = try await statuses(proxy, nil, 12)
    #expect(first.prefix(4) == [200, 200, 200, 200] && first.contains(429), "\(first)")
    try await proxy.server.take(
      try RunningProxy.description(
        mesh(server, limit, cluster: "connectTimeout: 4s"), listener: ", inbound: web"))
    #expect(try await statuses(proxy, nil, 12).contains(429))
    let seen = server.seen.count
    try await proxy.server.take(
      try RunningProxy.description(mesh(server, "rateLimit: {total: 5}"), listener: ", inbound: web"))
    #expect(try await statuses(proxy, nil, 5) == [200, 200, 200, 200, 200])
    #expect(server.seen.count == seen + 5)
    await proxy.stop()
    let free = try await RunningProxy(mesh(server, limit))
    #expect(try await statuses(free, nil, 12).allSatisfy { $0 == 200 })
    await free.stop()
    await server.stop()
  }

  /// Goal: a connection that stands is held by what the configuration says now, not by what it said when it was opened.
  @Test func standingConnections() async throws {
    let server = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([server.address]))
    let connection = try await RawConnection(port: proxy.port)
    let question = "GET / HTTP/1.1\nHost: web.test\n\n"
    try await connection.send(question)
    #expect(await connection.receive { $0.hasSuffix("ok") }.hasPrefix("HTTP/1.1 200"))
    try await proxy.server.take(
      try RunningProxy.description(mesh(server, "authorization: {allow: [front]}"), listener: ", inbound: web"))
    try await connection.send(question)
    #expect(await connection.receive { $0.contains("denied") }.contains("HTTP/1.1 403"))
    await connection.close()
    await proxy.stop()
    await server.stop()
  }

  /// Goal: many requests in one piece that are all refused are answered one after the other.
  @Test func refusedInARow() async throws {
    let server = try await TestServer()
    let proxy = try await RunningProxy(mesh(server, "rateLimit: {total: 1}"), listener: ", inbound: web")
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send(String(repeating: "GET / HTTP/1.1\nHost: web.test\n\n", count: 5000))
    let text = await connection.receive { $0.components(separatedBy: "HTTP/1.1 ").count > 5000 }
    #expect(text.components(separatedBy: "HTTP/1.1 ").count == 5001 && text.contains("429"))
    await connection.close()
    await proxy.stop()
    await server.stop()
  }

  /// Goal: a name stands for the identities that are it or are made of it, and for no others that look alike.
  @Test func names() {
    let cases: [(String, [String], Bool)] = [
      ("front", ["front"], true), ("front", ["spiffe://cluster.local/ns/shop/sa/front"], true),
      ("front", ["front.shop.serviceaccount.identity.linkerd.cluster.local"], true), ("front", [], false),
      ("front", ["spiffe://cluster.local/front"], true),
      ("front", ["spiffe://cluster.local/afront", "frontend.shop", "spiffe://cluster.local/front/x"], false),
      ("front", ["front.example.com", "spiffe://cluster.local/x/front", "front"], true),
      ("front", ["front.example.com", "spiffe://cluster.local/x/front"], false),
      ("spiffe://a/ns/b/sa/c", ["spiffe://a/ns/b/sa/c"], true),
      ("spiffe://a/ns/b/sa/c", ["spiffe://z/ns/b/sa/c"], false),
      ("front", ["other", "front"], true),
    ]
    for (name, identities, isOne) in cases {
      #expect(InboundGate.name(name, isOneOf: identities) == isOne, "\(name) \(identities)")
    }
  }

  /// Goal: a listener before a service of which nothing is said is a fault, with the name that was meant.
  @Test func unknownService() throws {
    let text = """
      mesh:
        clusters: {web: {protocol: http1}}
        inbound: {web: {rateLimit: {total: 4}}}
        proxy: {listen: [{address: "127.0.0.1:0", inbound: wab}]}
      """
    guard case .failure(let told) = ProxyReader.read([UInt8](text.utf8), path: "p.yaml") else {
      Issue.record("it is taken")
      return
    }
    #expect(
      told.lines == [
        "p.yaml:4:54: error: mesh.proxy.listen.0.inbound: mesh.inbound has no service 'wab'; did you mean 'web'?"
      ], "\(told.lines)")
  }
}
