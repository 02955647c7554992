// What `weir run --json` prints: the comparison, verdicts and notes as one JSON object a scenario.

import Experiments
import MeshConfiguration

/// A scenario's results as JSON.
public enum ComparisonDocument {
  /// The document. Latencies are milliseconds, as in the CSV files; what does not apply is `null`.
  public static func document(_ result: ExperimentResult, folder: String?) -> JSONValue {
    let comparison = Comparison(result)
    return .members([
      "scenario": .text(result.scenario.name),
      "version": .text(weirVersion),
      "seed": .unsigned(result.scenario.seed),
      "replications": .integer(Int64(result.scenario.replications)),
      "confidence": .number(result.scenario.confidence),
      "baseline": .text(comparison.baseline),
      "variants": .list(
        comparison.variants.indices.map { variant in
          .members([
            "name": .text(comparison.variants[variant]),
            "metrics": .object(
              SummaryColumn.allCases.map { column in
                JSONMember(key: column.rawValue, value: document(comparison.row(column, variant: variant)))
              }),
          ])
        }),
      "expectations": .list(ExpectationJudge.verdicts(result).map(document)),
      "notes": .list(
        result.notes.map { note in
          .members([
            "variant": note.variant.map { .text($0) } ?? .null, "text": .text(note.text),
            "replications": .integer(Int64(note.replications)),
          ])
        }),
      "folder": folder.map { .text($0) } ?? .null,
    ])
  }

  private static func document(_ row: ComparisonRow) -> JSONValue {
    let unit = row.column.unit
    let difference = row.difference?.difference
    return .members([
      "mean": figure(row.estimate?.mean, unit), "ciLow": figure(row.estimate?.interval?.low, unit),
      "ciHigh": figure(row.estimate?.interval?.high, unit), "ratio": .figure(row.difference?.ratio),
      "difference": figure(difference?.mean, unit), "differenceCiLow": figure(difference?.interval?.low, unit),
      "differenceCiHigh": figure(difference?.interval?.high, unit), "pValue": .probability(difference?.pValue),
    ])
  }

  private static func document(_ verdict: Verdict) -> JSONValue {
    .members([
      "metric": .text(verdict.expectation.metric), "variant": .text(verdict.expectation.variant),
      "expected": .text(verdict.expectation.text), "measured": figure(verdict.measured?.mean, verdict.unit),
      "ciLow": figure(verdict.measured?.interval?.low, verdict.unit),
      "ciHigh": figure(verdict.measured?.interval?.high, verdict.unit),
      "verdict": .text(verdict.kind.rawValue),
    ])
  }

  private static func figure(_ value: Double?, _ unit: MetricUnit) -> JSONValue {
    .figure(unit == .time ? value.map { $0 / 1e6 } : value)
  }
}
