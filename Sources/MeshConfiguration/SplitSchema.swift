// Where a route's requests go, as a route says it. The words of a canary are Flagger's (`spec.analysis`), in lowerCamelCase.

import MeshCore

enum SplitSchema {
  static let routeFields: [Field] = [
    Field(
      "split", .list(destination, minimumCount: 1), .optional,
      "where they go, by weight; the cluster named as the host by default"),
    Field(
      "splitMode", .word(SplitMode.allCases.map(\.rawValue)), .standard("envoy"),
      "what becomes of a request whose destination cannot take it: it fails there, or goes to another (linkerd)"),
    Field(
      "splitBy", source, .standard("random"),
      "what places a request on the weights: its own random number, its key, or a number in a header"),
    Field("slices", .list(slice, minimumCount: 0), .standard("[]"), "who goes elsewhere before the weights count"),
    Field("canary", canary, .optional, "moves the weights to a new version while it does well (Flagger)"),
  ]

  private static let destination = Shape.fields(
    FieldGroup(
      "a destination",
      [
        Field("to", .text(.name), .required, "a cluster"),
        Field("weight", .integer(0...4_294_967_295), .standard("1"), "its share of the weights' sum; 0 takes nothing"),
        Field(
          "invalid", .flag, .standard("false"),
          "whether there is no such cluster: its share is answered 500, or 503 in the mode envoy"),
      ], shorthand: "to"))

  private static let source = Shape.choice(
    ChoiceGroup(
      "source",
      [
        Field("random", .mark, .optional, "the request's own random number"),
        Field("key", .mark, .optional, "the hash of its key (Envoy's useHashPolicy)"),
        Field("header", .text(.token), .optional, "the whole number in this header (Envoy's headerName)"),
      ], bare: .name))

  private static let slice = Shape.fields(
    FieldGroup(
      "a slice",
      [
        Field("name", .text(.title), .optional, "what it is called; sticky shares of one name have the same keys"),
        Field("to", .text(.name), .required, "a cluster"),
        Field("headers", RouteMatchSchema.fields("header"), .standard("{}"), "headers that its requests carry"),
        Field("cookies", RouteMatchSchema.fields("cookie"), .standard("{}"), "cookies that its requests carry"),
        Field(
          "keys",
          .fields(
            FieldGroup(
              "a range of keys",
              [
                Field("from", .percentage, .standard("0%"), "where it begins among the hashes of keys"),
                Field("to", .percentage, .standard("100%"), "before where it ends"),
              ])), .optional, "which keys its requests have"),
        Field("percentage", .percentage, .optional, "how many of these"),
        Field("sticky", .flag, .standard("false"), "whether a key is in that share always or never"),
      ]))

  private static let canary = Shape.fields(
    FieldGroup(
      "a canary",
      [
        Field("to", .text(.name), .required, "the destination that is tried; its own weight does not count"),
        Field("start", .anySpan, .standard("0s"), "when the analysis begins"),
        Field("interval", .positiveSpan, .standard("60s"), "from check to check"),
        Field("threshold", .integer(1...1_000_000), .standard("1"), "failed checks in all that end it"),
        Field("stepWeight", .integer(1...100), .optional, "what each step adds, per cent"),
        Field("maxWeight", .integer(1...100), .standard("100"), "the last step reaches or passes this, per cent"),
        Field(
          "stepWeights", .list(.integer(1...100), minimumCount: 1), .optional,
          "each step's weight, per cent, in place of stepWeight and maxWeight"),
        Field("requestSuccessRate", bound("min", .percentage), .optional, "of its answers, those that are no 5xx"),
        Field("requestDuration", duration, .optional, "how long its answers take"),
      ]))

  private static func bound(_ name: String, _ shape: Shape) -> Shape {
    .fields(FieldGroup("a bound", [Field(name, shape, .required, "the least")], shorthand: name))
  }

  private static let duration = Shape.fields(
    FieldGroup(
      "a bound",
      [
        Field("max", .positiveSpan, .required, "the most"),
        Field("quantile", .percentage, .standard("99%"), "of which quantile"),
      ], shorthand: "max"))
}
