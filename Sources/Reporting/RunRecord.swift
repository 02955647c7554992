// `run.json`: what was run, and the digests that prove that two runs were the same. Nothing of the machine.

import Experiments
import MeshConfiguration
import MeshCore
import Simulation

/// The version of the program, part of what determines results.
public let weirVersion = "0.1.0"

enum RunRecord {
  /// The record of an experiment.
  static func document(_ result: ExperimentResult) -> JSONValue {
    let replications = result.variants.flatMap(\.replications)
    return .members([
      "scenario": .text(result.scenario.name),
      "about": .text(result.scenario.about),
      "failures": .text(FailureRule.text(result.scenario)),
      "scenarioDigest": .text(hexadecimal(result.scenario.digest)),
      "version": .text(weirVersion),
      "seed": .unsigned(result.scenario.seed),
      "replications": .integer(Int64(result.scenario.replications)),
      "confidence": .number(result.scenario.confidence),
      "simulatedSeconds": .number(replications.reduce(TimeSpan.zero) { $0 + $1.simulated }.seconds),
      "events": .unsigned(replications.reduce(0) { $0 &+ $1.eventCount }),
      "traceDigest": .text(hexadecimal(replications.reduce(0) { mix64($0 ^ $1.traceDigest) &+ goldenGamma })),
      "runs": .list(
        result.variants.flatMap { variant in
          variant.replications.map { replication in
            .members([
              "variant": .text(variant.variant.name),
              "replication": .integer(Int64(replication.replication)),
              "seed": .unsigned(replication.seed),
              "simulatedSeconds": .number(replication.simulated.seconds),
              "events": .unsigned(replication.eventCount),
              "traceDigest": .text(hexadecimal(replication.traceDigest)),
            ])
          }
        }),
    ])
  }

  /// 16 digits.
  static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
