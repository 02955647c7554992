// `weir backend`: real servers that are what a scenario's world says.

import ArgumentParser
import Experiments
import MeshConfiguration
import Reporting
import Testbed

struct BackendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backend", abstract: "Serves a scenario's services on real ports.",
    discussion:
      "Prints a line 'service replica host:port' for each replica and serves until Ctrl-C: HTTP/1.1, and HTTP/2 with prior knowledge."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("One service alone.", valueName: "name"))
  var service: String?

  @Option(help: ArgumentHelp("One replica alone, by number from 0.", valueName: "i"))
  var replica: Int?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Where replicas listen, in their order; may be given several times. Any free port of 127.0.0.1 where nothing is said.",
      valueName: "host:port"), transform: { try socketName($0) })
  var listen: [SocketName] = []

  @OptionGroup var choice: VariantChoice

  func run() throws {
    Interrupt.catchSignals()
    let (scenario, variant) = try choice.read(file)
    let output = OutputStream.standardOutput
    let backend: Backend
    let addresses: [BackendAddress]
    do {
      let made = try Backend(
        variant, seed: scenario.seed,
        selection: Backend.Selection(service: service, replica: replica, addresses: listen))
      backend = made
      addresses = try Blocking.wait { try await made.start() }
    } catch let error as TestbedError {
      throw CommandFailure(status: .badInput, lines: error.lines.map { "\(file): error: \($0)" })
    } catch {
      throw CommandFailure(status: .badInput, lines: ["weir: error: --listen: cannot listen: \(error)"])
    }
    try output.write(addresses.map { "\($0.service) \($0.replica) \($0.address)\n" }.joined())
    Interrupt.wait()
    Blocking.wait { await backend.stop() }
  }
}

/// The address in `text`.
func socketName(_ text: String) throws -> SocketName {
  guard let name = SocketName(text) else {
    throw ValidationError("'\(text)' is no address; expected host:port, such as 127.0.0.1:8080")
  }
  return name
}

/// Which variant of a scenario runs for real.
struct VariantChoice: ParsableArguments {
  @Option(help: ArgumentHelp("Which variant (default: the first).", valueName: "name"))
  var variant: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replaces a value of the scenario; may be given several times.", valueName: "path=value"))
  var overrides: [String] = []

  /// The scenario in a file, and the variant.
  /// - Throws: `CommandFailure`.
  func read(_ file: String) throws -> (Scenario, Variant) {
    switch ScenarioReader.read(path: file, overrides: overrides) {
    case .failure(let diagnostics): throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    case .success(let scenario): return (scenario, try Self.chosen(variant, of: scenario, file: file))
    }
  }

  /// The variant called `name`, the first one where no name is given.
  /// - Throws: `CommandFailure`.
  static func chosen(_ name: String?, of scenario: Scenario, file: String) throws -> Variant {
    if let found = scenario.variants.first(where: { $0.name == name ?? $0.name }) { return found }
    let names = scenario.variants.map(\.name)
    let guess = name.flatMap { Suggestion.closest(to: $0, among: names) }
    throw CommandFailure(
      status: .badInput,
      lines: [
        "\(file): error: --variant: unknown variant '\(name ?? "")'; expected \(names.joined(separator: ", "))"
          + (guess.map { "; did you mean '\($0)'?" } ?? "")
      ])
  }
}
