// `weir place`: where a hashing balancer puts keys.

import ArgumentParser
import Experiments
import Reporting

struct PlaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "place", abstract: "Shows where a hashing balancer puts each key, as CSV.",
    discussion: """
      Keys are hashed as Envoy hashes a header's value, hosts by their address. Example:
      weir place --balancer '{ringHash: {minimumRingSize: 1024}}' --hosts hosts.csv --keys keys.txt
      """)

  @Option(help: ArgumentHelp("The balancer, as in a scenario: a name, or a name with parameters.", valueName: "yaml"))
  var balancer: String

  @Option(help: ArgumentHelp("CSV with the columns address and weight.", valueName: "file"))
  var hosts: String

  @Option(help: ArgumentHelp("One key a line.", valueName: "file"))
  var keys: String

  func run() throws {
    switch KeyPlacement.read(balancer: balancer, hosts: hosts, keys: keys) {
    case .success(let placement):
      let output = OutputStream.standardOutput
      try PlacementTable.write(placement) { try output.write($0) }
    case .failure(let diagnostics):
      throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    }
  }
}
