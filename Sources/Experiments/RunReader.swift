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
    if let window = value["window"]?.span { run.window = window }
    if let drain = value["drain"]?.span { run.drain = drain }
    run.repeatsDemand = value["attemptDemand"]?.text == "same"
    return run
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
