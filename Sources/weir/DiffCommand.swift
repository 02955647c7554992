// `weir diff`: what changed between two result folders.

import ArgumentParser
import Experiments
import MeshConfiguration
import Reporting

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Tells what changed between two results, with intervals.",
    discussion:
      "Replications of the same seed are compared pair by pair, others as independent samples. Exits with 0 when nothing differs, with 1 when something does."
  )

  @Argument(help: ArgumentHelp("A folder with summary.csv or sweep.csv.", valueName: "before"))
  var before: String

  @Argument(help: ArgumentHelp("The one to compare it with.", valueName: "after"))
  var after: String

  @Option(
    help: ArgumentHelp(
      "The level of intervals; all figures together raise a false alarm as rarely.", valueName: "share"),
    transform: { text in
      guard let level = try? Quantity.fraction(text), level > 0, level < 1 else {
        throw ValidationError("expected a level such as 95%, above 0 and below 1")
      }
      return level
    })
  var confidence = 0.95

  @Flag(help: "Prints the differences as JSON.")
  var json = false

  func run() throws {
    Interrupt.catchSignals()
    let report = try DifferenceReport(before: before, after: after, confidence: confidence)
    if Interrupt.hasCome { throw CommandFailure(status: .interrupted) }
    let output = OutputStream.standardOutput
    try output.write(json ? report.document.text + "\n" : report.text(on: Canvas(output)))
    if !report.isEmpty { throw CommandFailure(status: .unmet) }
  }
}
