// What a proxy's file says of who names servers, and of tracing.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite struct ServerDiscoverySchemaTests {
  private func read(_ proxy: String, clusters: String = "web: {}") -> Result<ProxyDescription, Diagnostics> {
    let text = "mesh:\n  clusters: {\(clusters)}\n  proxy:\n    \(proxy)\n"
    return ProxyReader.read([UInt8](text.utf8), path: "conf/mesh.yaml")
  }

  private func fault(_ proxy: String) -> String {
    guard case .failure(let diagnostics) = read(proxy) else { return "" }
    return diagnostics.description
  }

  /// Goal: each kind of source is read with its defaults; files are relative to the file that names them.
  @Test func sources() throws {
    func source(_ text: String) throws -> ServerDiscovery? {
      try read("discovery: {web: \(text)}").get().clusters[0].discovery
    }
    #expect(try source("{file: web.json}") == .file(path: "conf/web.json", refresh: .milliseconds(500)))
    #expect(try source("{file: /etc/w, refresh: 2s}") == .file(path: "/etc/w", refresh: .seconds(2)))
    #expect(try source("{dns: \"db.test:53\"}") == .dns(SocketName(host: "db.test", port: 53), refresh: .seconds(5)))
    var service = KubernetesSource(service: "web")
    #expect(try source("{kubernetes: web}") == .kubernetes(service))
    (service.namespace, service.port, service.server) = ("shop", "8080", "https://10.0.0.1:6443")
    (service.tokenFile, service.authorityFile) = ("conf/token", "/ca.crt")
    #expect(
      try source(
        "{kubernetes: {service: web, namespace: shop, port: 8080, server: \"https://10.0.0.1:6443\", tokenFile: token, ca: /ca.crt}}"
      ) == .kubernetes(service))
    #expect(try read("{}").get().clusters[0].discovery == nil)
  }

  /// Goal: what cannot be meant is refused, with what was expected.
  @Test func faults() {
    #expect(fault("discovery: {wbe: {file: a}}").contains("did you mean 'web'?"))
    #expect(fault("discovery: {web: {dns: db.test}}").contains("is no name and port"))
    #expect(fault("discovery: {web: {dns: \"db.test:0\"}}").contains("is no name and port"))
    #expect(fault("discovery: {web: {file: a, dns: \"b:1\"}}").contains("dns"))
    #expect(fault("discovery: {web: {kubernetes: web, refresh: 1s}}").contains("tells of changes by itself"))
    #expect(fault("discovery: {web: {kubernetes: {service: web, server: here}}}").contains("is no URL"))
    #expect(fault("discovery: {web: {kubernetes: {service: web, token: a, tokenFile: b}}}").contains("a second token"))
    #expect(fault("discovery: {web: {file: a, refresh: 1ms}}").contains("too short"))
  }

  /// Goal: a receiver's address stands for that of its traces, unless it has a path; a share is from 0 to 1.
  @Test func tracing() throws {
    #expect(
      try read("tracing: {otlp: \"http://a:4318\"}").get().tracing
        == TracingDescription(endpoint: "http://a:4318/v1/traces"))
    let all = try read("tracing: {otlp: \"https://a/\", sampling: 10%, service: edge, queue: 5}").get().tracing
    #expect(
      all == TracingDescription(endpoint: "https://a/v1/traces", sampling: 0.1, service: "edge", queue: 5))
    #expect(try read("tracing: \"http://a:1/x\"").get().tracing?.endpoint == "http://a:1/x")
    #expect(fault("tracing: a:4318").contains("is no URL"))
    #expect(fault("tracing: {otlp: \"http://a\", sampling: 110%}").contains("is above 1"))
    #expect(try read("explain: 50").get().explained == 50)
  }

  /// Goal: a list of endpoints is read in both forms, with places; zones keep the numbers that the mesh has given them.
  @Test func endpointFiles() throws {
    let servers = try EndpointFile.read(
      [UInt8]("- a:1\n- {address: \"[::1]:2\", weight: 3, zone: z}\n".utf8), path: "f"
    ).get()
    #expect(
      servers.map(\.address.description) == ["a:1", "[::1]:2"] && servers[1].weight == 3 && servers[1].zone == "z")
    let clusters = "a: {endpoints: [{address: \"a:1\", zone: y}]}, b: {endpoints: [{address: \"b:1\", zone: x}]}"
    #expect(try read("{}", clusters: clusters).get().zones == ["y", "x"])
    guard case .failure(let faults) = EndpointFile.read([UInt8]("- a:1\n- b\n".utf8), path: "f") else {
      Issue.record("a bad file is read")
      return
    }
    #expect(faults.lines == ["f:2:3: error: 1: 'b' is no address; expected host:port, such as 127.0.0.1:8080"])
  }
}
