// `weir policies`: lists the balancing policies.

import ArgumentParser
import Reporting

struct PoliciesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policies", abstract: "Lists the balancing policies and what can be set in them.")

  @Flag(help: "Prints the list as JSON.")
  var json = false

  func run() throws {
    let list = PolicyList()
    let output = OutputStream.standardOutput
    let canvas = Canvas(output)
    try output.write(json ? list.document.text + "\n" : list.text(on: canvas))
  }
}
