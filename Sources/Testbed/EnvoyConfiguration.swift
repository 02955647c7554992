// A mesh as Envoy's static bootstrap (envoy.config.bootstrap.v3, Envoy 1.40), in JSON, which is YAML too.
//
// Everything is written out, whatever Envoy's own defaults are: a mesh that says nothing of timeouts, breakers or panic gets none here
// either. What Envoy has no field for is refused.

import MeshConfiguration
import MeshCore

enum EnvoyConfiguration {
  /// The bootstrap.
  ///
  /// - Throws: `TestbedError`, a line a key that Envoy cannot be told.
  static func text(_ setup: PeerSetup) throws -> String {
    var refusals = Refusals("Envoy")
    refusals.refuseOwn(setup.mesh)
    refusals.refuseOrder(setup.mesh)
    let hosts = virtualHosts(setup, &refusals)
    let clusters = setup.mesh.clusters.indices.map { cluster(setup, $0, &refusals) }
    try refusals.check()
    var root: [JSONMember] = []
    if let admin = setup.admin {
      root.append(JSONMember(key: "admin", value: .members(["address": address(admin)])))
    }
    root.append(
      JSONMember(
        key: "static_resources",
        value: .members(["listeners": .list([listener(setup, hosts)]), "clusters": .list(clusters)])))
    root.append(
      JSONMember(
        key: "cluster_manager",
        value: .members(["outlier_detection": .members(["event_log_path": .text("\(setup.folder)/outliers.json")])])))
    return JSONValue.object(root).text(width: 120) + "\n"
  }

  static func address(_ name: SocketName) -> JSONValue {
    .members(["socket_address": .members(["address": .text(name.host), "port_value": .integer(Int64(name.port))])])
  }

  /// A duration in the JSON form of protobuf.
  static func span(_ span: TimeSpan) -> JSONValue {
    let whole = span.nanoseconds / 1_000_000_000
    let rest = span.nanoseconds % 1_000_000_000
    if rest == 0 { return .text("\(whole)s") }
    let digits = String(rest)
    var fraction = String(repeating: "0", count: 9 - digits.count) + digits
    while fraction.last == "0" { fraction.removeLast() }
    return .text("\(whole).\(fraction)s")
  }

  static func typed(_ type: String, _ members: [JSONMember] = []) -> JSONValue {
    .object([JSONMember(key: "@type", value: .text("type.googleapis.com/\(type)"))] + members)
  }

  static func member(_ key: String, _ value: JSONValue) -> JSONMember { JSONMember(key: key, value: value) }

  // MARK: - Listener

  private static func listener(_ setup: PeerSetup, _ hosts: [JSONValue]) -> JSONValue {
    let router = JSONValue.members([
      "name": .text("envoy.filters.http.router"),
      "typed_config": typed("envoy.extensions.filters.http.router.v3.Router"),
    ])
    let manager = typed(
      "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      [
        member("stat_prefix", .text("clients")), member("codec_type", .text("AUTO")),
        member("route_config", .members(["name": .text("routes"), "virtual_hosts": .list(hosts)])),
        member("http_filters", .list([router])),
      ])
    let filter = JSONValue.members([
      "name": .text("envoy.filters.network.http_connection_manager"), "typed_config": manager,
    ])
    return .members([
      "name": .text("clients"), "address": address(setup.listener),
      "filter_chains": .list([.members(["filters": .list([filter])])]),
    ])
  }

  // MARK: - Routes

  private static func virtualHosts(_ setup: PeerSetup, _ refusals: inout Refusals) -> [JSONValue] {
    var names: [String] = []
    for route in setup.mesh.routes where !names.contains(route.match.host) { names.append(route.match.host) }
    return names.enumerated().map { place, name in
      let routes = setup.mesh.routes.enumerated().filter { $0.element.match.host == name }
        .map { route(setup, $0.offset, $0.element, &refusals) }
      return .members([
        "name": .text("host-\(place)"),
        "domains": .texts(name == "*" || name.hasPrefix("*") ? [name] : [name, "\(name):*"]),
        "include_request_attempt_count": .flag(true), "routes": .list(routes),
      ])
    }
  }

  private static func route(
    _ setup: PeerSetup, _ index: Int, _ route: RouteDescription, _ refusals: inout Refusals
  ) -> JSONValue {
    let path = "mesh.routes.\(index)"
    let gates = route.gates
    refusals.refuse("\(path).fault", unless: gates?.fault == nil)
    refusals.refuse("\(path).rateLimit", unless: gates?.rateLimit == nil)
    refusals.refuse("\(path).admissionControl", unless: gates?.admissionControl == nil)
    refusals.refuse("\(path).adaptiveConcurrency", unless: gates?.adaptiveConcurrency == nil)
    refusals.refuse("\(path).splitMode", unless: route.splitMode == .envoy || route.split.count == 1, "expected envoy")
    return .members([
      "match": match(route.match), "route": action(setup, path, route, &refusals),
    ])
  }

  private static func match(_ match: RouteMatch) -> JSONValue {
    var members: [JSONMember] = []
    switch match.path {
    case .any: members.append(member("prefix", .text("/")))
    case .exact(let text): members.append(member("path", .text(text)))
    case .prefix("/"), .textPrefix("/"): members.append(member("prefix", .text("/")))
    case .prefix(let text): members.append(member("path_separated_prefix", .text(text)))
    case .textPrefix(let text): members.append(member("prefix", .text(text)))
    case .regex(let text): members.append(member("safe_regex", .members(["regex": .text(text)])))
    }
    var fields = match.headers.map { header($0) }
    if let method = match.method { fields.append(header(FieldMatch(name: ":method", value: .exact(method)))) }
    if !fields.isEmpty { members.append(member("headers", .list(fields))) }
    return .object(members)
  }

  private static func header(_ match: FieldMatch) -> JSONValue {
    var members = [member("name", .text(match.name))]
    switch match.value {
    case .exact(let text): members.append(member("string_match", .members(["exact": .text(text)])))
    case .prefix(let text): members.append(member("string_match", .members(["prefix": .text(text)])))
    case .suffix(let text): members.append(member("string_match", .members(["suffix": .text(text)])))
    case .contains(let text): members.append(member("string_match", .members(["contains": .text(text)])))
    case .regex(let text):
      members.append(member("string_match", .members(["safe_regex": .members(["regex": .text(text)])])))
    case .present: members.append(member("present_match", .flag(true)))
    }
    if match.isInverted { members.append(member("invert_match", .flag(true))) }
    return .object(members)
  }

  private static func action(
    _ setup: PeerSetup, _ path: String, _ route: RouteDescription, _ refusals: inout Refusals
  ) -> JSONValue {
    let clusters = setup.mesh.clusters
    func name(_ cluster: Int) -> JSONValue {
      .text(clusters.indices.contains(cluster) ? clusters[cluster].name : "nowhere")
    }
    var members: [JSONMember] = []
    if route.split.count == 1 {
      members.append(member("cluster", name(route.split[0].cluster)))
    } else {
      var weighted = [
        member(
          "clusters",
          .list(
            route.split.map { .members(["name": name($0.cluster), "weight": .integer(Int64($0.weight))]) }))
      ]
      switch route.splitSource {
      case .random: break
      case .key: weighted.append(member("use_hash_policy", .flag(true)))
      case .header(let header): weighted.append(member("header_name", .text(header)))
      }
      members.append(member("weighted_clusters", .object(weighted)))
    }
    let keyed = route.destinations.contains { destination in
      clusters.indices.contains(destination.cluster)
        && ["ringHash", "maglev"].contains(clusters[destination.cluster].balancer.name)
    }
    if !route.hashPolicies.isEmpty {
      members.append(member("hash_policy", .list(route.hashPolicies.map { hashPolicy($0) })))
    } else if keyed || route.splitSource == .key {
      members.append(member("hash_policy", .list([hashPolicy(HashPolicyDescription(.header("x-weir-key")))])))
    }
    members.append(member("timeout", span(route.timeout ?? .zero)))
    if !route.mirrors.isEmpty {
      members.append(
        member(
          "request_mirror_policies",
          .list(
            route.mirrors.map {
              .members([
                "cluster": name($0.cluster),
                "runtime_fraction": .members([
                  "default_value": .members([
                    "numerator": .integer(Int64(($0.percent * 10_000).rounded())), "denominator": .text("MILLION"),
                  ])
                ]),
              ])
            })))
    }
    if let retry = route.retry {
      members.append(member("retry_policy", EnvoyConfiguration.retry(retry, path, &refusals)))
    }
    if let hedge = route.hedge {
      refusals.refuse(
        "\(path).hedge", unless: hedge.after == .perTryTimeout && hedge.maxExtraLoad == nil,
        "expected hedge: {hedgeOnPerTryTimeout: true}")
      members.append(member("hedge_policy", .members(["hedge_on_per_try_timeout": .flag(true)])))
    }
    return .object(members)
  }

  private static func hashPolicy(_ policy: HashPolicyDescription) -> JSONValue {
    var members: [JSONMember] = []
    switch policy.source {
    case .header(let name): members.append(member("header", .members(["header_name": .text(name)])))
    case .cookie(let name, let ttl, let path):
      var cookie = [member("name", .text(name))]
      if let ttl { cookie.append(member("ttl", span(ttl))) }
      if let path { cookie.append(member("path", .text(path))) }
      members.append(member("cookie", .object(cookie)))
    case .sourceAddress: members.append(member("connection_properties", .members(["source_ip": .flag(true)])))
    case .queryParameter(let name): members.append(member("query_parameter", .members(["name": .text(name)])))
    }
    if policy.isTerminal { members.append(member("terminal", .flag(true))) }
    return .object(members)
  }

  /// The names of `retry_on` that Envoy has for HTTP and gRPC.
  private static let conditions = [
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
    "refused-stream", "retriable-status-codes", "http3-post-connect-failure", "cancelled", "deadline-exceeded",
    "internal",
    "resource-exhausted", "unavailable",
  ]

  private static func retry(_ retry: RetryDescription, _ path: String, _ refusals: inout Refusals) -> JSONValue {
    var names = retry.on.filter { conditions.contains($0) }
    var statuses = retry.retriableStatusCodes
    for text in retry.on where !conditions.contains(text) {
      if let status = Int16(text) {
        statuses.append(status)
      } else {
        refusals.refuse("\(path).retry.on: '\(text)'", unless: false, "expected Envoy's names, or single statuses")
      }
    }
    if statuses.count > retry.retriableStatusCodes.count && !names.contains("retriable-status-codes") {
      names.append("retriable-status-codes")
    }
    refusals.refuse("\(path).retry.backoff.jitter", unless: retry.backoff.jitter == .full, "expected 100%")
    // Envoy takes no pause of nothing.
    refusals.refuse("\(path).retry.backoff.base: 0s", unless: retry.backoff.base > .zero, "expected 1ms or more")
    var members = [
      member("retry_on", .text(names.joined(separator: ","))), member("num_retries", .integer(Int64(retry.attempts))),
      member(
        "retry_back_off",
        .members(["base_interval": span(retry.backoff.base), "max_interval": span(retry.backoff.maximum)])),
    ]
    if !statuses.isEmpty {
      members.append(member("retriable_status_codes", .list(statuses.map { .integer(Int64($0)) })))
    }
    if let timeout = retry.perTryTimeout { members.append(member("per_try_timeout", span(timeout))) }
    if retry.hostSelectionRetries > 0 {
      let predicate = JSONValue.members([
        "name": .text("envoy.retry_host_predicates.previous_hosts"),
        "typed_config": typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
      ])
      members.append(member("retry_host_predicate", .list([predicate])))
      members.append(member("host_selection_retry_max_attempts", .integer(Int64(retry.hostSelectionRetries))))
    }
    return .object(members)
  }
}
