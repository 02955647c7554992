// Failure accrual, as a cluster says it: Linkerd's two kinds by the words of their annotations
// (`balancer.linkerd.io/failure-accrual-consecutive-max-failures` is `consecutive.maxFailures`), and Finagle's by those of linkerd1
// (`io.l5d.successRateWindowed`).

import MeshCore

enum FailureAccrualSchema {
  static let clusterFields: [Field] = [
    Field(
      "failureAccrual", failureAccrual, .optional, "shuts out endpoints for what they answer (Linkerd, Finagle)"),
    Field(
      "failFast", .flag, .standard("false"),
      "leaves endpoints alone to which no connection opens, until one does (Finagle)"),
  ]

  private static let failureAccrual = Shape.choice(
    ChoiceGroup(
      "failure accrual",
      [
        Field(
          "consecutive", .fields(FieldGroup("consecutive failures", penalties)),
          "trips after failures in a row (Linkerd)"),
        Field(
          "unified", .fields(FieldGroup("unified accrual", penalties + shares)),
          "trips after failures in a row, or below a share of successes (Linkerd)"),
        Field(
          "consecutiveFailures", .fields(FieldGroup("consecutive failures", [failures, backoff])),
          "marks dead after failures in a row (Finagle, linkerd1)"),
        Field(
          "successRate",
          .fields(
            FieldGroup(
              "a success rate",
              [
                required,
                Field(
                  "requests", .count, .required,
                  "over how many requests the rate fades; nothing is decided before as many"), backoff,
              ])), "marks dead below a success rate over requests (Finagle, linkerd1)"),
        Field(
          "successRateWindowed", .fields(FieldGroup("a success rate", windowed + [backoff])),
          "marks dead below a success rate over time (Finagle, linkerd1)"),
        Field(
          "hybrid", .fields(FieldGroup("hybrid accrual", [failures] + windowed + [backoff])),
          "marks dead below a success rate over time, or else after failures in a row (Finagle's default)"),
        Field(
          "phi",
          .fields(
            FieldGroup(
              "a phi-accrual detector",
              [
                Field(
                  "form", .word(PhiAccrualDescription.Form.allCases.map(\.rawValue)), .standard("akka"),
                  "the law that times between heartbeats follow: normal (akka) or exponential (cassandra)"),
                Field("threshold", .number(0...300, above: true), .standard("8"), "the suspicion that shuts out"),
                Field("heartbeatInterval", .positiveSpan, .standard("1s"), "from question to question"),
                Field(
                  "acceptableHeartbeatPause", .anySpan, .standard("3s"),
                  "silence beyond the mean that counts for nothing (akka)"),
                Field("minStdDeviation", .anySpan, .standard("100ms"), "the least standard deviation (akka)"),
                Field("maxSampleSize", .integer(1...10_000), .standard("1000"), "times that are remembered"),
              ])), "shuts out who is silent, by heartbeats of its own (Hayashibara et al.; a policy of the lab)"),
        Field("none", .mark, "shuts nobody out, whatever the profile"),
      ], bare: .name))

  private static let penalties: [Field] = [
    Field("maxFailures", .integer(0...4_294_967_295), .standard("7"), "failures in a row that trip; 0 never trips"),
    Field("minPenalty", .anySpan, .standard("1s"), "the first penalty"),
    Field("maxPenalty", .positiveSpan, .standard("60s"), "the longest penalty"),
    Field("jitterRatio", .number(0...100, above: false), .standard("0.5"), "jitter as a fraction of the penalty"),
  ]

  private static let shares: [Field] = [
    Field(
      "successRateThreshold", .ratio(maximum: 1), .standard("0.8"),
      "the share of successes, without 429, below which it trips; 0 never trips"),
    Field("successRateWindow", .positiveSpan, .standard("10s"), "how far back answers count; at least 10ms"),
    Field("successRateMinRequests", .integer(0...1_000_000), .standard("5"), "answers in the window that it takes"),
  ]

  private static let failures = Field(
    "failures", .count, .standard("5"), "failures in a row that mark an endpoint dead")

  private static let required = Field(
    "successRate", .ratio(maximum: 1), .standard("0.8"), "the share of successes below which a failure marks dead")

  private static let windowed: [Field] = [
    required,
    Field(
      "window", .span(minimum: .milliseconds(1)), .standard("30s"),
      "over how long the rate fades, and the least history"),
    Field("minRequestThreshold", .integer(0...1_000_000_000), .standard("5"), "requests in the window that it takes"),
  ]

  private static let backoff = Field(
    "backoff",
    .fields(
      FieldGroup(
        "a back-off",
        [
          Field("min", .positiveSpan, .standard("5s"), "how long an endpoint is dead at first"),
          Field("max", .positiveSpan, .standard("300s"), "and at most; in between half is certain and half drawn"),
        ])), .standard("{}"), "how long an endpoint is dead (Finagle's equal-jittered back-off)")
}
