// `weir check`: runs scenarios and judges what they expect.

import ArgumentParser
import Experiments
import Reporting

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Runs scenarios and judges what they expect.",
    discussion: "Exits with 0 when all expectations hold, with 1 when some don't, with 2 when a file has none.")

  @Argument(help: ArgumentHelp("Scenario files, or folders of them.", valueName: "file|dir"))
  var paths: [String]

  @Option(help: ArgumentHelp("Writes the verdicts as JUnit XML too.", valueName: "file"))
  var junit: String?

  @Flag(help: "Records the results anew after a deliberate change, and prints what has moved.")
  var update = false

  @Option(help: ArgumentHelp("With --update: where results go, DIR/<scenario name>/.", valueName: "dir"))
  var out = "Results"

  @OptionGroup var options: ExperimentOptions

  func run() throws {
    Interrupt.catchSignals()
    let session = Session(options: options, showsProgress: true)
    let scenarios = try session.read(files())
    try checkExpectations(scenarios)
    let report = junit.map { NewFile($0) }
    try report?.check()
    if update { for read in scenarios { try ResultFolder(parent: out, name: read.scenario.name).check() } }
    let output = OutputStream.standardOutput
    let canvas = Canvas(output)
    var verdicts: [Verdict] = []
    var document = JUnitReport()
    for read in scenarios {
      let result = try session.run(read)
      let judged = ExpectationJudge.verdicts(result)
      document.append(read.scenario, judged)
      verdicts += judged
      try output.write(VerdictTable(read.scenario, judged).text(on: canvas))
      if update { try record(result, output) }
    }
    try output.write(VerdictTable.total(verdicts))
    try report?.replace(with: document.text)
    if verdicts.contains(where: { $0.kind != .holds }) { throw CommandFailure(status: .unmet) }
  }

  /// Puts the results where `weir run` would, and tells what is different from what was there.
  private func record(_ result: ExperimentResult, _ output: OutputStream) throws {
    let folder = ResultFolder(parent: out, name: result.scenario.name)
    let movement = try ResultMovement(before: folder)
    do {
      try folder.write(result, isInterrupted: { Interrupt.hasCome })
    } catch ExperimentError.interrupted {
      throw CommandFailure(status: .interrupted)
    }
    let lines = try movement.lines()
    try output.write(
      lines.isEmpty ? "  nothing moved in \(folder.path)\n" : lines.map { "  moved: \($0)\n" }.joined())
  }

  /// A file that expects nothing would pass without having been tested; in a folder there may be some of those, but not all.
  private func checkExpectations(_ scenarios: [ReadScenario]) throws {
    let silent = scenarios.filter { $0.scenario.expectations.isEmpty }.map(\.path)
    let named = silent.count == scenarios.count ? silent : silent.filter { paths.contains($0) }
    if named.isEmpty { return }
    throw CommandFailure(
      status: .badInput,
      lines: named.map { "\($0): error: expect: missing; expected at least one expectation to judge" })
  }

  private func files() throws -> [String] {
    var faults: [String] = []
    var files: [String] = []
    for path in paths {
      let found = ScenarioFiles.find(at: path)
      if found.isEmpty { faults.append("\(path): error: holds no scenario; expected .yaml files in it") }
      files += found.filter { !files.contains($0) }
    }
    if !faults.isEmpty { throw CommandFailure(status: .badInput, lines: faults) }
    return files
  }
}
