// What goes wrong, as a shape: a time, a target and one of the kinds.

import MeshConfiguration
import MeshCore

enum FaultSchema {
  static let kinds: [Field] = [
    Field("crash", .mark, "connections are refused; queued and running work is reset"),
    Field("hang", .mark, "accepts, never answers"),
    Field("slow", .number(0...1e6, above: true), "service takes this many times as long"),
    Field("delay", Distributions.shape, "requests are held up before they reach the queue"),
    Field("errors", .ratio(maximum: 1), "the share of requests that is answered with an error"),
    Field(
      "healthCheckFail", .mark,
      "answers ask to be left alone (x-envoy-immediate-health-check-fail), and health checks are answered 503"),
    Field(
      "pause",
      .fields(
        FieldGroup(
          "a pause",
          [Field("every", .positiveSpan, .required, "how often"), Field("for", .positiveSpan, .required, "how long")])),
      "all work stands still now and then"),
    Field(
      "partition",
      .fields(
        FieldGroup(
          "a partition", [Field("from", place, .required, "one side"), Field("to", place, .required, "the other side")])
      ),
      "nothing passes between the two"),
    Field("loss", .ratio(maximum: 1), "the share of messages lost"),
    Field("scale", .integer(0...100_000), "the service has this many replicas"),
    Field(
      "restart",
      .fields(FieldGroup("a restart", [Field("down", .anySpan, .required, "how long it is gone")], shorthand: "down")),
      "replicas stop at once and come back fresh"),
    Field("discoveryFrozen", .mark, "no data plane hears of endpoint changes, of a service's if one is named"),
    Field("certificateExpired", .mark, "new TLS connections to the service fail"),
  ]

  static let fault = Shape.choice(
    ChoiceGroup(
      "fault kind", kinds,
      siblings: [
        Field("at", .anySpan, .required, "when it begins"),
        Field("for", .positiveSpan, .optional, "how long it lasts; to the end by default"),
        Field("repeat", .positiveSpan, .optional, "begins again this long after it began"),
        Field("service", .text(.name), .optional, "whose replicas it strikes"),
        Field(
          "replicas", .list(.either([.integer(0...1_000_000), .text(.name)]), minimumCount: 1), .optional,
          "which replicas, by number or name; all by default"),
        Field("zone", .text(.name), .optional, "all replicas in this zone"),
        Field("status", .integer(100...599), .optional, "of errors: the answer, 500 by default"),
        Field("time", Distributions.shape, .optional, "of errors: how long a failing answer takes"),
        Field(
          "retryAfter", .positiveSpan, .optional, "of errors: when to come again, as the answer says; whole seconds"),
        Field("mode", .word(["start", "rate"]), .optional, "of slow: work that begins meanwhile, or running work too"),
        Field("from", place, .optional, "of loss: where messages come from"),
        Field("to", place, .optional, "of loss: where they go"),
      ]))

  private static let place: Shape = .text(.title)
}
