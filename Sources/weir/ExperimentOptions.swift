// Flags that `run` and `check` share.

import ArgumentParser
import Experiments

struct ExperimentOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Seed of all random streams.", valueName: "N"),
    transform: { try number($0, from: 0, to: UInt64.max) })
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("How many replications.", valueName: "N"), transform: { try number($0, from: 1, to: 100_000) })
  var replications: Int?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replaces a value of the scenario; may be given several times.", valueName: "path=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp("How many replications run at a time (default: one a core).", valueName: "N"),
    transform: { try number($0, from: 1, to: 1024) })
  var jobs: Int?
}

/// The whole number in `text`.
private func number<Number: FixedWidthInteger & Sendable>(
  _ text: String, from minimum: Number, to maximum: Number
) throws -> Number {
  guard let number = Number(text), number >= minimum, number <= maximum else {
    throw ValidationError("expected a whole number from \(minimum) to \(maximum)")
  }
  return number
}
