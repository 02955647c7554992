// `weir schema`: prints the JSON Schema of scenario files.

import ArgumentParser
import Experiments
import Reporting

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints the JSON Schema of scenario files, for editors.")

  func run() throws {
    let schema = ScenarioReader.jsonSchema()
    try OutputStream.standardOutput.write(schema.hasSuffix("\n") ? schema : schema + "\n")
  }
}
