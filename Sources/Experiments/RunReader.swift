// The `run` part: how long, and what is counted.

import MeshConfiguration
import MeshCore
import Simulation

struct RunReader {
  let log: FaultLog

  /// As long as no run lasts: the end of one that is given in requests.
  static let unbounded = TimeSpan.seconds(10 * 365 * 86_400)

  /// The run in `value`.
  func run(_ value: ResolvedValue) -> RunDescription {
    var run = RunDescription()
    let requests = value["requests"]
    if let requests {
      run.requests = requests.integer.map { Int($0) }
      run.duration = Self.unbounded
    }
    if let duration = value["duration"], let span = duration.span {
      run.duration = span
      if let requests {
        let later = requests.origin.line >= duration.origin.line ? requests : duration
        log.add(later.origin, value.path, "two alternatives, duration and requests; expected one")
      }
    }
    if let warmUp = value["warmUp"], let span = warmUp.span {
      run.warmUp = span
      if span >= run.duration && !(value.has("duration") && value["duration"] == nil) {
        let duration = value["duration"]
        let culprit = warmUp.origin.isImplied ? duration ?? warmUp : warmUp
        log.add(
          culprit.origin, warmUp.path,
          "\(warmUp.written) is not shorter than duration \(duration?.written ?? "60s"); expected less")
      }
    }
    if let warmUp = value["warmUp"], warmUp.text == "auto", let requests {
      log.add(
        warmUp.origin, warmUp.path,
        "auto looks at the run's time, and requests \(requests.written) give none; expected a duration of one of them")
    }
    if let window = value["window"]?.span { run.window = window }
    if let drain = value["drain"]?.span { run.drain = drain }
    run.repeatsDemand = value["attemptDemand"]?.text == "same"
    return run
  }

  /// The goal of `replications: auto`; nil where their number is given.
  func precision(_ value: ResolvedValue, variants: [Variant]) -> PrecisionGoal? {
    let isAuto = value["replications"]?.text == "auto"
    if !isAuto {
      for key in ["precision", "maxReplications"] {
        guard let stray = value[key], !stray.origin.isImplied else { continue }
        log.add(stray.origin, stray.path, "said with a number of replications; expected it with replications: auto")
      }
      return nil
    }
    var targets: [PrecisionGoal.Target] = []
    if let precision = value["precision"], !precision.entries.isEmpty {
      for entry in precision.entries {
        let name = ResolvedValue(.text(entry.key), origin: entry.keyOrigin, path: entry.value.path)
        guard let metric = ExpectationReader.metric(name, log: log, variants: variants) else { continue }
        targets.append(.init(metric: metric, relative: relative(entry.value)))
      }
    } else {
      let share = value["precision"].map(relative) ?? 0.02
      targets = [SummaryColumn.latencyMean, .latencyP99].map { .init(metric: .summary($0), relative: share) }
    }
    let most = value["maxReplications"]?.integer.map { Int($0) } ?? 200
    return PrecisionGoal(targets: targets, most: most)
  }

  private func relative(_ value: ResolvedValue) -> Double {
    if let number = value.number, number <= 0 {
      log.add(value.origin, value.path, "\(quoted(value.written)) is never met; expected a ratio above 0, such as 2%")
    }
    return value.number ?? 0
  }

  /// The level of intervals in `value`: above 0 and below 1.
  func confidence(_ value: ResolvedValue) -> Double {
    guard let level = value["confidence"], let number = level.number else { return 0.95 }
    if number <= 0 || number >= 1 {
      log.add(
        level.origin, level.path, "\(quoted(level.written)) is no level; expected one such as 95%, above 0 and below 1")
    }
    return number
  }
}
