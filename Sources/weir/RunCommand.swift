// `weir run`: simulates every variant of a scenario and compares them.

import ArgumentParser
import Experiments
import Reporting
import Simulation

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Simulates every variant of a scenario and compares them.")

  @Argument(help: ArgumentHelp("Scenario files.", valueName: "file"))
  var files: [String]

  @Option(help: ArgumentHelp("Where results go: DIR/<scenario name>/.", valueName: "dir"))
  var out = "Results"

  @OptionGroup var options: ExperimentOptions

  @Option(
    help: ArgumentHelp(
      "In place of running: why a request of each variant's first replication went as it did (its number from 0, or client:number), or how all endpoints stood at a time (12.5s).",
      valueName: "request|time"),
    transform: { text in
      guard let request = ExplanationRequest(text) else {
        throw ValidationError("expected a request's number, client:number, or a time such as 12.5s")
      }
      return request
    })
  var explain: ExplanationRequest?

  @Flag(help: "Prints no table and shows no progress.")
  var quiet = false

  @Flag(help: "Prints the comparison as JSON, one object a scenario.")
  var json = false

  func run() throws {
    Interrupt.catchSignals()
    let session = Session(options: options, showsProgress: !quiet)
    let scenarios = try session.read(files)
    let output = OutputStream.standardOutput
    if let explain {
      for read in scenarios { try self.explain(explain, read, output) }
      return
    }
    let folders = try folders(of: scenarios)
    let canvas = Canvas(output)
    for (read, folder) in zip(scenarios, folders) {
      let result = try session.run(read)
      do {
        try folder.write(result, isInterrupted: { Interrupt.hasCome })
      } catch ExperimentError.interrupted {
        throw CommandFailure(status: .interrupted)
      }
      if json {
        try output.write(ComparisonDocument.document(result, folder: folder.path).text + "\n")
      } else if !quiet {
        let isLast = read.scenario.name == scenarios.last?.scenario.name
        try output.write(
          ComparisonTable(result).text(on: canvas) + "\nresults: \(folder.path)/\n" + (isLast ? "" : "\n"))
      }
    }
  }

  private func explain(_ request: ExplanationRequest, _ read: ReadScenario, _ output: OutputStream) throws {
    for variant in read.scenario.variants {
      let explanation: Explanation?
      do {
        explanation = try read.scenario.explain(request, in: variant)
      } catch {
        throw CommandFailure(status: .badInput, lines: ["\(read.path): error: \(error)"])
      }
      guard let explanation else {
        throw CommandFailure(
          status: .badInput,
          lines: [
            "\(read.path): error: --explain: variant \(variant.name) has no such request or moment; expected a number below its requests, one of its clients, or a time within the run"
          ])
      }
      try output.write(
        "\(read.scenario.name), \(variant.name), replication 0, seed \(read.scenario.seed)\n"
          + ExplanationText.text(explanation) + "\n")
    }
  }

  /// The result folders, one a scenario, known to be writable before anything runs.
  private func folders(of scenarios: [ReadScenario]) throws -> [ResultFolder] {
    var faults: [String] = []
    var owners: [String: String] = [:]
    for read in scenarios {
      if let other = owners.updateValue(read.path, forKey: read.scenario.name) {
        faults.append(
          "\(read.path): error: scenario: '\(read.scenario.name)' is the name of \(other) too; expected a name of its own"
        )
      }
    }
    if !faults.isEmpty { throw CommandFailure(status: .badInput, lines: faults) }
    let folders = scenarios.map { ResultFolder(parent: out, name: $0.scenario.name) }
    for folder in folders { try folder.check() }
    return folders
  }
}
