// Tries beside tries, and copies: what a route says of sending a request more than once at a time.

import MeshCore

enum HedgeSchema {
  static let routeFields: [Field] = [
    Field("hedge", hedge, .optional, "lets another try join a slow one"),
    Field(
      "mirror",
      .list(
        .fields(
          FieldGroup(
            "a mirror",
            [
              Field("to", .text(.name), .required, "a cluster"),
              Field("percent", .percentage, .standard("100"), "the share of requests that are copied"),
            ], shorthand: "to")), minimumCount: 0), .optional,
      "clusters that get copies, whose answers nobody waits for"),
  ]

  private static let hedge = Shape.fields(
    FieldGroup(
      "a hedge",
      [
        Field(
          "after", .either([.positiveSpan, .ratio(maximum: 1)]), .optional,
          "a duration, or a percentile of the latencies of late"),
        Field(
          "hedgeOnPerTryTimeout", .flag, .standard("false"),
          "in place of after: a try whose time is over goes on beside its retry (Envoy)"),
        Field(
          "maxExtraLoad", .ratio(maximum: 1), .optional,
          "hedges per request of the last ten seconds; for a percentile, what is above it by default"),
        Field("maxAttempts", .integer(2...5), .standard("2"), "tries at a time, the first included (gRPC)"),
        Field(
          "nonFatalStatusCodes", .list(.integer(100...599), minimumCount: 0), .optional,
          "failing statuses that leave the other tries alone, and send the next at once; any other ends the request (gRPC)"
        ),
      ], shorthand: "after"))
}
