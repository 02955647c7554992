// How long this process's threads, and those of a proxy that it has started, wanted a processor and had none, as Linux tells it (the
// second number of /proc/self/task/*/schedstat, Documentation/scheduler/sched-stats.rst). A comparison with a simulation means little while others take the machine away.

import Foundation
import NIOCore

/// A reading of all threads.
struct ThreadDelays {
  private var delays: [String: Int64]
  private var at: NIODeadline

  /// A reading; nil where the system does not tell.
  static func now(alsoOf child: Int32? = nil) -> ThreadDelays? {
    var delays: [String: Int64] = [:]
    for folder in ["/proc/self/task"] + (child.map { ["/proc/\($0)/task"] } ?? []) {
      guard let tasks = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return nil }
      for task in tasks {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(task)/schedstat") else { continue }
        let numbers = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        if numbers.count >= 2, let delay = Int64(numbers[1]) { delays[task] = delay }
      }
    }
    return delays.isEmpty ? nil : ThreadDelays(delays: delays, at: .now())
  }

  /// The threads' delays since `before`, those of all threads together, as a share of the time that went by.
  func share(since before: ThreadDelays) -> Double {
    let elapsed = (at - before.at).nanoseconds
    if elapsed <= 0 { return 0 }
    let sum = delays.keys.sorted().reduce(Int64(0)) { $0 + delays[$1, default: 0] - before.delays[$1, default: 0] }
    return Double(max(0, sum)) / Double(elapsed)
  }
}
