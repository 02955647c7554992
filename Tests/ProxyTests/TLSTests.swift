// Certificates on both sides of the proxy, who is let in by them, and how they are changed under way.

import Foundation
import MeshConfiguration
import NIOSSL
import Testing

@testable import Proxy

/// A folder with an authority and certificates, for the length of a test.
struct TestCertificates {
  let folder: String

  init(_ names: [String] = ["web", "client"]) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-tls-\(UUID().uuidString)").path
    for name in names { try issue(name) }
  }

  func issue(_ name: String) throws { try DevelopmentAuthority(folder: folder).issue(name) }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// What stands below `proxy`: the certificate of `name`, and other keys.
  func proxy(_ name: String = "web", _ others: String = "") -> String {
    "    tls: {certificate: \(folder)/\(name).pem, key: \(folder)/\(name).key, trust: \(folder)/ca.pem\(others)}"
  }

  /// What a client goes by, with the certificate of `name` if it has one.
  func client(_ name: String?, protocols: [String] = []) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file("\(folder)/ca.pem")
    configuration.shutdownTimeout = .milliseconds(100)
    configuration.applicationProtocols = protocols
    if let name {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile("\(folder)/\(name).pem").map {
        .certificate($0)
      }
      configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: "\(folder)/\(name).key", format: .pem))
    }
    return try NIOSSLContext(configuration: configuration)
  }
}

@Suite("TLS of the proxy", .serialized)
struct TLSTests {
  private func ask(_ proxy: RunningProxy, _ tls: NIOSSLContext?, _ path: String = "/", method: String = "GET")
    async throws
    -> String
  {
    let connection = try await RawConnection(port: proxy.port, tls: tls)
    try await connection.send("\(method) \(path) HTTP/1.1\nHost: web.test\nConnection: close\n\n")
    return await connection.receive()
  }

  /// Goal: a client with a certificate of the authority is served, and known to the endpoint by its SPIFFE identity, whatever it says of
  /// itself; a client without one, or in plain text, is not.
  @Test func mutual() async throws {
    let certificates = try TestCertificates()
    let backend = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]), proxy: certificates.proxy())
    let connection = try await RawConnection(port: proxy.port, tls: certificates.client("client"))
    try await connection.send("GET / HTTP/1.1\nHost: web.test\nX-Forwarded-Client-Cert: URI=spiffe://evil/admin\n\n")
    #expect(await connection.receive { $0.hasSuffix("ok") }.hasPrefix("HTTP/1.1 200"))
    let head = try #require(backend.seen.first?.head)
    #expect(head.headers["x-forwarded-client-cert"] == ["URI=spiffe://cluster.local/client"])
    #expect(head.headers["x-forwarded-proto"] == ["https"])
    await connection.close()
    await #expect(throws: (any Error).self) {
      let bare = try await RawConnection(port: proxy.port, tls: certificates.client(nil))
      try await bare.send("GET / HTTP/1.1\nHost: web.test\n\n")
      // The refusal may come behind the client's own end of the handshake.
      if await bare.receive().isEmpty { throw CancellationError() }
    }
    #expect(try await !ask(proxy, nil).contains("200"))
    #expect(backend.seen.count == 1)
    await proxy.stop()
    await backend.stop()
    certificates.remove()
  }

  /// Goal: a permissive listener takes both, and names only the peers that it knows; requested certificates may be missing.
  @Test func permissive() async throws {
    let certificates = try TestCertificates()
    let backend = try await TestServer()
    let proxy = try await RunningProxy(
      RunningProxy.mesh([backend.address]), listener: ", tls: permissive",
      proxy: certificates.proxy("web", ", clientCertificate: request"))
    #expect(try await ask(proxy, nil).hasPrefix("HTTP/1.1 200"))
    #expect(try await ask(proxy, certificates.client(nil)).hasPrefix("HTTP/1.1 200"))
    #expect(try await ask(proxy, certificates.client("client")).hasPrefix("HTTP/1.1 200"))
    #expect(
      backend.seen.map { $0.head.headers["x-forwarded-client-cert"] } == [
        [], [], ["URI=spiffe://cluster.local/client"],
      ])
    await proxy.stop()
    await backend.stop()
    certificates.remove()
  }

  /// Goal: policies decide by identity, path and method, deny before allow; who is denied gets 403, or status 7 of gRPC; what would be
  /// denied is let through where it is only audited, and counted either way.
  @Test func policies() async throws {
    let certificates = try TestCertificates(["web", "client", "other"])
    let backend = try await TestServer()
    let policies = """
      \(certificates.proxy())
          authorization:
            default: deny
            policies:
              - {name: readers, identities: ["spiffe://cluster.local/*"], methods: [GET], paths: ["/open/*"]}
              - {name: owner, identities: ["spiffe://cluster.local/client"]}
              - {name: secret, action: deny, paths: ["*/secret"]}
              - {name: seen, action: audit, methods: [POST]}
      """
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]), proxy: policies)
    let (owner, other) = (try certificates.client("client"), try certificates.client("other"))
    #expect(try await ask(proxy, owner, "/any?a=/secret").hasPrefix("HTTP/1.1 200"))
    let refused = try await ask(proxy, owner, "/open/secret?a=b")
    #expect(refused.hasPrefix("HTTP/1.1 403") && refused.hasSuffix("RBAC: access denied\n"))
    #expect(try await ask(proxy, other, "/open/x").hasPrefix("HTTP/1.1 200"))
    #expect(try await ask(proxy, other, "/closed").hasPrefix("HTTP/1.1 403"))
    #expect(try await ask(proxy, other, "/open/x", method: "POST").hasPrefix("HTTP/1.1 403"))
    let connection = try await RawConnection(port: proxy.port, tls: other)
    try await connection.send(
      "GET /closed HTTP/1.1\nHost: web.test\nConnection: close\nContent-Type: application/grpc+proto\n\n")
    let grpc = await connection.receive()
    #expect(grpc.hasPrefix("HTTP/1.1 200") && grpc.contains("grpc-status: 7"))
    let metrics = await proxy.server.metricsText()
    #expect(metrics.contains("weir_authorization_total{verdict=\"deny\",policy=\"secret\"} 1\n"))
    #expect(metrics.contains("weir_authorization_total{verdict=\"deny\",policy=\"\"} 3\n"))
    #expect(metrics.contains("weir_authorization_total{verdict=\"allow\",policy=\"readers\"} 1\n"))
    #expect(metrics.contains("weir_authorization_total{verdict=\"audit\",policy=\"seen\"} 1\n"))
    #expect(backend.seen.count == 2)
    let audited = policies.replacingOccurrences(of: "default: deny", with: "default: deny\n      audit: true")
    try await proxy.server.take(
      RunningProxy.description(RunningProxy.mesh([backend.address]), proxy: audited))
    #expect(try await ask(proxy, other, "/closed").hasPrefix("HTTP/1.1 200"))
    await proxy.stop()
    await backend.stop()
    certificates.remove()
  }

  /// Goal: a cluster with TLS is spoken to over TLS, its servers known by their identity or their host, and a server that is another is
  /// no endpoint.
  @Test(arguments: ["http1", "http2"]) func upstream(_ transport: String) async throws {
    let (certificates, strangers) = (try TestCertificates(), try TestCertificates())
    let backend = try await TestServer()
    let server = try await RunningProxy(RunningProxy.mesh([backend.address]), proxy: certificates.proxy())
    func front(_ other: String) async throws -> RunningProxy {
      let mesh = RunningProxy.mesh(["127.0.0.1:\(server.port)"], cluster: "tls: true")
        .replacingOccurrences(of: "protocol: http1", with: "protocol: \(transport)")
      return try await RunningProxy(
        mesh, listener: ", tls: off", proxy: certificates.proxy("client", ", clusters: {web: {\(other)}}"))
    }
    let cases = [
      ("identity: spiffe://cluster.local/web", 200), ("identity: spiffe://cluster.local/other", 503), ("", 200),
      ("serverName: web", 200), ("trust: \(strangers.folder)/ca.pem", 503),
    ]
    for (key, status) in cases {
      let proxy = try await front(key)
      let answer = try await proxy.get()
      #expect(answer.status == status, "\(key): \(answer.body)")
      await proxy.stop()
    }
    #expect(
      backend.seen.allSatisfy { $0.head.headers["x-forwarded-client-cert"] == ["URI=spiffe://cluster.local/client"] })
    await server.stop()
    await backend.stop()
    certificates.remove()
    strangers.remove()
  }

  /// Goal: a new certificate is shown to connections that come, without an end to those that stand; a file that is none is refused and the
  /// former stays.
  @Test func rotation() async throws {
    let certificates = try TestCertificates()
    let backend = try await TestServer()
    let proxy = try await RunningProxy(
      RunningProxy.mesh([backend.address]), proxy: certificates.proxy("web", ", clientCertificate: ignore"))
    let context = try certificates.client(nil)
    let request = "GET / HTTP/1.1\nHost: web.test\n\n"
    let standing = try await RawConnection(port: proxy.port, tls: context)
    try await standing.send(request)
    _ = await standing.receive { $0.hasSuffix("ok") }
    let first = try await standing.serverCertificate()
    try certificates.issue("web")
    proxy.server.refreshCertificates()
    func shown() async throws -> [UInt8]? {
      let connection = try await RawConnection(port: proxy.port, tls: context)
      try await connection.send(request)
      #expect(await connection.receive { $0.hasSuffix("ok") }.hasPrefix("HTTP/1.1 200"))
      let serial = try await connection.serverCertificate()
      await connection.close()
      return serial
    }
    let second = try await shown()
    #expect(first != nil && second != nil && first != second)
    try "no certificate".write(toFile: "\(certificates.folder)/web.pem", atomically: true, encoding: .utf8)
    proxy.server.refreshCertificates()
    #expect(try await shown() == second)
    try await standing.send(request)
    #expect(await standing.receive { $0.components(separatedBy: "200 OK").count == 3 }.hasSuffix("ok"))
    await standing.close()
    await proxy.stop()
    await backend.stop()
    certificates.remove()
  }

  /// Goal: what is wrong with certificates is said with the key and the file, before anything listens.
  @Test func refusals() throws {
    let certificates = try TestCertificates()
    let mesh = RunningProxy.mesh(["127.0.0.1:1"])
    func fault(_ proxy: String) -> String {
      do {
        try ProxyServer.check(RunningProxy.description(mesh, proxy: proxy))
        return "none"
      } catch {
        return "\(error)"
      }
    }
    #expect(fault(certificates.proxy()) == "none")
    #expect(
      fault("    tls: {trust: /nowhere/ca.pem}")
        == "mesh.proxy.tls.trust: /nowhere/ca.pem: cannot be read; expected a file in PEM")
    #expect(
      fault("    tls: {certificate: \(certificates.folder)/web.key, key: \(certificates.folder)/web.key}")
        == "mesh.proxy.tls.certificate: \(certificates.folder)/web.key: no certificate; expected at least one in PEM")
    #expect(
      fault("    tls: {certificate: \(certificates.folder)/web.pem, key: \(certificates.folder)/client.key}")
        == "mesh.proxy.tls.key: \(certificates.folder)/client.key: does not go with the certificate; expected its key")
    certificates.remove()
  }

  /// Goal: an authority is made once and used again; another folder's leaf is not its own.
  @Test func authority() throws {
    let certificates = try TestCertificates(["web"])
    let trust = try String(contentsOfFile: "\(certificates.folder)/ca.pem", encoding: .utf8)
    #expect(
      try DevelopmentAuthority(folder: certificates.folder).issue("b", trustDomain: "x.test") == "spiffe://x.test/b")
    #expect(try String(contentsOfFile: "\(certificates.folder)/ca.pem", encoding: .utf8) == trust)
    let mode = try FileManager.default.attributesOfItem(atPath: "\(certificates.folder)/b.key")[.posixPermissions]
    #expect(mode as? Int == 0o600)
    let leaf = try NIOSSLCertificate.fromPEMFile("\(certificates.folder)/b.pem")
    #expect(leaf.map { PeerIdentity.names(of: $0) } == [["spiffe://x.test/b", "b", "localhost"]])
    try "x".write(toFile: "\(certificates.folder)/ca-key.pem", atomically: true, encoding: .utf8)
    #expect(throws: DevelopmentAuthority.Fault.self) { try DevelopmentAuthority(folder: certificates.folder) }
    certificates.remove()
  }
}
