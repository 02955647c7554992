// The whole scenario file as a shape: what `weir schema` prints and every file is held against.

import MeshConfiguration
import MeshCore

/// Shapes of the scenario file.
public enum ScenarioSchema {
  /// The whole file.
  public static let scenario = file(run: run, world: WorldSchema.world, mesh: MeshSchema.mesh)

  /// What stands around the experiment itself; `run`, `world` and `mesh` are read once a variant.
  static let frame = file(run: .anything, world: .anything, mesh: .anything, worldPresence: .optional)

  /// What a variant runs.
  static let body = Shape.fields(
    FieldGroup(
      "a scenario",
      [
        Field("run", run, .standard("{}"), "how long it runs and what is counted"),
        Field("world", WorldSchema.world, .required, "what is out there"),
        Field("mesh", MeshSchema.mesh, .standard("{}"), "what one would deploy"),
      ]))

  private static func file(
    run: Shape, world: Shape, mesh: Shape, worldPresence: Field.Presence = .required
  ) -> Shape {
    .fields(
      FieldGroup(
        "a scenario",
        [
          Field("scenario", .text(.scenarioName), .required, "its name, which names the result folder"),
          Field("about", .text(.any), .standard(""), "what it shows, in a sentence"),
          Field("seed", .integer(0...Int64.max), .standard("1"), "the seed of all its random streams"),
          Field("run", run, .standard("{}"), "how long it runs and what is counted"),
          Field("world", world, worldPresence, "what is out there"),
          Field("mesh", mesh, .standard("{}"), "what one would deploy"),
          Field("variants", .list(variant, minimumCount: 0), .standard("[]"), "what is compared, the baseline first"),
          Field("expect", .list(expectation, minimumCount: 0), .standard("[]"), "what has to come out"),
          Field(
            "sweep", .names(NameGroup("path", rule: .any, of: .list(.anything, minimumCount: 1))), .standard("{}"),
            "values of each path, all combinations of which are run by weir sweep"),
          Field("validate", validation, .optional, "how close real sockets have to come"),
        ]))
  }

  static let run = Shape.fields(
    FieldGroup(
      "a run",
      [
        Field("duration", .positiveSpan, .optional, "when arrivals stop; 60s unless requests are given"),
        Field(
          "requests", .integer(1...1_000_000_000_000), .optional, "in place of duration: stop after so many requests"),
        Field(
          "warmUp", .either([.anySpan, .word(["auto"])]), .standard("0s"),
          "requests wanted before are not counted; auto finds it in a run of its own (MSER-5)"),
        Field(
          "replications", .either([.integer(1...100_000), .word(["auto"])]), .standard("5"),
          "how often it is repeated with other random numbers; auto goes on until precision is met"),
        Field(
          "precision",
          .either([
            .ratio(maximum: 1), .names(NameGroup("metric", rule: .title, of: .ratio(maximum: 1), minimumCount: 1)),
          ]),
          .optional,
          "how far off means may be with replications: auto, as a share of them: of latency.mean and latency.p99, or by metric"
        ),
        Field(
          "maxReplications", .integer(2...100_000), .optional, "where replications: auto gives up; 200 unless said"),
        Field("confidence", .ratio(maximum: 1), .standard("95%"), "the level of intervals"),
        Field("window", .positiveSpan, .standard("1s"), "the length of a row of the time line"),
        Field("drain", .anySpan, .standard("60s"), "how long after the end answers are waited for"),
        Field(
          "attemptDemand", .word(["own", "same"]), .standard("own"),
          "whether retries, hedges and mirrors draw their own demand or repeat the first attempt's"),
      ]))

  private static let variant = Shape.fields(
    FieldGroup(
      "a variant",
      [
        Field("name", .text(.title), .required, "its name"),
        Field("about", .text(.any), .optional, "what is special about it"),
        Field(
          "set", .names(NameGroup("path", rule: .any, of: .anything)), .standard("{}"),
          "what is different: a value for each dotted path"),
      ]))

  private static let scalar = Shape.text(.title)

  private static let expectation = Shape.fields(
    FieldGroup(
      "an expectation",
      [
        Field("metric", .text(.title), .required, "which figure, such as latency.p99"),
        Field("variant", .text(.title), .optional, "whose; needed when there are several"),
        Field("ratioTo", .text(.title), .optional, "the variant whose figure it is divided by"),
        Field("max", scalar, .optional, "at most"),
        Field("min", scalar, .optional, "at least"),
        Field("equals", scalar, .optional, "about this much"),
        Field("within", .ratio(maximum: 1), .optional, "how far off equals may be, as a share of it"),
      ]))

  private static let validation = Shape.fields(
    FieldGroup(
      "a validation",
      [
        Field(
          "tolerance",
          .names(NameGroup("metric", rule: .title, of: .either([.ratio(maximum: 10), .span(minimum: .zero)]))),
          .standard("{}"),
          "how far off each metric may be: a share of a latency, points of a rate, or a duration for times"),
        Field("proxy", .word(["weir", "envoy", "haproxy", "nginx"]), .optional, "which proxy runs"),
      ]))
}
