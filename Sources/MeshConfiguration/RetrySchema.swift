// Trying again, as a route says it: Envoy's `retry_policy` in lowerCamelCase, and the budget of Linkerd and Finagle.

import MeshCore

enum RetrySchema {
  static let routeFields: [Field] = [
    Field("retry", retry, .optional, "tries again after a failure")
  ]

  private static let retry = Shape.fields(
    FieldGroup(
      "a retry",
      [
        Field(
          "on", .list(.text(.title), minimumCount: 0), .optional,
          "which failures: Envoy's names, statuses, or ranges of them; 5xx by default"),
        Field("retriableStatusCodes", .list(.integer(100...599), minimumCount: 0), .optional, "more statuses to retry"),
        Field("attempts", .integer(0...1000), .standard("1"), "retries after the first try"),
        Field(
          "perTryIdleTimeout", .anySpan, .optional,
          "how long nothing may happen to a try; 0s for no limit. Answers come whole, so it bounds the same span"),
        Field(
          "perTryTimeout", .anySpan, .optional,
          "how long one try may take; 0s, or as long as the route's timeout, for no limit of its own"),
        Field(
          "backoff",
          .fields(
            FieldGroup(
              "a back-off",
              [
                Field(
                  "base", .anySpan, .standard("25ms"), "the first pause; it doubles from retry to retry; 0s for none"),
                Field("max", .anySpan, .optional, "the longest pause; ten times the first by default"),
                Field(
                  "jitter", .ratio(maximum: 1), .optional,
                  "a pause and up to this share of it more, drawn (Linkerd); by default anything from nothing to the pause (Envoy)"
                ),
              ])), .optional, "pauses between tries"),
        Field(
          "rateLimitedRetryBackOff",
          .fields(
            FieldGroup(
              "a rate-limited back-off",
              [
                Field(
                  "resetHeaders",
                  .list(
                    .fields(
                      FieldGroup(
                        "a reset header",
                        [
                          Field("name", .text(.title), .required, "the header's name"),
                          Field(
                            "format", .word(["seconds", "unixTimestamp"]), .standard("seconds"), "what its value is"),
                        ])), minimumCount: 1), .required, "where an answer says when to come again"),
                Field("maxInterval", .positiveSpan, .standard("300s"), "what asks for more is not heeded"),
              ])), .optional, "pauses that answers ask for, in place of others (Envoy)"),
        Field(
          "budget",
          .fields(
            FieldGroup(
              "a budget",
              [
                Field("ratio", .ratio(maximum: 1000), .standard("0.2"), "retries per request"),
                Field(
                  "minPerSecond", .integer(0...2_147_483_646), .standard("10"), "retries that are always allowed"),
                Field("ttl", .positiveSpan, .standard("10s"), "how long a request counts: from 1s to 60s"),
              ])), .optional, "how much load retries may add (Linkerd, Finagle)"),
        Field(
          "tokenBucket",
          .fields(
            FieldGroup(
              "a token bucket",
              [
                Field(
                  "capacity", .number(0...1e9, above: false), .standard("5"),
                  "tokens at first and at most; a retry costs 1"),
                Field("perRequest", .ratio(maximum: 1000), .standard("0.1"), "tokens that a first try brings"),
              ])), .optional, "in place of a budget: tokens that know no time, per route and data plane (Brooker 2022)"),
        Field(
          "throttling",
          .fields(
            FieldGroup(
              "a throttle",
              [
                Field("maxTokens", .number(0...1000, above: true), .required, "tokens at first and at most"),
                Field(
                  "tokenRatio", .number(0...1000, above: true), .required, "tokens of a success; a failure costs 1"),
              ])), .optional,
          "in place of a budget: retries and hedges only while more than half of the tokens are left (gRPC)"),
        Field(
          "retryHostPredicate", .list(.word(["previousHosts"]), minimumCount: 0), .optional,
          "which endpoints a retry passes over: those that the request has been sent to (Envoy)"),
        Field(
          "hostSelectionRetryMaxAttempts", .integer(0...1000), .standard("1"),
          "how many times it then chooses again; the last choice stands (Envoy)"),
        Field(
          "retryPriority",
          .fields(
            FieldGroup(
              "priorities of retries",
              [
                Field(
                  "previousPriorities",
                  .fields(
                    FieldGroup(
                      "previous priorities",
                      [
                        Field(
                          "updateFrequency", .integer(1...1000), .required,
                          "after how many tries those that were tried are left out")
                      ])), .required, "leaves out the priorities that the request has been sent to")
              ])), .optional, "which priority a retry goes to (Envoy)"),
      ]))
}
