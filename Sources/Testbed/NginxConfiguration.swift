// A mesh as nginx's configuration (1.22): one upstream a cluster, one server a host. Its round robin is the smooth one, its checks are
// passive and are turned off: nginx free of charge has no others.

import MeshConfiguration
import MeshCore

enum NginxConfiguration {
  /// The configuration.
  ///
  /// - Throws: `TestbedError`, a line a key that nginx cannot be told.
  static func text(_ setup: PeerSetup) throws -> String {
    var refusals = Refusals("nginx")
    refusals.refuseOwn(setup.mesh)
    refusals.refuseOrder(setup.mesh)
    var lines = [
      "daemon off;", "master_process off;", "worker_processes 1;", "pid \(setup.folder)/nginx.pid;",
      "error_log stderr error;", "events { worker_connections 4096; }", "http {", "  access_log off;",
      "  keepalive_requests 1000000000;", "  keepalive_timeout 1h;",
    ]
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
      lines.append("  \(kind)_temp_path \(setup.folder)/\(kind);")
    }
    for index in setup.mesh.clusters.indices { lines += upstream(setup, index, &refusals) }
    var hosts: [String] = []
    for (index, route) in setup.mesh.routes.enumerated() {
      let path = "mesh.routes.\(index)"
      refusals.refuse(
        "\(path): a second route of host \(route.match.host)", unless: !hosts.contains(route.match.host),
        "expected one a host")
      hosts.append(route.match.host)
      lines += server(setup, path, route, &refusals)
    }
    try refusals.check()
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  private static func span(_ span: TimeSpan) -> String { "\(max(1, span.nanoseconds / 1_000_000))ms" }

  private static func upstream(_ setup: PeerSetup, _ index: Int, _ refusals: inout Refusals) -> [String] {
    let cluster = setup.mesh.clusters[index]
    let path = "mesh.clusters.\(cluster.name)"
    refusals.refuseStandings(setup, index)
    refusals.refuse("\(path).outlierDetection", unless: cluster.outlierDetection == nil)
    refusals.refuse("\(path).healthCheck", unless: cluster.healthCheck == nil)
    refusals.refuse("\(path).slowStart", unless: cluster.slowStart == nil)
    refusals.refuse("\(path).protocol", unless: cluster.transport == .http1, "expected http1")
    refusals.refuse("\(path).circuitBreaker", unless: cluster.circuitBreaker == CircuitBreakerDescription())
    refusals.refuse("\(path).panicThreshold", unless: cluster.layers?.panicThreshold ?? 0 == 0, "expected 0%")
    var lines = ["  upstream \(cluster.name) {"]
    let choice = cluster.balancer
    switch choice.name {
    case "roundRobin":
      let isEven = Set(setup.servers(index).map(\.weight)).count <= 1
      refusals.refuse(
        "\(path).balancer.roundRobin.schedule", unless: isEven || choice.text("schedule") == "smooth", "expected smooth"
      )
    case "leastConnections": lines.append("    least_conn;")
    case "random" where choice.text("form") == "scaled": lines.append("    random;")
    default:
      refusals.refuse(
        "\(path).balancer: \(choice.name)", unless: false,
        "expected roundRobin, leastConnections, or random with form: scaled"
      )
    }
    for server in setup.servers(index) {
      lines.append("    server \(server.address) weight=\(server.weight) max_fails=0;")
    }
    return lines + ["    keepalive 1024;", "    keepalive_requests 1000000000;", "    keepalive_timeout 1h;", "  }"]
  }

  private static func server(
    _ setup: PeerSetup, _ path: String, _ route: RouteDescription, _ refusals: inout Refusals
  ) -> [String] {
    refusals.refuse("\(path).split: several destinations", unless: route.split.count == 1, "expected one")
    refusals.refuse("\(path).hashPolicy", unless: route.hashPolicies.isEmpty)
    refusals.refuse("\(path).mirror", unless: route.mirrors.isEmpty)
    refusals.refuse("\(path).hedge", unless: route.hedge == nil)
    refusals.refuse("\(path).fault, rateLimit, admissionControl, adaptiveConcurrency", unless: route.gates == nil)
    refusals.refuse("\(path).match.headers", unless: route.match.headers.isEmpty)
    refusals.refuse("\(path).match.method", unless: route.match.method == nil)
    refusals.refuse("\(path).match.path", unless: route.match.path == .any)
    guard let index = route.split.first?.cluster, setup.mesh.clusters.indices.contains(index) else {
      refusals.refuse("\(path).split: no cluster", unless: false, "expected one")
      return []
    }
    let cluster = setup.mesh.clusters[index]
    var lines = [
      "  server {", "    listen \(setup.listener);",
      "    server_name \(route.match.host == "*" ? "_" : route.match.host);",
      "    location / {", "      proxy_pass http://\(cluster.name);", "      proxy_http_version 1.1;",
      "      proxy_set_header Connection \"\";", "      proxy_set_header Host $http_host;",
      "      proxy_buffering off;", "      proxy_connect_timeout \(span(cluster.connectTimeout));",
      "      proxy_read_timeout \(route.timeout.map(span) ?? "1h");",
    ]
    lines += retries(route.retry, path, &refusals).map { "      \($0)" }
    return lines + ["    }", "  }"]
  }

  private static func retries(_ retry: RetryDescription?, _ path: String, _ refusals: inout Refusals) -> [String] {
    guard let retry, retry.attempts > 0 else { return ["proxy_next_upstream off;"] }
    var words: [String] = []
    for condition in retry.on {
      switch condition {
      // What nginx calls error is both: a connection that does not open, and one that breaks.
      case "connect-failure", "reset": if !words.contains("error") { words.append("error") }
      case "5xx": words += ["http_500", "http_502", "http_503", "http_504"]
      case "500", "502", "503", "504", "403", "404", "429": words.append("http_\(condition)")
      default:
        refusals.refuse(
          "\(path).retry.on: '\(condition)'", unless: false, "expected connect-failure, reset, 5xx or a status")
      }
    }
    refusals.refuse("\(path).retry.perTryTimeout", unless: retry.perTryTimeout == nil)
    refusals.refuse(
      "\(path).retry.backoff.base", unless: retry.backoff.base == .zero, "expected 0s: nginx tries again at once")
    return [
      "proxy_next_upstream \(words.joined(separator: " ")) non_idempotent;",
      "proxy_next_upstream_tries \(retry.attempts + 1);",
    ]
  }
}
