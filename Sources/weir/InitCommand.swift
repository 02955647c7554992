// `weir init`: writes a scenario to start from.

import ArgumentParser
import Experiments
import Reporting

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Writes a commented scenario to start from.")

  @Argument(help: ArgumentHelp("The scenario's name; the file is NAME.yaml.", valueName: "name"))
  var name = "my-scenario"

  func run() throws {
    let scenario = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
    let isName =
      !scenario.isEmpty
      && scenario.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
    if !isName {
      throw CommandFailure(
        status: .badInput, lines: ["weir: error: '\(name)' is no scenario name; expected letters, digits and '-'"])
    }
    let file = NewFile("\(scenario).yaml")
    // As it was called: it need not be on the path.
    let program = CommandLine.arguments.first ?? "weir"
    try file.create(with: ScenarioTemplate.text(name: scenario, program: program))
    try OutputStream.standardOutput.write("wrote \(file.path); try: \(program) run \(file.path)\n")
  }
}
