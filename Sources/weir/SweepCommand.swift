// `weir sweep`: a scenario's grid, in one go, in shards, or on engines that others keep.

import ArgumentParser
import Experiments
import Reporting

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep", abstract: "Runs every combination of the values of a scenario's sweep.",
    subcommands: [SweepRunCommand.self, SweepMergeCommand.self, SweepSubmitCommand.self],
    defaultSubcommand: SweepRunCommand.self)
}

struct SweepRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs the grid, or one shard of it, and writes sweep.csv.",
    discussion:
      "What is done is kept in DIR/<scenario name>/sweep-I-of-N.part as it comes; after a kill, --resume goes on from there. Shards may run anywhere: put their parts into one folder and merge them. The bytes are the same whatever the shards, jobs and kills."
  )

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("Where results go: DIR/<scenario name>/.", valueName: "dir"))
  var out = "Results"

  @Option(
    help: ArgumentHelp("Runs part I of N alone.", valueName: "I/N"),
    transform: { text in
      guard let shard = SweepShard(text) else {
        throw ValidationError("expected I/N with I from 1 to N, such as 2/4")
      }
      return shard
    })
  var shard = SweepShard.whole

  @Flag(help: "Goes on where a sweep that was ended left off.")
  var resume = false

  @Flag(help: "Prints no table and shows no progress.")
  var quiet = false

  @OptionGroup var options: ExperimentOptions

  func run() throws {
    Interrupt.catchSignals()
    let sweep = try SweepFile(path: file, options: options).read()
    let folder = ResultFolder(parent: out, name: sweep.name)
    try folder.make()
    let part = try SweepPart(sweep, shard: shard, in: folder.path, resumes: resume)
    defer { part.finish() }
    var isKnown = Array(repeating: false, count: sweep.units.count)
    for place in part.known { isKnown[place] = true }
    let places = sweep.places(ofShard: shard.number, of: shard.count).filter { !isKnown[$0] }
    let session = Session(options: options, showsProgress: !quiet)
    _ = try session.simulate(file, title: sweep.name) { runner, report in
      try runner.run(
        places.map { sweep.task(of: sweep.units[$0]) }, isInterrupted: { Interrupt.hasCome }, report: report
      ) { try part.add(places[$0], of: sweep, $1) }
    }
    part.finish()
    let output = OutputStream.standardOutput
    if shard != .whole {
      if !quiet {
        try output.write(
          "part \(shard.number) of \(shard.count): \(part.path)\nweir sweep merge \(folder.path) puts all parts together\n"
        )
      }
      return
    }
    try SweepTable.merge(in: folder.path, shard: .whole)
    SweepTable.removeWhole(in: folder.path)
    if quiet { return }
    try output.write(
      SweepSummary(sweep).table(of: try SweepTable.text(in: folder.path)) + "\nresults: \(folder.path)/\n")
  }
}

struct SweepMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Puts the parts in a folder together into its sweep.csv.")

  @Argument(help: ArgumentHelp("The folder with all sweep-I-of-N.part files.", valueName: "dir"))
  var folder: String

  func run() throws {
    let rows = try SweepTable.merge(in: folder)
    try OutputStream.standardOutput.write("\(rows) rows: \(folder)/\(SweepTable.fileName)\n")
  }
}

/// A file that has a sweep.
struct SweepFile {
  var path: String
  var options: ExperimentOptions

  /// The grid in it.
  /// - Throws: `CommandFailure` with every fault.
  func read() throws -> Sweep {
    let reading = ScenarioReader.sweep(
      path: path, overrides: options.overrides, seed: options.seed, replications: options.replications)
    switch reading {
    case .success(let sweep): return sweep
    case .failure(let diagnostics): throw CommandFailure(status: .badInput, lines: diagnostics.lines)
    }
  }
}
