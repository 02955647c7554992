// The `proxy` part of a mesh: what only a real proxy needs to know. The lab checks it and goes on without it.

import MeshCore

enum ProxySchema {
  static let field = Field("proxy", proxy, .optional, "read by weir-proxy alone: where it listens, and what it writes")

  private static let proxy = Shape.fields(
    FieldGroup(
      "a proxy",
      [
        Field("listen", .list(listener, minimumCount: 0), .standard("[]"), "where clients connect"),
        Field(
          "admin",
          .fields(
            FieldGroup(
              "an admin port",
              [Field("address", .text(.title), .required, "host and port, port 0 for any that is free")],
              shorthand: "address")), .optional, "where people and Prometheus ask how it is"),
        Field(
          "accessLog",
          .fields(
            FieldGroup(
              "an access log",
              [
                Field("file", .text(.file), .required, "the file it is appended to; - for standard output"),
                Field("format", .word(AccessLogFormat.allCases.map(\.rawValue)), .standard("json"), "of its lines"),
              ], shorthand: "file")), .optional, "one line a request"),
        Field(
          "locality", locality, .optional,
          "where the proxy is: for zone-aware routing, and for subsets that proxies share out among them"),
        Field(
          "drainTime", .anySpan, .standard("30s"),
          "how long requests under way may take after SIGTERM, or on connections that a new configuration ends"),
        Field(
          "headerTimeout", .positiveSpan, .standard("10s"),
          "how long a client may take to send a request's head; longer is refused with 408"),
        Field("idleTimeout", .positiveSpan, .standard("3600s"), "how long a connection may lie idle"),
        Field(
          "allowConnect", .flag, .standard("false"),
          "whether CONNECT requests open a way to an endpoint, on which nobody looks at what is asked for"),
        SecuritySchema.tls, SecuritySchema.authorization,
        Field(
          "includeRequestAttemptCount", .flag, .standard("false"),
          "whether requests go out with x-envoy-attempt-count, the number of their try from 1, and tries that are not the first with x-weir-attempt, their kind and number"
        ),
        Field("retryBuffer", .size, .standard("64KiB"), "how much of a request's body is kept for other tries"),
      ] + ServerDiscoverySchema.fields))

  private static let locality = Shape.fields(
    FieldGroup(
      "a locality",
      [
        Field("zone", .text(.name), .optional, "its zone (Envoy's node.locality.zone)"),
        Field("number", .integer(0...999_999), .standard("0"), "its number among proxies of its kind, from 0"),
        Field(
          "fleet", .names(NameGroup("zone", rule: .name, of: .integer(1...100_000))), .standard("{}"),
          "how many proxies of its kind each zone has, itself among them (Envoy's local cluster)"),
      ], shorthand: "zone"))

  private static let listener = Shape.fields(
    FieldGroup(
      "a listener",
      [
        Field("address", .text(.title), .required, "host and port, port 0 for any that is free"),
        Field(
          "protocol", .word(ListenerProtocol.allCases.map(\.rawValue)), .standard("auto"),
          "what clients speak; auto tells HTTP/1.1 from HTTP/2 by the first bytes"),
        Field("cluster", .text(.name), .optional, "where connections of protocol tcp go"),
        Field(
          "inbound", .text(.name), .optional,
          "the service whose server the proxy is the sidecar of here: mesh.inbound says who may call, and how often"),
        Field(
          "tls", .word(ListenerSecurity.allCases.map(\.rawValue)), .optional,
          "whether connections are TLS; strict where mesh.proxy.tls has a certificate, else off"),
      ], shorthand: "address"))
}
