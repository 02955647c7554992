// `weir shrink`: makes a scenario small whose expectation does not hold.

import ArgumentParser
import Experiments
import MeshConfiguration
import Reporting

import class Foundation.FileManager

struct ShrinkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shrink", abstract: "Makes a scenario small whose expectation does not hold.",
    discussion:
      "Takes away variants, faults, links, clients, services, replicas, time and settings as long as the expectation is not met in the same way, and writes what is left. The same file gives the same small one."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(
    name: .customLong("expect"),
    help: ArgumentHelp("Which expectation, counted from 1 as weir check lists them.", valueName: "N"),
    transform: { try wholeNumber($0) })
  var expectation: Int

  @Option(
    help: ArgumentHelp("The verdict that is to stay: fails, or notEnoughData.", valueName: "verdict"),
    transform: { text in
      guard let verdict = VerdictKind(rawValue: text), verdict != .holds else {
        throw ValidationError("expected fails or notEnoughData")
      }
      return verdict
    })
  var verdict = VerdictKind.fails

  @Option(
    help: ArgumentHelp("Where the small one goes; FILE with -shrunk in its name unless said.", valueName: "file"))
  var out: String?

  @Option(
    help: ArgumentHelp("How many experiments may be run.", valueName: "runs"), transform: { try wholeNumber($0) })
  var budget = 200

  @Flag(help: "Prints nothing and shows no progress.")
  var quiet = false

  @OptionGroup var options: ExperimentOptions

  func run() throws {
    Interrupt.catchSignals()
    let path = out ?? Self.standardPath(besides: file)
    if path == file {
      throw CommandFailure(
        status: .badInput, lines: ["weir: error: --out \(path): is the scenario itself; expected another file"])
    }
    let target = NewFile(path)
    try target.check()
    var request = ShrinkRequest(
      path: file, output: path, workingFolder: FileManager.default.currentDirectoryPath, expectation: expectation,
      verdict: verdict, budget: budget)
    request.overrides = options.overrides
    request.seed = options.seed
    request.replications = options.replications
    let outcome = try shrunk(request)
    try target.replace(with: outcome.text)
    if quiet { return }
    let output = OutputStream.standardOutput
    try output.write(ShrinkReport(outcome, path: path).text(on: Canvas(output)))
  }

  private func shrunk(_ request: ShrinkRequest) throws -> ShrinkOutcome {
    let stream = OutputStream.standardError
    let isShown = !quiet && stream.isTerminal
    let session = Session(options: options, showsProgress: false)
    defer { if isShown { try? stream.write(ProgressLine.clearing) } }
    do {
      return try session.simulate(file, title: file) { runner, _ -> Result<ShrinkOutcome, Diagnostics> in
        do {
          return .success(
            try request.shrink(
              run: { try runner.run($0, isInterrupted: { Interrupt.hasCome }) },
              report: { runs, values in
                let line = "\(ProgressLine.clearing)run \(runs) of \(request.budget), \(values) values left"
                // Progress that cannot be shown is no reason to end.
                if isShown { try? stream.write(line) }
              }))
        } catch let diagnostics as Diagnostics {
          return .failure(diagnostics)
        }
      }.get()
    } catch let diagnostics as Diagnostics {
      throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    }
  }

  /// `a/b.yaml` becomes `a/b-shrunk.yaml`.
  static func standardPath(besides path: String) -> String {
    for ending in [".yaml", ".yml", ".json"] where path.hasSuffix(ending) && path.count > ending.count {
      return String(path.dropLast(ending.count)) + "-shrunk.yaml"
    }
    return path + "-shrunk.yaml"
  }
}

private func wholeNumber(_ text: String) throws -> Int {
  guard let number = Int(text), (1...1_000_000).contains(number) else {
    throw ValidationError("expected a whole number from 1 to 1000000")
  }
  return number
}
