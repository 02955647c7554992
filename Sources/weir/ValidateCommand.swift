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

  @Option(help: ArgumentHelp("Which proxy runs for real.", valueName: "weir|envoy|haproxy|nginx"))
  var proxy = "weir"

  @Flag(help: "Prints what another proxy would be told, and runs nothing.")
  var printConfiguration = false

  @Option(help: ArgumentHelp("One variant alone.", valueName: "name"))
  var variant: String?

  @Option(help: ArgumentHelp("How many real runs of each variant.", valueName: "n"))
  var runs = 5

  @Option(help: ArgumentHelp("How often a run is made, at most, while others' work makes it void.", valueName: "n"))
  var attempts = 3

  @Option(
    help: ArgumentHelp(
      "Writes validation.csv, validation-latency.csv and validation.svg to DIR/<scenario name>/.", valueName: "dir"))
  var out = "Results"

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replaces a value of the scenario; may be given several times.", valueName: "path=value"))
  var overrides: [String] = []

  func validate() throws {
    guard let kind = ProxyKind(rawValue: proxy) else {
      let names = ProxyKind.allCases.map(\.rawValue)
      let guess = Suggestion.closest(to: proxy, among: names).map { "; did you mean '\($0)'?" } ?? ""
      throw ValidationError("--proxy '\(proxy)' is no proxy; expected \(names.joined(separator: ", "))\(guess)")
    }
    if printConfiguration && kind == .weir {
      throw ValidationError(
        "--print-configuration: weir runs the mesh as it stands; expected --proxy envoy, haproxy or nginx")
    }
    if !(1...1000).contains(runs) { throw ValidationError("--runs \(runs) is out of range; expected 1 to 1000") }
    if !(1...100).contains(attempts) {
      throw ValidationError("--attempts \(attempts) is out of range; expected 1 to 100")
    }
  }

  func run() throws {
    Interrupt.catchSignals()
    let kind = ProxyKind(rawValue: proxy) ?? .weir
    let scenario = try read()
    if printConfiguration { return try printConfigurations(of: scenario, kind) }
    let folder = ResultFolder(parent: out, name: scenario.name)
    try folder.check()
    let errors = OutputStream.standardError
    let showsProgress = errors.isTerminal
    let stopping = StopSignal()
    let validation: Validation
    do {
      let validator = try Validator(
        scenario, runs: runs, attempts: attempts, proxy: kind, stopping: stopping
      ) { step in
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
    try folder.add([
      ("validation.csv", try report.csv()), ("validation-latency.csv", try report.latencyCSV()),
      ("validation.svg", OverlayPicture(validation).svg),
    ])
    let output = OutputStream.standardOutput
    try output.write(report.table(on: Canvas(output)) + "results: \(folder.path)/\n")
    if !validation.holds { throw CommandFailure(status: .unmet) }
  }

  /// The scenario, with the variant that is asked for alone.
  private func read() throws -> Scenario {
    switch ScenarioReader.read(path: file, overrides: overrides) {
    case .failure(let diagnostics): throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    case .success(var scenario):
      if let variant { scenario.variants = [try VariantChoice.chosen(variant, of: scenario, file: file)] }
      return scenario
    }
  }

  private func printConfigurations(of scenario: Scenario, _ kind: ProxyKind) throws {
    guard let variant = scenario.variants.first else { return }
    do {
      try OutputStream.standardOutput.write(try kind.configuration(Validator.setup(variant)))
    } catch let error as TestbedError {
      throw CommandFailure(status: .badInput, lines: error.lines.map { "\(file): error: \($0)" })
    }
  }
}
