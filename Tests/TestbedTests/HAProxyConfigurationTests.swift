// A mesh as HAProxy's configuration: text against text, and the text against HAProxy itself where there is one.

import Testing

@testable import Testbed

@Suite struct HAProxyConfigurationTests {
  private static func setup(_ mesh: String) throws -> PeerSetup {
    let test = try TestScenario(
      """
      scenario: peer
      world:
        services: {web: {replicas: [{name: a}, {name: b, weight: 3}], time: 5ms}}
        clients: {users: {target: web, arrivals: {poisson: 10/s}}}
      \(mesh)
      """)
    return try Validator.setup(test.variant)
  }

  private static let mesh = """
    mesh:
      profile: haproxy
      clusters:
        web: {service: web, healthCheck: {http: {path: /ok}, interval: 1s, timeout: 500ms}}
      routes:
        - {match: {host: web, path: {prefix: /api}, method: GET}, split: [{to: web}]}
    """

  /// Goal: the whole text of a small mesh with HAProxy's defaults.
  @Test func text() throws {
    #expect(
      try HAProxyConfiguration.text(Self.setup(Self.mesh)) == """
        global
          nbthread 1
          maxconn 4096
        defaults
          mode http
          timeout client 1h
          timeout http-keep-alive 1h
          timeout http-request 10s
        frontend clients
          bind 127.0.0.1:8080
          use_backend web if { req.hdr(host),field(1,:) -i web } { path_beg /api } { method GET }
        backend web
          timeout connect 5000ms
          timeout server 50000ms
          http-reuse always
          balance roundrobin
          retries 3
          retry-on conn-failure
          option httpchk
          http-check send meth GET uri /ok ver HTTP/1.1 hdr host web hdr user-agent weir-health-check
          timeout check 500ms
          server s0 127.0.0.1:9001 weight 1 check inter 1000ms fall 3 rise 2
          server s1 127.0.0.1:9002 weight 3 check inter 1000ms fall 3 rise 2

        """)
  }

  /// Goal: what HAProxy cannot be told is refused, each key with its place.
  @Test func refusals() throws {
    let setup = try Self.setup(
      "mesh: {clusters: {web: {balancer: ringHash, outlierDetection: {}}}, routes: [{match: web, hedge: {after: 9ms}}]}"
    )
    do {
      _ = try HAProxyConfiguration.text(setup)
      Issue.record("told")
    } catch let error as TestbedError {
      #expect(error.lines.count == 3 && error.lines[0].hasPrefix("mesh.routes.0.hedge: HAProxy"), "\(error)")
    }
  }

  /// Goal: HAProxy itself takes it. Where there is none the test says so and is cancelled.
  @Test func haproxyTakesIt() throws {
    try PeerCheck.accepts(.haproxy, try Self.setup(Self.mesh))
    try PeerCheck.accepts(
      .haproxy, try Self.setup("mesh: {clusters: {web: {balancer: leastConnections, protocol: http2}}}"))
  }
}
