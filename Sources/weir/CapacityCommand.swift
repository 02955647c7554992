// `weir capacity`: how much load a setting bears.

import ArgumentParser
import Experiments
import Reporting

struct CapacityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capacity", abstract: "Finds the highest load that still holds an objective.",
    discussion:
      "All clients' rates are multiplied by one factor, which is bracketed and bisected in each replication by itself, with the same random numbers for all variants."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(
    help: ArgumentHelp(
      "What has to hold, such as latency.p99<60ms or successRate>99.9%; may be given several times.", valueName: "slo"),
    transform: { text in
      do throws(ArgumentFault) {
        return try Objective(text)
      } catch {
        throw ValidationError(error.reason)
      }
    })
  var slo: [Objective]

  @Option(help: ArgumentHelp("One variant alone.", valueName: "name"))
  var variant: String?

  @Option(
    help: ArgumentHelp("How narrow the bracket gets, as a share of the load.", valueName: "ratio"),
    transform: { text in
      let value = text.hasSuffix("%") ? Double(text.dropLast()).map { $0 / 100 } : Double(text)
      guard let value, value > 0, value <= 1 else { throw ValidationError("expected a ratio such as 1%") }
      return value
    })
  var precision = 0.01

  @Flag(help: "Shows no progress.")
  var quiet = false

  @OptionGroup var options: ExperimentOptions

  func run() throws {
    Interrupt.catchSignals()
    let session = Session(options: options, showsProgress: !quiet)
    guard var scenario = try session.read([file]).first?.scenario else { return }
    if let variant { scenario.variants = [try VariantChoice.chosen(variant, of: scenario, file: file)] }
    let search: CapacitySearch
    do throws(ArgumentFault) {
      search = try CapacitySearch(scenario, objectives: slo, precision: precision)
    } catch {
      throw CommandFailure(status: .badInput, lines: ["\(file): error: world.clients: \(error.reason)"])
    }
    let results = try session.simulate(file, title: scenario.name) { runner, report in
      try search.run(on: runner, isInterrupted: { Interrupt.hasCome }, report: report)
    }
    let output = OutputStream.standardOutput
    try output.write(
      CapacityTable(results, confidence: scenario.confidence).text(
        title: scenario.name, objective: slo.map(\.text).joined(separator: " and "), on: Canvas(output)))
  }
}
