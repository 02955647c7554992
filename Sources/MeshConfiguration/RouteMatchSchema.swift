// What a route asks of a request.

import MeshCore

enum RouteMatchSchema {
  static let match = Shape.fields(
    FieldGroup(
      "a match",
      [
        Field("host", .text(.host), .required, "the host a request names; *.example.com, example.* or * for several"),
        Field(
          "path",
          .choice(
            ChoiceGroup(
              "path match",
              [
                Field(
                  "prefix", .text(.path), .optional,
                  "paths that begin with these whole segments; with this text in envoy, istio and haproxy"),
                Field("pathSeparatedPrefix", .text(.path), .optional, "paths that begin with these whole segments"),
                Field("exact", .text(.path), .optional, "this very path"),
                Field("regex", .text(.any), .optional, "paths that fit this regular expression (RE2) as a whole"),
              ], bare: .value(of: "prefix"))), .optional, "its path; a bare path is a prefix"),
        Field("headers", fields("header"), .standard("{}"), "headers it must carry; a bare value is exact"),
        Field("query", fields("parameter"), .standard("{}"), "what its query must say; a bare value is exact"),
        Field(
          "runtimeFraction", .percentage, .optional,
          "the share of what fits that it takes; the next route that fits is asked for the rest (Envoy)"),
        Field("method", .text(.method), .optional, "its method; any by default"),
      ], shorthand: "host"))

  /// Conditions on named values.
  static func fields(_ noun: String) -> Shape {
    .names(NameGroup(noun, rule: .token, of: text))
  }

  private static let text = Shape.choice(
    ChoiceGroup(
      "text match",
      [
        Field("exact", .text(.any), .optional, "this very text"),
        Field("prefix", .text(.any), .optional, "texts that begin with this"),
        Field("suffix", .text(.any), .optional, "texts that end with this"),
        Field("contains", .text(.any), .optional, "texts that have this somewhere"),
        Field("regex", .text(.any), .optional, "texts that fit this regular expression (RE2) as a whole"),
        Field("present", .mark, .optional, "any text"),
        Field("absent", .mark, .optional, "no text at all"),
      ], bare: .value(of: "exact")))
}
