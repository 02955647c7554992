// How a client's requests come, as a shape.

import MeshConfiguration
import MeshCore

enum ArrivalSchema {
  static let arrivals = Shape.choice(
    ChoiceGroup(
      "arrival process",
      [
        Field("poisson", .rate(above: true), "independent of one another"),
        Field("constant", .rate(above: true), "evenly spaced from time 0"),
        Field("steps", .list(point, minimumCount: 1), "rates that hold from their instants on"),
        Field("ramp", .list(point, minimumCount: 1), "rates joined by straight lines"),
        Field("bursts", bursts, "one of two rates, changing after exponential times (MMPP)"),
        Field("closed", closed, "users who wait for their answer, think and ask again"),
        Field("trace", trace, "what was recorded"),
      ],
      siblings: [
        Field("spacing", .word(["poisson", "even"]), .optional, "of steps, ramp and bursts: by chance, or even")
      ]))

  private static let point = Shape.fields(
    FieldGroup(
      "a point",
      [
        Field("at", .anySpan, .required, "when"),
        Field("rate", .rate(above: false), .required, "how many"),
      ]))

  private static let bursts = Shape.fields(
    FieldGroup(
      "bursts",
      [
        Field("low", .rate(above: false), .required, "the lower rate"),
        Field("high", .rate(above: true), .required, "the higher rate"),
        Field("meanLow", .positiveSpan, .required, "how long the lower rate holds on average"),
        Field("meanHigh", .positiveSpan, .required, "how long the higher rate holds on average"),
        Field("spacing", .word(["poisson", "even"]), .optional, "by chance, or even"),
      ]))

  private static let closed = Shape.fields(
    FieldGroup(
      "a closed loop",
      [
        Field("users", .integer(1...10_000_000), .required, "how many users"),
        Field("think", Distributions.shape, .standard("0s"), "how long a user thinks between answer and request"),
        Field("requests", .integer(1...1_000_000_000_000), .optional, "how many requests in all; no limit by default"),
      ]))

  private static let trace = Shape.fields(
    FieldGroup(
      "a trace",
      [
        Field(
          "file", .text(.file), .required,
          "a CSV file with time_s, and optionally target, method, path, key, demand_ms, size_bytes"),
        Field("repeat", .positiveSpan, .optional, "after how long it begins again"),
      ], shorthand: "file"))
}
