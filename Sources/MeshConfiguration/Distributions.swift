// The shape of a distribution of lengths of time. What the numbers mean is for the lab to say.

import MeshCore

/// Shapes of distributions.
public enum Distributions {
  /// A distribution; a bare duration is constant.
  public static let shape: Shape = .named("distribution") { choice }

  private static let choice: Shape = .choice(
    ChoiceGroup(
      "distribution",
      [
        Field("constant", .anySpan, .optional, "always the same"),
        group(
          "uniform", "equally likely from min to max, in steps when given",
          [
            Field("min", .anySpan, .required, "the least"), Field("max", .anySpan, .required, "the bound above"),
            Field("step", .positiveSpan, .optional, "from value to value"),
          ]),
        group("exponential", "memoryless", [Field("mean", .anySpan, .required, "the mean")], shorthand: "mean"),
        group(
          "erlang", "the sum of equal exponentials",
          [
            Field("mean", .anySpan, .required, "the sum's mean"),
            Field("stages", .integer(1...1000), .required, "how many"),
          ]),
        Field(
          "hyperexponential",
          .list(
            .fields(
              FieldGroup(
                "a phase",
                [
                  Field("p", .ratio(maximum: 1), .required, "how likely it is"),
                  Field("mean", .anySpan, .required, "its mean"),
                ])), minimumCount: 1), .optional, "an exponential whose mean is drawn"),
        group(
          "normal", "cut at 0",
          [Field("mean", .anySpan, .required, "the mean"), Field("sd", .anySpan, .required, "the standard deviation")]),
        group(
          "lognormal", "from median and p99, median and sigma, or mean and sd",
          [
            Field("median", .positiveSpan, .optional, "the median"),
            Field("p99", .positiveSpan, .optional, "the 0.99 quantile"),
            Field("sigma", .number(0...10, above: false), .optional, "the logarithm's standard deviation"),
            Field("mean", .positiveSpan, .optional, "the mean"),
            Field("sd", .anySpan, .optional, "the standard deviation"),
          ]),
        group(
          "gamma", "gamma",
          [Field("mean", .anySpan, .required, "the mean"), Field("shape", shapeNumber, .required, "the shape")]),
        group(
          "weibull", "Weibull",
          [Field("scale", .anySpan, .required, "the scale"), Field("shape", shapeNumber, .required, "the shape")]),
        group(
          "pareto", "a power law above min",
          [
            Field("min", .positiveSpan, .required, "the least"), Field("alpha", shapeNumber, .required, "the exponent"),
            Field("max", .positiveSpan, .optional, "where it is cut"),
          ]),
        Field(
          "quantiles", .names(NameGroup("quantile", rule: .name, of: .anySpan, minimumCount: 2)), .optional,
          "straight lines between quantiles, p0 to p100"),
        group(
          "empirical", "one of the values of a CSV column",
          [
            Field("file", .text(.file), .required, "a CSV file"),
            Field("column", .text(.title), .required, "a column whose name ends in its unit: _ns, _us, _ms or _s"),
          ]),
        Field(
          "mixture",
          .list(
            .fields(
              FieldGroup(
                "a part",
                [
                  Field("weight", .number(0...1e9, above: true), .required, "its share of the weights' sum"),
                  Field("of", shape, .required, "its distribution"),
                ])), minimumCount: 1), .optional, "one of several, by weight"),
        group(
          "shifted", "another, and always so much more",
          [Field("by", .anySpan, .required, "how much more"), Field("of", shape, .required, "the distribution")]),
      ], bare: .value(of: "constant")))

  private static let shapeNumber: Shape = .number(0...1000, above: true)

  private static func group(_ name: String, _ summary: String, _ fields: [Field], shorthand: String? = nil) -> Field {
    Field(name, .fields(FieldGroup(name, fields, shorthand: shorthand)), .optional, summary)
  }
}
