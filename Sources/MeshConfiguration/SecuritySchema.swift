// What may be said of a proxy's certificates and of who may ask for what.

import MeshCore

enum SecuritySchema {
  static let tls = Field(
    "tls",
    .fields(
      FieldGroup(
        "certificates",
        [
          Field("certificate", .text(.file), .optional, "its own chain, PEM, shown to clients and to servers that ask"),
          Field("key", .text(.file), .optional, "the chain's private key, PEM"),
          Field(
            "trust", .text(.file), .optional, "authorities whose certificates peers show, PEM; none: the system's"),
          Field(
            "clientCertificate", .word(ClientCertificateRule.allCases.map(\.rawValue)), .optional,
            "what clients are asked for; require where trust is given, else ignore"),
          Field(
            "minimumVersion", .word(OldestTLS.allCases.map(\.rawValue)), .standard("1.2"),
            "the oldest TLS that is spoken"
          ),
          Field(
            "clusters", .names(NameGroup("cluster", rule: .name, of: cluster)), .standard("{}"),
            "how the servers of clusters with tls: true are known"),
        ])), .optional, "certificates; read anew when the files change")

  private static let cluster = Shape.fields(
    FieldGroup(
      "a cluster's certificates",
      [
        Field("serverName", .text(.host), .optional, "the host that is asked for and that the certificate names"),
        Field(
          "identity", .text(.title), .optional,
          "the alternative name that stands for it, such as spiffe://cluster.local/web"),
        Field("trust", .text(.file), .optional, "its authorities, PEM; none: those of mesh.proxy.tls"),
      ]))

  static let authorization = Field(
    "authorization",
    .fields(
      FieldGroup(
        "an authorization",
        [
          Field(
            "default", .word(["allow", "deny"]), .standard("allow"),
            "what comes of requests that no policy speaks of, where none allows any"),
          Field("audit", .flag, .standard("false"), "lets through what it would deny, and tells of it"),
          Field("policies", .list(policy, minimumCount: 0), .standard("[]"), "who may, or may not, ask for what"),
        ])), .optional, "who may ask for what: others get 403, or status 7 of gRPC")

  private static let patterns = Shape.list(.text(.title), minimumCount: 1)

  private static let policy = Shape.fields(
    FieldGroup(
      "a policy",
      [
        Field("name", .text(.name), .required, "its name, in logs and metrics"),
        Field(
          "action", .word(AuthorizationAction.allCases.map(\.rawValue)), .standard("allow"),
          "deny comes before allow; audit only counts"),
        Field("identities", patterns, .optional, "peers, by the names in their certificates; * for any that has one"),
        Field("paths", patterns, .optional, "paths; a star at the beginning or end stands for anything"),
        Field("methods", .list(.text(.method), minimumCount: 1), .optional, "HTTP methods"),
      ]))
}
