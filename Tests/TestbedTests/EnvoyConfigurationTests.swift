// A mesh as Envoy's bootstrap: text against text, and the text against Envoy itself where there is one.

import Foundation
import MeshConfiguration
import MeshCore
import Testing

@testable import Testbed

@Suite struct EnvoyConfigurationTests {
  private static let mesh = """
    mesh:
      profile: envoy
      clusters:
        web:
          service: web
          connectTimeout: 250ms
          balancer: {leastRequest: {choices: 3}}
          panicThreshold: 40%
          circuitBreaker: {maxRequests: 10, retryBudget: {budgetPercent: 25, minRetryConcurrency: 2}}
          outlierDetection: {consecutive5xx: 7, interval: 2s, baseEjectionTime: 3500ms, maxEjectionPercent: 50}
          healthCheck: {http: {path: /ok}, interval: 1s, timeout: 500ms, unhealthyThreshold: 2, healthyThreshold: 3}
          slowStart: {window: 30s}
        db: {service: db, balancer: {ringHash: {minimumRingSize: 64, hashBalanceFactor: 150}}, protocol: http2}
      routes:
        - match: {host: web, path: {prefix: /api}, method: GET, headers: {x-tenant: gold}}
          split: [{to: web, weight: 90}, {to: db, weight: 10}]
          timeout: 1500ms
          retry: {on: [5xx, connect-failure, 429], attempts: 2, perTryTimeout: 300ms, backoff: {base: 5ms, max: 20ms}}
          hedge: {hedgeOnPerTryTimeout: true}
          mirror: [{to: db, percent: 5}]
          hashPolicy:
            - {queryParameter: id, terminal: true}
            - {cookie: {name: c, ttl: 5s, path: /shop}}
            - {connectionProperties: {sourceIp: true}}
        - {match: {host: web}, split: [{to: db}]}
    """

  private static func setup(_ mesh: String) throws -> PeerSetup {
    let test = try TestScenario(
      """
      scenario: peer
      world:
        services: {web: {replicas: [{name: a}, {name: b, priority: 2, healthStatus: draining}], time: 5ms}, db: {replicas: 1, time: 5ms}}
        clients: {users: {target: web, arrivals: {poisson: 10/s}}}
      \(mesh)
      """)
    return try Validator.setup(test.variant)
  }

  /// Goal: each policy that Envoy has a field for is in the bootstrap, under its name and with its value, whatever Envoy's own default is.
  @Test func fields() throws {
    let text = try EnvoyConfiguration.text(Self.setup(Self.mesh))
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let expected = [
      "\"connect_timeout\": \"0.25s\"", "\"lb_policy\": \"LEAST_REQUEST\"", "\"choice_count\": 3",
      "\"healthy_panic_threshold\": {\"value\": 40}", "\"max_requests\": 10", "\"max_connections\": 1024",
      "\"budget_percent\": {\"value\": 25.0}", "\"min_retry_concurrency\": 2", "\"consecutive_5xx\": 7",
      "\"base_ejection_time\": \"3.5s\"", "\"max_ejection_percent\": 50", "\"enforcing_success_rate\": 100",
      "\"path\": \"/ok\"", "\"unhealthy_threshold\": 2", "\"healthy_threshold\": 3", "\"no_traffic_interval\": \"60s\"",
      "\"slow_start_window\": \"30s\"", "\"minimum_ring_size\": 64", "\"hash_balance_factor\": 150",
      "\"http2_protocol_options\": {}", "\"prefix\": \"/api\"", "\"exact\": \"gold\"",
      "\"name\": \":method\"", "{\"name\": \"web\", \"weight\": 90}", "\"timeout\": \"1.5s\"",
      "\"retry_on\": \"5xx,connect-failure,retriable-status-codes\"", "\"num_retries\": 2", "[429]",
      "\"per_try_timeout\": \"0.3s\"", "\"base_interval\": \"0.005s\"", "\"hedge_on_per_try_timeout\": true",
      "\"numerator\": 50000", "\"header_name\": \"x-weir-key\"", "\"include_request_attempt_count\": true",
      "\"query_parameter\": {\"name\": \"id\"}", "\"terminal\": true",
      "\"cookie\": {\"name\": \"c\", \"ttl\": \"5s\", \"path\": \"/shop\"}",
      "\"connection_properties\": {\"source_ip\": true}", "\"priority\": 2", "\"health_status\": \"DRAINING\"",
      "\"timeout\": \"15s\"", "\"update_merge_window\": \"1s\"", "\"domains\": [\"web\", \"web:*\"]",
    ]
    for field in expected { #expect(words.contains(field), "\(field) is not in\n\(text)") }
    #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
  }

  /// Goal: a mesh that asks for nothing gets nothing: no timeout, no limit, no panic, although Envoy's defaults have them.
  @Test func nothingIsAdded() throws {
    let text = try EnvoyConfiguration.text(
      Self.setup(
        "mesh: {clusters: {web: {service: web, balancer: roundRobin}, db: {service: db, balancer: roundRobin}}}"))
    for field in [
      "\"timeout\": \"0s\"", "\"max_requests\": 2147483647", "\"healthy_panic_threshold\": {\"value\": 0}",
      "\"update_merge_window\": \"0s\"", "\"routing_enabled\": {\"value\": 0}",
    ] { #expect(text.contains(field), "\(field) is not in\n\(text)") }
    #expect(!text.contains("retry_policy") && !text.contains("outlier_detection\": {\"interval"))
  }

  /// Goal: what Envoy has no field for is refused, each key with its place and what to write instead.
  @Test func refusals() throws {
    let setup = try Self.setup(
      """
      mesh:
        clusters:
          web:
            service: web
            balancer: peakEwma
            failureAccrual: {consecutive: {maxFailures: 7}}
          db: {service: db, balancer: leastRequest}
        routes:
          - match: {host: web}
            split: [{to: web}]
            hedge: {after: 20ms}
            retry: {on: [5xx], attempts: 1, backoff: {base: 0s}, budget: {ratio: 0.1}}
          - {match: {host: web, path: {prefix: /x}}, split: [{to: db}]}
      """)
    do {
      _ = try EnvoyConfiguration.text(setup)
      Issue.record("told")
    } catch let error as TestbedError {
      let places = [
        "mesh.routes.0.retry.budget: ", "mesh.clusters.web.failureAccrual: ",
        "mesh.routes.1: a second route of host web",
        "mesh.routes.0.retry.backoff.base: ", "mesh.routes.0.hedge: ", "mesh.clusters.web.balancer: peakEwma: ",
        "mesh.clusters.db.balancer.leastRequest.sampling: ",
      ]
      #expect(error.lines.count == places.count, "\(error)")
      for place in places { #expect(error.lines.contains { $0.hasPrefix(place) }, "\(place) \(error)") }
      #expect(error.lines.allSatisfy { $0.contains("Envoy cannot be told this; ") })
    }
  }

  /// Goal: durations are protobuf's JSON.
  @Test func spans() {
    #expect(EnvoyConfiguration.span(.seconds(15)) == .text("15s"))
    #expect(EnvoyConfiguration.span(.milliseconds(250)) == .text("0.25s"))
    #expect(EnvoyConfiguration.span(TimeSpan(nanoseconds: 1_000_000_001)) == .text("1.000000001s"))
  }

  /// Goal: Envoy itself takes it. Where there is no Envoy the test says so and is cancelled.
  @Test func envoyTakesIt() throws {
    for mesh in [Self.mesh, "mesh: {clusters: {web: {balancer: maglev}, db: {balancer: roundRobin}}}"] {
      try PeerCheck.accepts(.envoy, try Self.setup(mesh))
    }
  }
}
