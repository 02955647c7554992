// The `mesh` part of a scenario: what one would deploy. Field names are their own system's, in lowerCamelCase.

import MeshCore

/// Shapes of the mesh part.
public enum MeshSchema {
  /// The whole part.
  public static let mesh = Shape.fields(
    FieldGroup(
      "the mesh",
      [
        Field(
          "profile", .word(MeshProfile.allCases.map(\.rawValue)), .standard("weir"),
          "whose defaults fill what is not said"),
        Field(
          "clusters", .names(NameGroup("cluster", rule: .name, of: cluster, isClosed: true)), .standard("{}"),
          "sets of endpoints that serve the same; one a service by default"),
        Field(
          "routes", .list(route, minimumCount: 0), .standard("[]"),
          "where requests go; by default one a cluster, whose host is the cluster's name"),
        Field("hop", hop, .standard("{}"), "the cost of a sidecar on either side of each attempt"),
        InboundSchema.field,
        ProxySchema.field,
      ]))

  /// The cost of sidecars; the lab reads its distributions, so they come from the caller of `MeshReader`.
  private static let hop = Shape.fields(
    FieldGroup(
      "a hop",
      [
        Field("outbound", Distributions.shape, .standard("0s"), "time added at the caller's side"),
        Field("inbound", Distributions.shape, .standard("0s"), "time added at the server's side"),
      ]))

  /// One real endpoint.
  static let endpoint = Shape.fields(
    FieldGroup(
      "an endpoint",
      [
        Field("address", .text(.title), .required, "host and port"),
        Field("weight", .integer(1...4_294_967_295), .standard("1"), "its share of traffic"),
        Field("zone", .text(.name), .optional, "where it is"),
      ] + standing, shorthand: "address"))

  /// What discovery says of an endpoint, simulated or real, beside where it is.
  public static let standing: [Field] = [
    Field("priority", .integer(0...127), .standard("0"), "who takes requests first; 0 does"),
    Field(
      "healthStatus", .word(HostStatus.allCases.map(\.word)), .standard("healthy"),
      "what the control plane says of it while it is ready (Envoy's health_status); DNS tells none"),
    Field(
      "metadata", .names(NameGroup("label", rule: .title, of: .text(.any))), .standard("{}"),
      "labels that subsets are selected by"),
  ]

  /// What an item with the fields of `standing` says.
  public static func standing(
    of item: ResolvedValue
  ) -> (priority: Int, status: HostStatus, metadata: [String: String]) {
    var metadata: [String: String] = [:]
    for label in item["metadata"]?.entries ?? [] { metadata[label.key] = label.value.text ?? "" }
    return (
      Int(item["priority"]?.integer ?? 0),
      HostStatus.allCases.first { $0.word == item["healthStatus"]?.text } ?? .healthy, metadata
    )
  }

  /// One cluster.
  public static let cluster = Shape.named("cluster") {
    .fields(
      FieldGroup(
        "a cluster",
        [
          Field("service", .text(.name), .optional, "the simulated service behind it; the one of its name by default"),
          Field("endpoints", .list(endpoint, minimumCount: 0), .optional, "real endpoints, for weir-proxy"),
          Field(
            "protocol", .word(ClusterProtocol.allCases.map(\.rawValue)), .standard("http2"), "what connections carry"),
          Field("tls", .flag, .standard("false"), "whether connections are TLS: one more round trip to open"),
          Field("connectTimeout", .positiveSpan, .standard("5s"), "how long opening a connection may take"),
          Field("balancer", PolicyShapes.balancer, .required, "how an endpoint is chosen"),
        ] + FailureAccrualSchema.clusterFields + QueueSchema.clusterFields + [
          Field("discovery", discovery, .standard("{}"), "how late a change of endpoints is seen, per data plane"),
          Field(
            "updateMergeWindow", .anySpan, .standard("0s"),
            "changes of health, weight or metadata within it reach balancers together; 0s for at once (Envoy)"),
        ] + LayerSchema.clusterFields + OutlierDetectionSchema.clusterFields + HealthCheckSchema.clusterFields
          + CircuitBreakerSchema.clusterFields))
  }

  private static let discovery = Shape.fields(
    FieldGroup(
      "discovery",
      [
        Field("delay", .anySpan, .standard("0s"), "the least delay"),
        Field("jitter", .anySpan, .standard("0s"), "up to this much more, drawn per data plane and change"),
        Field(
          "dns",
          .fields(
            FieldGroup(
              "a name's resolution",
              [
                Field(
                  "ttl", .positiveSpan, .required,
                  "from resolution to resolution; each data plane resolves at a phase of its own")
              ], shorthand: "ttl")), .optional,
          "asks a name server in place of being told; delay and jitter are then how late that knows"),
        Field(
          "sendUnhealthyEndpoints", .flag, .standard("false"),
          "whether replicas that are not ready stay listed, as unhealthy (Istio's PILOT_SEND_UNHEALTHY_ENDPOINTS)"),
      ], shorthand: "delay"))

  /// One route.
  public static let route = Shape.named("route") {
    .fields(
      FieldGroup(
        "a route",
        [
          Field("name", .text(.title), .optional, "a name to set it by"),
          Field("match", RouteMatchSchema.match, .required, "which requests it takes"),
          Field("timeout", .anySpan, .optional, "how long a request may take in all; 0s for no limit"),
          Field(
            "idleTimeout", .anySpan, .optional,
            "how long nothing may happen to a request; 0s for no limit. In the lab answers come whole, so there it bounds the same span"
          ),
        ] + SplitSchema.routeFields + HashPolicySchema.routeFields + LayerSchema.routeFields + RetrySchema.routeFields
          + HedgeSchema.routeFields
          + GateSchema.routeFields))
  }
}
