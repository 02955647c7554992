// A cluster of a mesh as Envoy's (envoy.config.cluster.v3, Envoy 1.40): its servers, its balancer, what watches over them.

import MeshConfiguration
import MeshCore

extension EnvoyConfiguration {
  /// A cluster, every field written out.
  static func cluster(_ setup: PeerSetup, _ index: Int, _ refusals: inout Refusals) -> JSONValue {
    let cluster = setup.mesh.clusters[index]
    let path = "mesh.clusters.\(cluster.name)"
    refusals.refuse("\(path).failover", unless: cluster.failover == .spillOver, "expected spillOver")
    refusals.refuse("\(path).protocol: tcp", unless: cluster.transport != .tcp, "expected http1 or http2")
    var members = [
      member("name", .text(cluster.name)), member("type", .text("STATIC")),
      member("connect_timeout", span(cluster.connectTimeout)),
      member(
        "load_assignment",
        .members([
          "cluster_name": .text(cluster.name),
          "endpoints": .list(localities(setup.servers(index))),
          "policy": .members([
            "overprovisioning_factor": .integer(Int64(cluster.layers?.overprovisioningFactor ?? 140))
          ]),
        ])),
      member("common_lb_config", .object(common(cluster))),
      member("circuit_breakers", breakers(cluster.circuitBreaker)),
    ]
    members += balancer(cluster, path, &refusals)
    if cluster.transport == .http2 {
      let options = typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        [member("explicit_http_config", .members(["http2_protocol_options": .object([])]))])
      members.append(
        member(
          "typed_extension_protocol_options",
          .members(["envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options])))
    }
    if let detection = cluster.outlierDetection {
      refusals.refuse("\(path).outlierDetection.form", unless: detection.form == .envoy, "expected envoy")
      members.append(member("outlier_detection", outliers(detection)))
    }
    if let check = cluster.healthCheck {
      refusals.refuse("\(path).healthCheck.form", unless: check.form == .envoy, "expected envoy")
      members.append(
        member("health_checks", .list([healthCheck(check, setup.proxy.clusters[index], setup, cluster.name)])))
    }
    return .object(members)
  }

  private static func common(_ cluster: ClusterDescription) -> [JSONMember] {
    var members = [
      member(
        "healthy_panic_threshold", .members(["value": .integer(Int64(cluster.layers?.panicThreshold ?? 0))])),
      member("update_merge_window", span(cluster.updateMergeWindow)),
      member(
        "zone_aware_lb_config",
        .members([
          "routing_enabled": .members(["value": .integer(0)]),
          "fail_traffic_on_panic": .flag(cluster.layers?.failTrafficOnPanic ?? false),
        ])),
    ]
    let factor = cluster.balancer.text("hashBalanceFactor")
    if !["", "0"].contains(factor) {
      members.append(
        member("consistent_hashing_lb_config", .members(["hash_balance_factor": .literal(factor)])))
    }
    return members
  }

  /// Envoy has priorities of groups of endpoints.
  private static func localities(_ servers: [ServerDescription]) -> [JSONValue] {
    let priorities = servers.map(\.priority).reduce(into: [Int32]()) { if !$0.contains($1) { $0.append($1) } }
    return (priorities.isEmpty ? [0] : priorities.sorted()).map { priority in
      var members: [JSONMember] = []
      if priority > 0 { members.append(member("priority", .integer(Int64(priority)))) }
      members.append(
        member("lb_endpoints", .list(servers.filter { $0.priority == priority }.map { endpoint($0) })))
      return .object(members)
    }
  }

  private static func endpoint(_ server: ServerDescription) -> JSONValue {
    var members = [
      member("endpoint", .members(["address": address(server.address)])),
      member("load_balancing_weight", .integer(Int64(server.weight))),
    ]
    if server.status != .healthy {
      members.append(member("health_status", .text(server.status.word.uppercased())))
    }
    return .object(members)
  }

  // MARK: - Balancers

  private static func balancer(
    _ cluster: ClusterDescription, _ path: String, _ refusals: inout Refusals
  ) -> [JSONMember] {
    let choice = cluster.balancer
    let own = "\(path).balancer.\(choice.name)"
    refusals.refuse("\(own).maxEffort", unless: ["", "0"].contains(choice.text("maxEffort")), "expected 0")
    var slowStart: [JSONMember] = []
    if let description = cluster.slowStart {
      slowStart.append(
        member(
          "slow_start_config",
          .members([
            "slow_start_window": span(description.window),
            "aggression": .members([
              "default_value": .literal("\(description.aggression)"), "runtime_key": .text("weir.aggression"),
            ]),
            "min_weight_percent": .members(["value": .literal("\(description.minWeightPercent)")]),
          ])))
    }
    switch choice.name {
    case "roundRobin":
      refusals.refuse("\(own).schedule", unless: choice.text("schedule") == "edf", "expected edf")
      return [member("lb_policy", .text("ROUND_ROBIN")), member("round_robin_lb_config", .object(slowStart))]
    case "random":
      refusals.refuse("\(own).form", unless: choice.text("form") == "envoy", "expected form: envoy, as its profile has")
      return [member("lb_policy", .text("RANDOM"))]
    case "leastRequest":
      refusals.refuse(
        "\(own).sampling", unless: choice.text("sampling") == "withReplacement",
        "expected withReplacement, as its profile has")
      refusals.refuse("\(own).fullScan", unless: choice.text("fullScan") == "false", "expected false")
      refusals.refuse("\(own).weighting", unless: choice.text("weighting") == "schedule", "expected schedule")
      let bias = JSONValue.members([
        "default_value": .literal(choice.text("activeRequestBias")), "runtime_key": .text("weir.bias"),
      ])
      return [
        member("lb_policy", .text("LEAST_REQUEST")),
        member(
          "least_request_lb_config",
          .object(
            [
              member("choice_count", .literal(choice.text("choices"))), member("active_request_bias", bias),
            ] + slowStart)),
      ]
    case "ringHash":
      refusals.refuse(
        "\(own).form", unless: ["", "envoy"].contains(choice.text("form")), "expected form: envoy, as its profile has")
      refusals.refuse(
        "\(own).hashFunction", unless: choice.text("hashFunction") != "djb2", "expected xxHash or murmurHash2")
      return [
        member("lb_policy", .text("RING_HASH")),
        member(
          "ring_hash_lb_config",
          .members([
            "minimum_ring_size": .literal(choice.text("minimumRingSize")),
            "maximum_ring_size": .literal(choice.text("maximumRingSize")),
            "hash_function": .text(choice.text("hashFunction") == "murmurHash2" ? "MURMUR_HASH_2" : "XX_HASH"),
          ])),
      ]
    case "maglev":
      return [
        member("lb_policy", .text("MAGLEV")),
        member("maglev_lb_config", .members(["table_size": .literal(choice.text("tableSize"))])),
      ]
    default:
      refusals.refuse(
        "\(path).balancer: \(choice.name)", unless: false,
        "expected roundRobin, random, leastRequest, ringHash or maglev")
      return []
    }
  }

  // MARK: - What watches over them

  private static func breakers(_ breaker: CircuitBreakerDescription) -> JSONValue {
    func limit(_ value: Int32?) -> JSONValue { .integer(Int64(value ?? .max)) }
    var threshold = [
      member("max_connections", limit(breaker.maxConnections)),
      member("max_pending_requests", limit(breaker.maxPendingRequests)),
      member("max_requests", limit(breaker.maxRequests)), member("max_retries", limit(breaker.maxRetries)),
    ]
    if let share = breaker.retryBudget {
      threshold.append(
        member(
          "retry_budget",
          .members([
            "budget_percent": .members(["value": .literal("\(share.budgetPercent)")]),
            "min_retry_concurrency": .integer(Int64(share.minRetryConcurrency)),
          ])))
    }
    var members = [member("thresholds", .list([.object(threshold)]))]
    if let host = breaker.maxConnectionsPerHost {
      members.append(member("per_host_thresholds", .list([.members(["max_connections": limit(host)])])))
    }
    return .object(members)
  }

  private static func outliers(_ detection: OutlierDetectionDescription) -> JSONValue {
    // Fields of whole per cents.
    func percent(_ value: Double) -> JSONValue { .integer(Int64(value.rounded())) }
    func count(_ value: UInt32) -> JSONValue { .integer(Int64(value)) }
    return .object([
      member("interval", span(detection.interval)), member("base_ejection_time", span(detection.baseEjectionTime)),
      member("max_ejection_time", span(detection.maxEjectionTime)),
      member("max_ejection_time_jitter", span(detection.maxEjectionTimeJitter)),
      member("max_ejection_percent", percent(detection.maxEjectionPercent)),
      member("always_eject_one_host", .flag(detection.alwaysEjectOneHost)),
      member("consecutive_5xx", count(detection.consecutive5xx)),
      member("consecutive_gateway_failure", count(detection.consecutiveGatewayFailure)),
      member("consecutive_local_origin_failure", count(detection.consecutiveLocalOriginFailure)),
      member("enforcing_consecutive_5xx", percent(detection.enforcingConsecutive5xx)),
      member("enforcing_consecutive_gateway_failure", percent(detection.enforcingConsecutiveGatewayFailure)),
      member("enforcing_consecutive_local_origin_failure", percent(detection.enforcingConsecutiveLocalOriginFailure)),
      member("enforcing_success_rate", percent(detection.enforcingSuccessRate)),
      member("enforcing_local_origin_success_rate", percent(detection.enforcingLocalOriginSuccessRate)),
      member("enforcing_failure_percentage", percent(detection.enforcingFailurePercentage)),
      member("enforcing_failure_percentage_local_origin", percent(detection.enforcingFailurePercentageLocalOrigin)),
      member("success_rate_minimum_hosts", count(detection.successRateMinimumHosts)),
      member("success_rate_request_volume", count(detection.successRateRequestVolume)),
      member("success_rate_stdev_factor", count(detection.successRateStdevFactor)),
      member("failure_percentage_threshold", percent(detection.failurePercentageThreshold)),
      member("failure_percentage_minimum_hosts", count(detection.failurePercentageMinimumHosts)),
      member("failure_percentage_request_volume", count(detection.failurePercentageRequestVolume)),
      member("split_external_local_origin_errors", .flag(detection.splitExternalLocalOriginErrors)),
      member("successful_active_health_check_uneject_host", .flag(detection.successfulActiveHealthCheckUnejectHost)),
    ])
  }

  private static func healthCheck(
    _ check: HealthCheckDescription, _ cluster: ProxiedCluster, _ setup: PeerSetup, _ name: String
  ) -> JSONValue {
    var members = [
      member("interval", span(check.interval)), member("timeout", span(check.timeout)),
      member("unhealthy_threshold", .integer(Int64(check.unhealthyThreshold))),
      member("healthy_threshold", .integer(Int64(check.healthyThreshold))),
      member("initial_jitter", span(check.initialJitter)), member("interval_jitter", span(check.intervalJitter)),
      member("interval_jitter_percent", .integer(Int64(check.intervalJitterPercent))),
      member("unhealthy_interval", span(check.unhealthyInterval)),
      member("unhealthy_edge_interval", span(check.unhealthyEdgeInterval)),
      member("healthy_edge_interval", span(check.healthyEdgeInterval)),
      member("no_traffic_interval", span(check.noTrafficInterval)),
      member("no_traffic_healthy_interval", span(check.noTrafficHealthyInterval)),
      member("reuse_connection", .flag(check.reusesConnection)),
      member(
        "event_logger",
        .list([
          .members([
            "name": .text("envoy.health_check.event_sinks.file"),
            "typed_config": typed(
              "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
              [member("event_log_path", .text("\(setup.folder)/checks.json"))]),
          ])
        ])),
      member("always_log_health_check_failures", .flag(false)),
    ]
    switch check.question {
    case .http:
      func ranges(_ ranges: [Range<Int16>]) -> JSONValue {
        .list(
          ranges.map { .members(["start": .integer(Int64($0.lowerBound)), "end": .integer(Int64($0.upperBound))]) })
      }
      var http = [
        member("host", .text(cluster.healthHost ?? name)), member("path", .text(cluster.healthPath)),
        member("expected_statuses", ranges(check.expectedStatuses)),
      ]
      if cluster.healthMethod != "GET" { http.append(member("method", .text(cluster.healthMethod))) }
      if !check.retriableStatuses.isEmpty {
        http.append(member("retriable_statuses", ranges(check.retriableStatuses)))
      }
      members.append(member("http_health_check", .object(http)))
    case .tcp: members.append(member("tcp_health_check", .object([])))
    case .grpc: members.append(member("grpc_health_check", .object([])))
    }
    return .object(members)
  }
}
