// `weir tune`: good settings, and how sure it is that they are.

import ArgumentParser
import Experiments
import Reporting

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune", abstract: "Finds settings that make a figure small (or large) within a budget of runs.",
    discussion:
      "Settings spread over the ranges race against each other on the same random numbers; the winner is run again beside the file's own setting on numbers that the race has not seen."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(
    help: ArgumentHelp("The figure, such as latency.p99.", valueName: "name"),
    transform: { text in
      do throws(ArgumentFault) {
        return try Metric.known(text)
      } catch {
        throw ValidationError(error.reason)
      }
    })
  var metric: Metric

  @Option(
    help: ArgumentHelp("A setting and its range; may be given several times.", valueName: "path=low..high"),
    transform: { text in
      do throws(ArgumentFault) {
        return try TunedPath(text)
      } catch {
        throw ValidationError(error.reason)
      }
    })
  var over: [TunedPath]

  @Flag(help: "Larger is better (the default for successRate and throughput).")
  var maximize = false

  @Flag(help: "Smaller is better (the default for all others).")
  var minimize = false

  @Option(help: ArgumentHelp("How many runs at most.", valueName: "n"))
  var budget = 200

  @Option(help: ArgumentHelp("Which variant (default: the first).", valueName: "name"))
  var variant: String?

  @Flag(help: "Shows no progress.")
  var quiet = false

  @OptionGroup var options: ExperimentOptions

  func validate() throws {
    if over.isEmpty { throw ValidationError("--over: missing; expected PATH=LOW..HIGH") }
    if over.count > 20 { throw ValidationError("--over: \(over.count) paths; expected at most 20") }
    if maximize && minimize { throw ValidationError("--maximize and --minimize; expected one of them") }
    if !(50...1_000_000).contains(budget) {
      throw ValidationError("--budget \(budget) is out of range; expected 50 to 1000000")
    }
  }

  func run() throws {
    Interrupt.catchSignals()
    let session = Session(options: options, showsProgress: !quiet)
    guard let scenario = try session.read([file]).first?.scenario else { return }
    let chosen = try VariantChoice.chosen(variant, of: scenario, file: file)
    let tuning = Tuning(
      file: file, overrides: options.overrides, metric: metric,
      wantsMost: maximize || (!minimize && metric.isBetterHigh), paths: over, variant: chosen.name, budget: budget,
      seed: options.seed)
    let result = try session.simulate(file, title: scenario.name) { runner, report in
      do {
        return try tuning.run(on: runner, isInterrupted: { Interrupt.hasCome }, report: report)
      } catch TuningError.setting(let diagnostics) {
        throw CommandFailure(status: .badInput, lines: diagnostics.lines)
      } catch TuningError.noFigure(let reason) {
        throw CommandFailure(
          status: .badInput, lines: ["\(file): error: --metric: \(reason); expected a figure that every run has"])
      }
    }
    let output = OutputStream.standardOutput
    try output.write(
      TuningTable(result, paths: over.map(\.path), metric: metric).text(
        title: "\(scenario.name), \(chosen.name)", on: Canvas(output)))
  }
}
