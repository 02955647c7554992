// `weir show`: prints a scenario as resolved, with where each value came from.

import ArgumentParser
import Experiments
import Reporting

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints a scenario as resolved, each value with where it came from.")

  @Argument(help: ArgumentHelp("Scenario file.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("The variant to show (default: the first).", valueName: "name"))
  var variant: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replaces a value of the scenario; may be given several times.", valueName: "path=value"))
  var overrides: [String] = []

  func run() throws {
    let shown = ScenarioReader.show(path: file, variant: variant, overrides: overrides)
    switch shown {
    case .success(let text): try OutputStream.standardOutput.write(text.hasSuffix("\n") ? text : text + "\n")
    case .failure(let diagnostics): throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    }
  }
}
