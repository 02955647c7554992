// What makes requests stick to endpoints over real sockets: sessions, and hashes of what requests carry.

import Foundation
import MeshCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("sticky requests", .serialized)
struct StickyTests {
  /// What a server is called, in its answers.
  private func servers(_ count: Int) async throws -> [TestServer] {
    var servers: [TestServer] = []
    for number in 0..<count { servers.append(try await TestServer { _ in TestAnswer(body: "server \(number)") }) }
    return servers
  }

  private func cookie(_ answer: String) -> String? {
    let lines = answer.components(separatedBy: "\r\n").filter { $0.lowercased().hasPrefix("set-cookie: ") }
    return lines.count == 1 ? String(lines[0].dropFirst(12)) : nil
  }

  private func ask(_ proxy: RunningProxy, _ path: String = "/", _ headers: String = "") async throws -> String {
    try await proxy.ask("GET \(path) HTTP/1.1\nHost: web.test\n\(headers)Connection: close\n\n")
  }

  /// Goal: a session's first answer names its endpoint in a cookie, which is not set again while it serves; requests with it go there in place of
  /// their turn. When the endpoint has left, another takes over and says so; strict sessions fail.
  @Test(arguments: [false, true]) func sessions(isStrict: Bool) async throws {
    let servers = try await servers(3)
    func mesh(_ servers: [TestServer]) -> String {
      RunningProxy.mesh(
        servers.map(\.address), route: "statefulSession: {cookie: {name: id, ttl: 60s}, strict: \(isStrict)}")
    }
    let proxy = try await RunningProxy(mesh(servers))
    let first = try await ask(proxy)
    let set = try #require(cookie(first))
    #expect(set.hasPrefix("id=\"") && set.hasSuffix("; Max-Age=60; Path=/; HttpOnly"))
    let value = String(set.prefix { $0 != ";" }.dropFirst(4).dropLast())
    let named = try #require(SessionCookie.address(in: value, now: Int64(Date().timeIntervalSince1970)))
    let owner = try #require(servers.firstIndex { $0.address == named })
    #expect(first.contains("server \(owner)"))
    for _ in 0..<6 {
      let answer = try await ask(proxy, "/", "Cookie: other=1; id=\"\(value)\"\n")
      #expect(answer.contains("server \(owner)") && cookie(answer) == nil)
    }
    // Without it turns go round.
    var others: Set<String> = []
    for _ in 0..<3 { others.insert(String(try await ask(proxy).suffix(8))) }
    #expect(others.count == 3)
    try await proxy.server.take(
      try RunningProxy.description(mesh(servers.enumerated().filter { $0.offset != owner }.map(\.element))))
    let moved = try await ask(proxy, "/", "Cookie: id=\(value)\n")
    if isStrict {
      #expect(moved.hasPrefix("HTTP/1.1 503"))
    } else {
      #expect(moved.hasPrefix("HTTP/1.1 200") && cookie(moved) != nil && !moved.contains("server \(owner)"))
    }
    // A cookie that names nobody at all, and one that is none.
    let stranger = SessionCookie.value(naming: "10.9.9.9:1", ttl: .zero, now: 0)
    #expect(
      try await ask(proxy, "/", "Cookie: id=\(stranger)\n").hasPrefix(isStrict ? "HTTP/1.1 503" : "HTTP/1.1 200"))
    #expect(try await ask(proxy, "/", "Cookie: id=%%%\n").hasPrefix("HTTP/1.1 200"))
    await proxy.stop()
    for server in servers { await server.stop() }
  }

  /// Goal: cookies are Envoy's, byte by byte: the message that its tests hold, its older form without a message, and its expiry in seconds.
  @Test func sessionCookies() {
    // test/extensions/http/stateful_session/cookie/cookie_test.cc has these addresses and names; the message is by protoc's wire format.
    #expect(SessionCookie.value(naming: "1.2.3.4:80", ttl: .zero, now: 5) == "CgoxLjIuMy40Ojgw")
    #expect(SessionCookie.address(in: "CgoxLjIuMy40Ojgw", now: .max) == "1.2.3.4:80")
    let old = Data("1.2.3.4:80".utf8).base64EncodedString()
    #expect(SessionCookie.address(in: old, now: 0) == "1.2.3.4:80")
    let value = SessionCookie.value(naming: "[::1]:8080", ttl: .milliseconds(500), now: 1_700_000_000)
    #expect(SessionCookie.address(in: value, now: 1_700_000_001) == "[::1]:8080")
    #expect(SessionCookie.address(in: value, now: 1_700_000_002) == nil)
    for bad in ["", "*", "CgoxLjIuMy40Ojg"] { #expect(SessionCookie.address(in: bad, now: 0) == nil) }
  }

  /// Goal: a route's policies place requests: those of one user go to one server whatever else they say, users spread over all, and a cookie that
  /// was given sticks.
  @Test func hashPolicies() async throws {
    let servers = try await servers(3)
    let mesh = RunningProxy.mesh(
      servers.map(\.address),
      route: "hashPolicy: [{header: x-user, terminal: true}, {queryParameter: id, terminal: true}, "
        + "{cookie: {name: c, ttl: 5s}}]"
    ).replacingOccurrences(of: "balancer: roundRobin", with: "balancer: ringHash")
    let proxy = try await RunningProxy(mesh)
    var places: [String: String] = [:]
    for user in 0..<40 {
      let first = try await ask(proxy, "/?id=\(user)", "X-User: u\(user)\n")
      let second = try await ask(proxy, "/?id=other", "x-user: u\(user)\nX-Weir-Key: \(user)\n")
      #expect(first.suffix(8) == second.suffix(8) && cookie(first) == nil)
      places["u\(user)"] = String(first.suffix(8))
      // The parameter alone: hashed by the same function of its text.
      let byQuery = try await ask(proxy, "/?a=1&id=u\(user)")
      #expect(byQuery.suffix(8) == first.suffix(8))
    }
    #expect(Set(places.values).count == 3)
    let given = try await ask(proxy)
    let set = try #require(cookie(given))
    #expect(set.hasPrefix("c=\"") && set.hasSuffix("\"; Max-Age=5; HttpOnly"))
    for _ in 0..<4 {
      let answer = try await ask(proxy, "/", "Cookie: \(set.prefix { $0 != ";" })\n")
      #expect(answer.suffix(8) == given.suffix(8) && cookie(answer) == nil)
    }
    await proxy.stop()
    for server in servers { await server.stop() }
  }

  /// Goal: visitors behind one address are told apart: each connection is given a cookie of its own, and always the same one.
  @Test func visitorsBehindOneAddress() async throws {
    let servers = try await servers(3)
    let mesh = RunningProxy.mesh(servers.map(\.address), route: "hashPolicy: [{cookie: {name: c_id, ttl: 0s}}]")
      .replacingOccurrences(of: "balancer: roundRobin", with: "balancer: ringHash")
    let proxy = try await RunningProxy(mesh)
    var given: Set<String> = []
    for _ in 0..<20 {
      let connection = try await RawConnection(port: proxy.port)
      var values: [String] = []
      for round in 1...2 {
        try await connection.send("GET / HTTP/1.1\nHost: web.test\n\n")
        let text = await connection.receive {
          $0.components(separatedBy: "HTTP/1.1 200").count > round && $0.hasSuffix("r 0")
            || $0.components(separatedBy: "server ").count > round
        }
        values = text.components(separatedBy: "c_id=").dropFirst().map { String($0.prefix { $0 != ";" }) }
      }
      #expect(values.count == 2 && Set(values).count == 1, "\(values)")
      given.formUnion(values)
      await connection.close()
    }
    #expect(given.count == 20 && servers.allSatisfy { !$0.seen.isEmpty })
    await proxy.stop()
    for server in servers { await server.stop() }
  }

  /// Goal: a session is found in whichever cluster the split has drawn, where its server is in both; strict ones never fail then.
  @Test func sessionsAcrossClusters() async throws {
    let servers = try await servers(2)
    let list = servers.map { "\"\($0.address)\"" }.joined(separator: ", ")
    let mesh = """
        clusters:
          a: {protocol: http1, balancer: roundRobin, endpoints: [\(list)]}
          b: {protocol: http1, balancer: random, endpoints: [\(list)]}
        routes:
          - {match: {host: web.test}, split: [{to: a}, {to: b}], statefulSession: {strict: true}}
      """
    let proxy = try await RunningProxy(mesh)
    let first = try await ask(proxy)
    let value = try #require(cookie(first)).prefix { $0 != ";" }
    for _ in 0..<24 {
      let answer = try await ask(proxy, "/", "Cookie: \(value)\n")
      #expect(answer.suffix(8) == first.suffix(8) && cookie(answer) == nil)
    }
    await proxy.stop()
    for server in servers { await server.stop() }
  }

  /// Goal: routes that take a share of what fits them take that share over sockets too.
  @Test func runtimeFractions() async throws {
    let servers = try await servers(2)
    let mesh = """
        profile: envoy
        clusters:
          a: {protocol: http1, endpoints: ["\(servers[0].address)"]}
          b: {protocol: http1, endpoints: ["\(servers[1].address)"]}
        routes:
          - {match: {host: web.test, runtimeFraction: 30%}, split: [{to: a}]}
          - {match: {host: web.test}, split: [{to: b}]}
      """
    let proxy = try await RunningProxy(mesh)
    for _ in 0..<300 { #expect(try await proxy.get().status == 200) }
    // 90 of 300, sd 8.
    #expect(abs(servers[0].seen.count - 90) < 40 && servers[0].seen.count + servers[1].seen.count == 300)
    await proxy.stop()
    for server in servers { await server.stop() }
  }
}
