// Parts of the mesh that the schema knows and the lab does not act on yet. Their values are checked all the same; one that
// would have an effect is a fault, so that nobody takes a figure for more than it is.

import MeshCore

enum LaterMeshSchema {
  private static let number = Shape.integer(0...4_294_967_295)

  static let clusterFields: [Field] = [
    Field("healthCheck", healthCheck, .optional, "asks endpoints how they are (Envoy)", support: .notYet)
  ]

  private static let healthCheck = Shape.fields(
    FieldGroup(
      "a health check",
      [
        Field(
          "http",
          .fields(
            FieldGroup(
              "an HTTP check",
              [
                Field("path", .text(.path), .optional, "what is asked for"),
                Field("host", .text(.host), .optional, "the host named"),
                Field("method", .text(.method), .optional, "the method"),
                Field("expectedStatuses", .anything, .optional, "statuses that pass"),
                Field("retriableStatuses", .anything, .optional, "statuses that count up to the threshold"),
              ], shorthand: "path")), .optional, "asks over HTTP"),
        Field("tcp", .anything, .optional, "connects"),
        Field("grpc", .anything, .optional, "asks grpc.health.v1"),
        Field("interval", .positiveSpan, .optional, "from check to check"),
        Field("timeout", .positiveSpan, .optional, "how long an answer may take"),
        Field("unhealthyThreshold", number, .optional, "failures in a row that make it unhealthy"),
        Field("healthyThreshold", number, .optional, "successes in a row that make it healthy"),
        Field("initialJitter", .anySpan, .optional, "the first check is up to this late"),
        Field("intervalJitter", .anySpan, .optional, "each check is up to this late"),
        Field("intervalJitterPercent", .percentage, .optional, "each check is up to this share of the interval late"),
        Field("unhealthyInterval", .positiveSpan, .optional, "the interval while unhealthy"),
        Field("unhealthyEdgeInterval", .positiveSpan, .optional, "the interval after the first failure"),
        Field("healthyEdgeInterval", .positiveSpan, .optional, "the interval after the first success"),
        Field("noTrafficInterval", .positiveSpan, .optional, "the interval without traffic"),
        Field("noTrafficHealthyInterval", .positiveSpan, .optional, "the interval without traffic while healthy"),
      ]))
}
