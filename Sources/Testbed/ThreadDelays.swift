// What others took of the processors: how long this process's threads, and those of a proxy that it has started, wanted one and had none, as
// Linux tells it (the second number of /proc/self/task/*/schedstat, Documentation/scheduler/sched-stats.rst), and for how long a host had
// taken the machine's own away (the eighth number of /proc/stat's first line, proc(5)). A comparison with a simulation means little while
// others take the machine away.

import Foundation
import NIOCore

/// A reading of all threads and of the machine.
struct ThreadDelays {
  private var delays: [String: Int64]
  private var machine: ProcessorTimes?
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
    let machine = FileManager.default.contents(atPath: "/proc/stat").map { String(decoding: $0, as: UTF8.self) }
    return delays.isEmpty
      ? nil : ThreadDelays(delays: delays, machine: machine.flatMap { ProcessorTimes(text: $0) }, at: .now())
  }

  /// What was taken since `before`, as a share of all processors' time: the threads' delays together, and what the host took.
  func share(since before: ThreadDelays) -> Double {
    let elapsed = (at - before.at).nanoseconds
    if elapsed <= 0 { return 0 }
    let sum = delays.keys.sorted().reduce(Int64(0)) { $0 + delays[$1, default: 0] - before.delays[$1, default: 0] }
    let stolen = machine.flatMap { now in before.machine.map { now.stolenShare(since: $0) } } ?? 0
    return Double(max(0, sum)) / Double(elapsed) / Double(ProcessInfo.processInfo.activeProcessorCount) + stolen
  }
}

/// A machine's time since it was started, over all its processors, in whatever unit its system counts.
struct ProcessorTimes {
  private var stolen: Int64
  private var all: Int64

  /// The first line of `text`, that of all processors together; nil where it is not what proc(5) says.
  init?(text: String) {
    guard let line = text.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
    let numbers = line.split(separator: " ").dropFirst().compactMap { Int64($0) }
    // Guests' time, from the ninth on, is part of users' already.
    guard numbers.count >= 8 else { return nil }
    all = numbers.prefix(8).reduce(0, +)
    stolen = numbers[7]
  }

  /// What part of the time since `before` a host has taken.
  func stolenShare(since before: ProcessorTimes) -> Double {
    all > before.all ? Double(max(0, stolen - before.stolen)) / Double(all - before.all) : 0
  }
}
