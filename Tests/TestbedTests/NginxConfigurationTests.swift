// A mesh as nginx's configuration: text against text, and the text against nginx itself where there is one.

import Testing

@testable import Testbed

@Suite struct NginxConfigurationTests {
  private static func setup(_ mesh: String) throws -> PeerSetup {
    let test = try TestScenario(
      """
      scenario: peer
      world:
        services: {web: {replicas: 2, time: 5ms}}
        clients: {users: {target: web, arrivals: {poisson: 10/s}}}
      \(mesh)
      """)
    return try Validator.setup(test.variant)
  }

  private static let mesh = """
    mesh:
      clusters: {web: {balancer: leastConnections, protocol: http1, connectTimeout: 2s}}
      routes:
        - {match: {host: web}, split: [{to: web}], timeout: 250ms, retry: {on: [connect-failure, 503], attempts: 1, backoff: {base: 0s}}}
    """

  /// Goal: the upstream and the server of a small mesh.
  @Test func text() throws {
    let text = try NginxConfiguration.text(Self.setup(Self.mesh))
    let expected = """
        upstream web {
          least_conn;
          server 127.0.0.1:9001 weight=1 max_fails=0;
          server 127.0.0.1:9002 weight=1 max_fails=0;
          keepalive 1024;
          keepalive_requests 1000000000;
          keepalive_timeout 1h;
        }
        server {
          listen 127.0.0.1:8080;
          server_name web;
          location / {
            proxy_pass http://web;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_buffering off;
            proxy_connect_timeout 2000ms;
            proxy_read_timeout 250ms;
            proxy_next_upstream error http_503 non_idempotent;
            proxy_next_upstream_tries 2;
          }
        }
      }

      """
    #expect(text.hasSuffix(expected), "\(text)")
  }

  /// Goal: what nginx cannot be told is refused, each key with its place.
  @Test func refusals() throws {
    let setup = try Self.setup(
      "mesh: {clusters: {web: {balancer: peakEwma, protocol: http2, healthCheck: {tcp: {}, interval: 1s, timeout: 1s, unhealthyThreshold: 2, healthyThreshold: 2}}}}"
    )
    do {
      _ = try NginxConfiguration.text(setup)
      Issue.record("told")
    } catch let error as TestbedError {
      #expect(error.lines.count == 3 && error.lines[0].hasPrefix("mesh.clusters.web.healthCheck: nginx"), "\(error)")
    }
  }

  /// Goal: nginx itself takes it. Where there is none the test says so and is cancelled.
  @Test func nginxTakesIt() throws { try PeerCheck.accepts(.nginx, try Self.setup(Self.mesh)) }
}
