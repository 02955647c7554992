// `weir validate`: a scenario in both worlds, side by side.

import ArgumentParser
import Experiments
import MeshConfiguration
import Reporting
import Testbed

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Simulates a scenario, runs it over real sockets, and compares.",
    discussion:
      "Exits with 0 when all figures agree within the tolerance of validate.tolerance, with 1 when some don't or no run counts."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("Which proxy runs for real.", valueName: "weir"))
  var proxy = "weir"

  @Option(help: ArgumentHelp("How many real runs of each variant.", valueName: "n"))
  var runs = 5

  @Option(help: ArgumentHelp("Writes validation.csv to DIR/<scenario name>/.", valueName: "dir"))
  var out = "Results"

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replaces a value of the scenario; may be given several times.", valueName: "path=value"))
  var overrides: [String] = []

  func validate() throws {
    if proxy != "weir" {
      throw ValidationError(
        ["envoy", "haproxy", "nginx"].contains(proxy)
          ? "--proxy \(proxy): its configuration cannot be made from a mesh yet; expected weir"
          : "--proxy '\(proxy)' is no proxy; expected weir")
    }
    if !(1...1000).contains(runs) { throw ValidationError("--runs \(runs) is out of range; expected 1 to 1000") }
  }

  func run() throws {
    Interrupt.catchSignals()
    let scenario: Scenario
    switch ScenarioReader.read(path: file, overrides: overrides) {
    case .failure(let diagnostics): throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    case .success(let read): scenario = read
    }
    let folder = ResultFolder(parent: out, name: scenario.name)
    try folder.check()
    let errors = OutputStream.standardError
    let showsProgress = errors.isTerminal
    let stopping = StopSignal()
    let validation: Validation
    do {
      let validator = try Validator(scenario, runs: runs, stopping: stopping) { step in
        // Progress that cannot be shown is no reason to end a run.
        if showsProgress { try? OutputStream.standardError.write("\(scenario.name): \(step)\n") }
      }
      validation = try Blocking.wait(onInterrupt: { stopping.stop() }) { try await validator.run() }
    } catch ExperimentError.interrupted {
      throw CommandFailure(status: .interrupted)
    } catch let error as TestbedError {
      throw CommandFailure(status: .badInput, lines: error.lines.map { "\(file): error: \($0)" })
    } catch {
      throw CommandFailure(status: .badInput, lines: ["\(file): error: \(error)"])
    }
    let report = ValidationReport(validation)
    try folder.add([("validation.csv", try report.csv())])
    let output = OutputStream.standardOutput
    try output.write(report.table(on: Canvas(output)) + "results: \(folder.path)/\n")
    if !validation.holds { throw CommandFailure(status: .unmet) }
  }
}
