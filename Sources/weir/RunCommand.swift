// `weir run`: simulates every variant of a scenario and compares them.

import ArgumentParser
import Experiments
import MeshCore
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

  @Option(
    help: ArgumentHelp(
      "Writes a timeline of each variant's first replication too, for ui.perfetto.dev: its requests, queues and faults.",
      valueName: "file"))
  var trace: String?

  @Option(
    help: ArgumentHelp("How many requests of each variant the timeline shows.", valueName: "N"),
    transform: { text in
      guard let number = Int(text), (0...10_000_000).contains(number) else {
        throw ValidationError("expected a whole number from 0 to 10000000")
      }
      return number
    })
  var traceRequests = TraceScope().requests

  @Option(
    help: ArgumentHelp("The timeline shows requests wanted from this time on.", valueName: "time"),
    transform: { text in
      guard let moment = Timestamp(momentOfRun: text) else { throw ValidationError("expected a time such as 12.5s") }
      return moment
    })
  var traceFrom = Timestamp.zero

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
    let traceFile = trace.map { NewFile($0) }
    try traceFile?.check()
    var timeline = TraceDocument()
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
      if traceFile != nil { try addTraces(of: result, read, isAlone: scenarios.count == 1, to: &timeline) }
    }
    guard let traceFile else { return }
    try traceFile.replace(with: timeline.text)
    if !quiet && !json {
      try output.write("trace: \(traceFile.path), \(timeline.requests) of \(timeline.wanted) requests\n")
    }
  }

  func validate() throws {
    if trace != nil && explain != nil {
      throw ValidationError("--trace and --explain: expected one of them")
    }
    if trace == nil && (traceRequests != TraceScope().requests || traceFrom != .zero) {
      throw ValidationError("--trace-requests and --trace-from say what --trace writes; expected --trace FILE too")
    }
  }

  /// The first replications of `result` again, with somebody who looks.
  private func addTraces(
    of result: ExperimentResult, _ read: ReadScenario, isAlone: Bool, to timeline: inout TraceDocument
  ) throws {
    let scope = TraceScope(from: traceFrom, requests: traceRequests)
    for variant in result.variants.map(\.variant) {
      do {
        let name = isAlone ? variant.name : "\(result.scenario.name), \(variant.name)"
        timeline.add(
          try result.scenario.trace(variant, scope, isInterrupted: { Interrupt.hasCome }), name: name)
      } catch ExperimentError.interrupted {
        throw CommandFailure(status: .interrupted)
      } catch {
        throw CommandFailure(status: .badInput, lines: ["\(read.path): error: \(error)"])
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
