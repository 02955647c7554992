// `weir replay`: feeds a decision log through the modules that made it.

import ArgumentParser
import Foundation
import Recording
import Reporting

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Replays a decision log of weir-proxy; every decision must come out again.",
    discussion: "Exits with 0 when all agree, and with 1 at the first difference, which it shows.")

  @Argument(help: ArgumentHelp("A log that weir-proxy --decision-log has written.", valueName: "log"))
  var log: String

  func run() throws {
    guard let data = FileManager.default.contents(atPath: log) else {
      throw CommandFailure(
        status: .badInput, lines: ["\(log): error: cannot be read; expected a log of weir-proxy --decision-log"])
    }
    let outcome: ReplayOutcome
    do throws(DecisionLogFault) {
      outcome = try DecisionReplay.run([UInt8](data))
    } catch {
      throw CommandFailure(status: .badInput, lines: ["\(log): error: \(error.reason)"])
    }
    let amount =
      "\(outcome.requests) requests, \(outcome.events) events, \(outcome.actions) actions of \(outcome.dataPlanes) data planes"
    if outcome.difference.isEmpty {
      try OutputStream.standardOutput.write("\(amount): every decision came out again\n")
      return
    }
    try OutputStream.standardOutput.write(
      "\(amount) agree; the first difference:\n\(outcome.difference.joined(separator: "\n"))\n")
    throw CommandFailure(status: .unmet)
  }
}
