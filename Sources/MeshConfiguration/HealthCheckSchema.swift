// Active health checks, as a cluster says them: one of Envoy's `health_checks` in lowerCamelCase.

import MeshCore

enum HealthCheckSchema {
  static let clusterFields: [Field] = [
    Field("healthCheck", healthCheck, .optional, "asks endpoints how they are, beside requests (Envoy)"),
    Field(
      "ignoreNewHostsUntilFirstHc", .flag, .standard("false"),
      "whether an endpoint whose first health check has not ended counts neither as there nor as missing (Envoy)"),
    Field(
      "ignoreHealthOnHostRemoval", .flag, .standard("true"),
      "whether an endpoint leaves when discovery says so, though its health checks still pass (Envoy)"),
  ]

  private static let threshold = Shape.integer(1...4_294_967_295)

  private static let statuses = Shape.list(
    .fields(
      FieldGroup(
        "statuses",
        [
          Field("start", .integer(100...599), .required, "the first one"),
          Field("end", .integer(101...600), .optional, "the one after the last; by default the start is the only one"),
        ], shorthand: "start")), minimumCount: 0)

  private static let http = Shape.fields(
    FieldGroup(
      "an HTTP check",
      [
        Field("path", .text(.path), .standard("/"), "what is asked for"),
        Field("host", .text(.host), .optional, "the host named"),
        Field("method", .text(.method), .standard("GET"), "the method"),
        Field(
          "expectedStatuses", statuses, .optional,
          "statuses that pass: [{start, end}], end not among them; 200 by default"),
        Field(
          "retriableStatuses", statuses, .optional,
          "others that count up to the threshold in place of being enough at once"),
      ], shorthand: "path"))

  private static let tcp = Shape.fields(
    FieldGroup(
      "a TCP check",
      [
        Field("send", .text(.any), .optional, "what is sent"),
        Field(
          "receive", .list(.text(.any), minimumCount: 0), .optional,
          "what must come back; without it the connection is enough"),
      ]))

  private static let grpc = Shape.fields(
    FieldGroup(
      "a gRPC check",
      [
        Field("serviceName", .text(.any), .optional, "the service asked about"),
        Field("authority", .text(.host), .optional, "the host named"),
      ], shorthand: "serviceName"))

  private static let healthCheck = Shape.fields(
    FieldGroup(
      "a health check",
      [
        Field("http", http, .optional, "asks over HTTP: the status decides"),
        Field("tcp", tcp, .optional, "opens a connection"),
        Field("grpc", grpc, .optional, "asks grpc.health.v1"),
        Field(
          "form", .word(HealthCheckDescription.Form.allCases.map(\.rawValue)), .standard("envoy"),
          "whose rules: Envoy's (out until the first check passes, an answer that says no is enough at once), or HAProxy's"
        ),
        Field("interval", .positiveSpan, .required, "from the end of a check to the next one"),
        Field("timeout", .positiveSpan, .optional, "how long an answer may take; the interval with form: haproxy"),
        Field("unhealthyThreshold", threshold, .required, "failures in a row that make it unhealthy"),
        Field("healthyThreshold", threshold, .required, "successes in a row that make it healthy again"),
        Field("initialJitter", .anySpan, .standard("0s"), "the first check is up to this late"),
        Field("intervalJitter", .anySpan, .standard("0s"), "each other check is up to this late"),
        Field(
          "intervalJitterPercent", .percentage, .standard("0"), "each check is up to this share of its interval late"),
        Field("unhealthyInterval", .positiveSpan, .optional, "the interval while unhealthy; interval by default"),
        Field(
          "unhealthyEdgeInterval", .positiveSpan, .optional,
          "the interval after a failure that did not suffice; unhealthyInterval by default"),
        Field(
          "healthyEdgeInterval", .positiveSpan, .optional,
          "the interval after a success that did not suffice; interval by default"),
        Field(
          "noTrafficInterval", .positiveSpan, .optional,
          "the interval as long as the cluster has had no request; interval by default, 60s with Envoy's profiles"),
        Field(
          "noTrafficHealthyInterval", .positiveSpan, .optional,
          "the same of endpoints that are healthy; noTrafficInterval by default"),
        Field("reuseConnection", .flag, .standard("true"), "whether checks keep their connection; TCP never does"),
      ]))
}
