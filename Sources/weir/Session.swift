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
    let stream = OutputStream.standardError
    let isShown = showsProgress && stream.isTerminal
    let line = ProgressLine(title: read.scenario.name, width: stream.terminalWidth ?? 80)
    let start = ContinuousClock.now
    let runner = ExperimentRunner(jobs: options.jobs ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) {
      try $0.simulate(monitor: $1)
    }
    defer { if isShown { try? stream.write(ProgressLine.clearing) } }
    do {
      return try runner.run(read.scenario, isInterrupted: { Interrupt.hasCome }) { progress in
        let elapsed = ContinuousClock.now - start
        // Progress that cannot be shown is no reason to end a run.
        if isShown { try? stream.write(line.text(progress, elapsed: elapsed / .seconds(1))) }
      }
    } catch ExperimentError.interrupted {
      throw CommandFailure(status: .interrupted)
    } catch {
      throw CommandFailure(status: .badInput, lines: ["\(read.path): error: \(error)"])
    }
  }
}
