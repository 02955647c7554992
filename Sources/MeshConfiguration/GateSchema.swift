// What stands before a route's balancer, as a route says it: names and defaults of Envoy's filters in lowerCamelCase, of the SRE book
// and of Finagle's NackAdmissionFilter.

import MeshCore

enum GateSchema {
  private static let number = Shape.integer(0...4_294_967_295)

  static let routeFields: [Field] = [
    Field("fault", fault, .optional, "delays and failures that the proxy injects (Envoy)"),
    Field("rateLimit", rateLimit, .optional, "how many requests may pass (Envoy's local rate limit)"),
    Field("admissionControl", admissionControl, .optional, "rejects by the success rate of the recent past (Envoy)"),
    Field(
      "adaptiveThrottling", adaptiveThrottling, .optional,
      "refuses by requests and accepts of the recent past (Google's SRE book)"),
    Field("nackAdmission", nackAdmission, .optional, "drops by an average of accepts (Finagle)"),
    Field(
      "adaptiveConcurrency", adaptiveConcurrency, .optional, "limits requests in flight by their latency (Envoy)"),
  ]

  private static let fault = Shape.fields(
    FieldGroup(
      "a fault",
      [
        Field(
          "delay",
          .fields(
            FieldGroup(
              "a delay",
              [
                Field("percent", .percentage, .standard("100"), "the share of requests"),
                Field("fixed", .anySpan, .optional, "how long"),
                Field("header", .mark, .optional, "as long as x-envoy-fault-delay-request says, in ms"),
              ])), .optional, "holds requests up"),
        Field(
          "abort",
          .fields(
            FieldGroup(
              "an abort",
              [
                Field("percent", .percentage, .standard("100"), "the share of requests"),
                Field("status", .integer(200...599), .optional, "the answer"),
                Field("header", .mark, .optional, "the answer that x-envoy-fault-abort-request says"),
              ])), .optional, "answers in the endpoint's place"),
        Field(
          "responseRateLimit",
          .fields(
            FieldGroup(
              "a response rate limit",
              [
                Field("percent", .percentage, .standard("100"), "the share of requests"),
                Field("limitKbps", .integer(1...4_294_967_295), .optional, "how fast, in KiB/s"),
                Field("header", .mark, .optional, "as fast as x-envoy-fault-throughput-response says, in KiB/s"),
              ])), .optional, "hands answers on slowly"),
        Field("maxActiveFaults", number, .optional, "how many requests may suffer one at a time, per data plane"),
        Field(
          "headers", .names(NameGroup("header", rule: .token, of: .text(.any))), .standard("{}"),
          "headers that a request must carry to suffer any"),
      ]))

  private static let rateLimit = Shape.fields(
    FieldGroup(
      "a rate limit",
      [
        Field(
          "requestsPerSecond", .number(0...1e9, above: true), .optional, "how many a second, per data plane"),
        Field(
          "burst", .integer(1...4_294_967_295), .optional, "how many at once; as many as in a second by default"),
        Field(
          "tokenBucket",
          .fields(
            FieldGroup(
              "a token bucket",
              [
                Field("maxTokens", .integer(1...4_294_967_295), .required, "how many tokens it holds"),
                Field("tokensPerFill", .integer(1...4_294_967_295), .standard("1"), "how many come each time"),
                Field("fillInterval", .span(minimum: .milliseconds(50)), .required, "from fill to fill, 50ms at least"),
              ])), .optional, "the same in Envoy's words; it fills evenly"),
        Field("status", .integer(400...599), .standard("429"), "what a request beyond it is answered"),
      ]))

  private static let admissionControl = Shape.fields(
    FieldGroup(
      "admission control",
      [
        Field(
          "samplingWindow", .span(minimum: .seconds(1)), .standard("30s"), "how long an answer counts; whole seconds"),
        Field(
          "aggression", .number(1...1e6, above: false), .standard("1"), "how steeply rejections grow: p = base^(1/a)"),
        Field("srThreshold", .percentage, .standard("95"), "the success rate below which requests are rejected"),
        Field("rpsThreshold", number, .standard("0"), "requests a second below which none is rejected"),
        Field("maxRejectionProbability", .percentage, .standard("80"), "the largest share that is rejected"),
        Field(
          "httpSuccessStatus",
          .list(
            .fields(
              FieldGroup(
                "a range of statuses",
                [
                  Field("start", .integer(100...599), .required, "the first one"),
                  Field("end", .integer(101...600), .required, "the one behind the last"),
                ])), minimumCount: 1), .optional, "statuses that are successes; 100 up to 500 by default"),
      ]))

  private static let adaptiveThrottling = Shape.fields(
    FieldGroup(
      "adaptive throttling",
      [
        Field("multiplier", .number(1...1e6, above: false), .standard("2"), "requests per accept that are fine (K)"),
        Field("window", .span(minimum: .seconds(1)), .standard("120s"), "how long a request counts"),
      ], shorthand: "multiplier"))

  private static let nackAdmission = Shape.fields(
    FieldGroup(
      "nack admission",
      [
        Field("window", .span(minimum: .seconds(1)), .standard("120s"), "the average's window"),
        Field(
          "nackRateThreshold", .ratio(maximum: 1), .standard("0.5"), "the share of rejections from which it drops"),
      ]))

  private static let adaptiveConcurrency = Shape.fields(
    FieldGroup(
      "adaptive concurrency",
      [
        Field("sampleAggregatePercentile", .percentage, .standard("50"), "which percentile of latencies counts"),
        Field(
          "concurrencyLimitParams",
          .fields(
            FieldGroup(
              "limit parameters",
              [
                Field(
                  "maxConcurrencyLimit", .integer(1...4_294_967_295), .standard("1000"), "the largest limit"),
                Field("concurrencyUpdateInterval", .positiveSpan, .standard("100ms"), "from one limit to the next"),
              ])), .standard("{}"), "how the limit moves"),
        Field(
          "minRttCalcParams",
          .fields(
            FieldGroup(
              "least-latency parameters",
              [
                Field(
                  "interval", .span(minimum: .milliseconds(1)), .standard("60s"), "from measurement to measurement"),
                Field("fixedValue", .positiveSpan, .optional, "the least latency, where it is known"),
                Field("requestCount", .integer(1...4_294_967_295), .standard("50"), "requests that it takes"),
                Field("jitter", .percentage, .standard("15"), "up to this share of the interval more, drawn"),
                Field(
                  "minConcurrency", .integer(1...4_294_967_295), .standard("3"),
                  "the limit meanwhile, and the smallest there is"),
                Field("buffer", .percentage, .standard("25"), "by how much a latency may exceed it"),
              ])), .standard("{}"), "how the least latency is measured"),
        Field(
          "concurrencyLimitExceededStatus", .integer(400...599), .standard("503"),
          "what a request beyond the limit is answered"),
      ]))
}
