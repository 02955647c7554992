// `weir policies`: lists the balancing policies.

import ArgumentParser
import MeshCore
import Reporting

struct PoliciesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policies", abstract: "Lists the balancing policies and what can be set in them.")

  @Flag(help: "Prints the list as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Shows them as this profile has them, and whatever else it sets: "
        + "\(MeshProfile.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "profile"))
  var profile: MeshProfile?

  func run() throws {
    let list = PolicyList(profile: profile)
    let output = OutputStream.standardOutput
    let canvas = Canvas(output)
    try output.write(json ? list.document.text + "\n" : list.text(on: canvas))
  }
}

extension MeshProfile: ExpressibleByArgument {}
