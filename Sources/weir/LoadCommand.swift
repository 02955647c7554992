// `weir load`: a scenario's requests, sent for real at the instants fixed in advance.

import ArgumentParser
import Experiments
import MeshConfiguration
import Reporting
import Testbed

struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Sends a scenario's requests to a real address.",
    discussion:
      "Latency counts from the instant at which a request was wanted. Warns when the generator itself was late (its own lag over 1 ms at the 0.99 quantile)."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("Where requests go.", valueName: "host:port"), transform: { try socketName($0) })
  var to: SocketName

  @Option(help: ArgumentHelp("Writes load.csv and load.hgrm to DIR/<scenario name>/.", valueName: "dir"))
  var out: String?

  @Option(help: ArgumentHelp("Whose random numbers: the number of a replication, from 0.", valueName: "n"))
  var replication = 0

  @OptionGroup var choice: VariantChoice

  func validate() throws {
    if replication < 0 { throw ValidationError("--replication \(replication) is out of range; expected 0 or more") }
  }

  func run() throws {
    Interrupt.catchSignals()
    let (scenario, variant) = try choice.read(file)
    let folder = out.map { ResultFolder(parent: $0, name: scenario.name) }
    try folder?.check()
    let generator = LoadGenerator(variant, seed: scenario.seed, replication: replication, to: to)
    let result: LoadResult
    do {
      result = try Blocking.wait(onInterrupt: { generator.stop() }) { try await generator.send() }
    } catch {
      throw CommandFailure(status: .badInput, lines: ["weir: error: --to: nobody listens at \(to): \(error)"])
    }
    if Interrupt.hasCome { throw CommandFailure(status: .interrupted) }
    let report = LoadReport(
      clients: result.clients.map {
        LoadReport.Row(
          name: $0.name, requests: $0.requests, successes: $0.successes, unanswered: $0.unanswered,
          latency: $0.latency)
      }, lagP99: result.lagP99)
    try folder?.add([
      ("load.csv", report.csv(scenario.name, variant: variant.name)), ("load.hgrm", result.percentiles),
    ])
    let output = OutputStream.standardOutput
    try output.write(report.table(on: Canvas(output)))
    if let folder { try output.write("results: \(folder.path)/\n") }
    if result.hasLagged {
      try OutputStream.standardError.write(
        "warning: the generator itself was late: \(report.lagText) at p99, expected at most 1 ms; latencies are not to be trusted\n"
      )
    }
  }
}
