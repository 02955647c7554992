// A mesh as HAProxy's configuration (2.6): one frontend, one backend a cluster. HAProxy's own rules apply, so the simulated side should be
// written with `profile: haproxy`.

import MeshConfiguration
import MeshCore

enum HAProxyConfiguration {
  /// The configuration.
  ///
  /// - Throws: `TestbedError`, a line a key that HAProxy cannot be told.
  static func text(_ setup: PeerSetup) throws -> String {
    var refusals = Refusals("HAProxy")
    refusals.refuseOwn(setup.mesh)
    refusals.refuseOrder(setup.mesh)
    var rules: [String] = []
    for (index, route) in setup.mesh.routes.enumerated() { rules += self.rules(setup, index, route, &refusals) }
    var backends: [String] = []
    for index in setup.mesh.clusters.indices { backends += backend(setup, index, &refusals) }
    try refusals.check()
    let head = [
      "global", "  nbthread 1", "  maxconn 4096", "defaults", "  mode http", "  timeout client 1h",
      "  timeout http-keep-alive 1h", "  timeout http-request 10s", "frontend clients", "  bind \(setup.listener)",
    ]
    return (head + rules + backends).joined(separator: "\n") + "\n"
  }

  /// A span in HAProxy's units, whole microseconds.
  static func span(_ span: TimeSpan) -> String {
    let microseconds = max(1, span.nanoseconds / 1000)
    return microseconds % 1000 == 0 ? "\(microseconds / 1000)ms" : "\(microseconds)us"
  }

  private static func rules(
    _ setup: PeerSetup, _ index: Int, _ route: RouteDescription, _ refusals: inout Refusals
  ) -> [String] {
    let path = "mesh.routes.\(index)"
    refusals.refuse("\(path).split: several destinations", unless: route.split.count == 1, "expected one")
    refusals.refuse("\(path).hashPolicy", unless: route.hashPolicies.isEmpty)
    refusals.refuse("\(path).mirror", unless: route.mirrors.isEmpty)
    refusals.refuse("\(path).hedge", unless: route.hedge == nil)
    refusals.refuse("\(path).fault, rateLimit, admissionControl, adaptiveConcurrency", unless: route.gates == nil)
    refusals.refuse("\(path).match.headers", unless: route.match.headers.isEmpty)
    refusals.refuse("\(path).retry.perTryTimeout", unless: route.retry?.perTryTimeout == nil)
    var conditions: [String] = []
    if route.match.host != "*" { conditions.append("{ req.hdr(host),field(1,:) -i \(route.match.host) }") }
    switch route.match.path {
    case .any: break
    case .exact(let text): conditions.append("{ path \(text) }")
    case .prefix(let text), .textPrefix(let text): conditions.append("{ path_beg \(text) }")
    case .regex: refusals.refuse("\(path).match.path.regex", unless: false)
    }
    if let method = route.match.method { conditions.append("{ method \(method) }") }
    guard let cluster = route.split.first?.cluster, setup.mesh.clusters.indices.contains(cluster) else {
      refusals.refuse("\(path).split: no cluster", unless: false, "expected one")
      return []
    }
    let condition = conditions.isEmpty ? "" : " if " + conditions.joined(separator: " ")
    return ["  use_backend \(setup.mesh.clusters[cluster].name)\(condition)"]
  }

  private static func backend(_ setup: PeerSetup, _ index: Int, _ refusals: inout Refusals) -> [String] {
    let cluster = setup.mesh.clusters[index]
    let path = "mesh.clusters.\(cluster.name)"
    refusals.refuseStandings(setup, index)
    refusals.refuse("\(path).outlierDetection", unless: cluster.outlierDetection == nil)
    refusals.refuse("\(path).slowStart", unless: cluster.slowStart == nil)
    refusals.refuse("\(path).protocol: tcp", unless: cluster.transport != .tcp, "expected http1 or http2")
    refusals.refuse("\(path).circuitBreaker", unless: cluster.circuitBreaker == CircuitBreakerDescription())
    refusals.refuse("\(path).panicThreshold", unless: cluster.layers?.panicThreshold ?? 0 == 0, "expected 0%")
    let routes = setup.mesh.routes.enumerated().filter { $0.element.destinations.contains { $0.cluster == index } }
    for (number, route) in routes
    where route.timeout != routes[0].element.timeout || route.retry != routes[0].element.retry {
      refusals.refuse(
        "mesh.routes.\(number): another timeout or retry for the same cluster", unless: false, "expected one")
    }
    var lines = ["backend \(cluster.name)", "  timeout connect \(span(cluster.connectTimeout))"]
    lines.append("  timeout server \(routes.first?.element.timeout.map(span) ?? "1h")")
    lines.append("  http-reuse always")
    lines += balance(cluster, path, &refusals)
    lines += retries(routes.first?.element.retry, "mesh.routes.\(routes.first?.offset ?? 0)", &refusals)
    var check = ""
    if let description = cluster.healthCheck {
      refusals.refuse(
        "\(path).healthCheck.form", unless: description.form == .haproxy, "expected haproxy, as its profile has")
      if case .http = description.question {
        let own = setup.proxy.clusters[index]
        lines.append(
          "  option httpchk\n  http-check send meth \(own.healthMethod) uri \(own.healthPath) ver HTTP/1.1 hdr host \(own.healthHost ?? cluster.name) hdr user-agent weir-health-check"
        )
      } else {
        refusals.refuse("\(path).healthCheck", unless: description.question != .grpc, "expected http or tcp")
      }
      lines.append("  timeout check \(span(description.timeout))")
      check =
        " check inter \(span(description.interval)) fall \(description.unhealthyThreshold) rise \(description.healthyThreshold)"
    }
    let transport = cluster.transport == .http2 ? " proto h2" : ""
    for (number, server) in setup.servers(index).enumerated() {
      refusals.refuse("\(path): a weight of \(server.weight)", unless: server.weight <= 256, "expected at most 256")
      lines.append("  server s\(number) \(server.address) weight \(server.weight)\(transport)\(check)")
    }
    return lines
  }

  private static func balance(
    _ cluster: ClusterDescription, _ path: String, _ refusals: inout Refusals
  ) -> [String] {
    let choice = cluster.balancer
    switch choice.name {
    case "roundRobin": return ["  balance roundrobin"]
    case "leastConnections": return ["  balance leastconn"]
    case "random" where choice.text("form") == "haproxy": return ["  balance random(\(choice.text("draws")))"]
    default:
      refusals.refuse(
        "\(path).balancer: \(choice.name)", unless: false,
        "expected roundRobin, leastConnections, or random with form: haproxy")
      return []
    }
  }

  private static func retries(_ retry: RetryDescription?, _ path: String, _ refusals: inout Refusals) -> [String] {
    guard let retry else { return ["  retries 0"] }
    let names = ["connect-failure": "conn-failure", "reset": "empty-response", "5xx": "500 502 503 504"]
    var words: [String] = []
    for condition in retry.on {
      if let name = names[condition] {
        words.append(name)
      } else if let status = Int(condition), [401, 403, 404, 408, 425, 500, 501, 502, 503, 504].contains(status) {
        words.append(condition)
      } else {
        refusals.refuse(
          "\(path).retry.on: '\(condition)'", unless: false, "expected connect-failure, reset, 5xx or a status")
      }
    }
    let pause = retry.backoff
    refusals.refuse(
      "\(path).retry.backoff", unless: pause.base == .seconds(1) && pause.maximum == .seconds(1),
      "expected {base: 1s, max: 1s, jitter: 0%}, as its profile has")
    return ["  retries \(retry.attempts)", "  retry-on \(words.joined(separator: " "))"]
  }
}
