// What `run` and `check` do alike: read everything before anything runs, then run with progress on a terminal.

import Experiments
import Reporting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A scenario and the file it came from.
struct ReadScenario {
  var path: String
  var scenario: Scenario
}

struct Session {
  let options: ExperimentOptions
  /// Whether progress may be shown.
  let showsProgress: Bool

  /// Reads all of `paths`.
  /// - Throws: `CommandFailure` with every fault of every file.
  func read(_ paths: [String]) throws -> [ReadScenario] {
    var faults: [String] = []
    var scenarios: [ReadScenario] = []
    for path in paths {
      let reading = ScenarioReader.read(
        path: path, overrides: options.overrides, seed: options.seed, replications: options.replications)
      switch reading {
      case .success(let scenario): scenarios.append(ReadScenario(path: path, scenario: scenario))
      case .failure(let diagnostics): faults += diagnostics.lines
      }
    }
    if !faults.isEmpty { throw CommandFailure(status: .badInput, lines: faults) }
    return scenarios
  }

  /// Runs one scenario.
  /// - Throws: `CommandFailure`.
  func run(_ read: ReadScenario) throws -> ExperimentResult {
    try simulate(read.path, title: read.scenario.name) { runner, report in
      try runner.run(read.scenario, isInterrupted: { Interrupt.hasCome }, report: report)
    }
  }

  /// Calls `body` with a runner and somebody to tell how far it is; what goes wrong is said of the file at `path`.
  /// - Throws: `CommandFailure`.
  func simulate<Result>(
    _ path: String, title: String, _ body: (ExperimentRunner, (ExperimentProgress) -> Void) throws -> Result
  ) throws -> Result {
    let stream = OutputStream.standardError
    let isShown = showsProgress && stream.isTerminal
    let line = ProgressLine(title: title, width: stream.terminalWidth ?? 80)
    let start = ContinuousClock.now
    let runner = ExperimentRunner(jobs: options.jobs ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
      try $0.simulate(monitor: $1)
    }
    defer { if isShown { try? stream.write(ProgressLine.clearing) } }
    do {
      return try body(runner) { progress in
        let elapsed = ContinuousClock.now - start
        // Progress that cannot be shown is no reason to end a run.
        if isShown { try? stream.write(line.text(progress, elapsed: elapsed / .seconds(1))) }
      }
    } catch ExperimentError.interrupted {
      throw CommandFailure(status: .interrupted)
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(status: .badInput, lines: ["\(path): error: \(error)"])
    }
  }
}
