// Linkerd's circuit breakers: linkerd2-proxy, outbound/src/http/breaker. Answers, waits and the state after each.

import FaultDetection
import MeshCore
import TestVectors

/// A breaker with its timer, as a data plane drives it, on a clock of its own.
private struct BreakerDriver {
  var breaker = ConsecutiveFailureAccrual()
  var configuration: ConsecutiveAccrualDescription
  var random = RandomStream(state: 11)
  var now = Timestamp.zero
  var timer: Timestamp?

  init(_ configuration: ConsecutiveAccrualDescription) { self.configuration = configuration }

  mutating func classify(failure: Bool) {
    carryOut(breaker.classified(isFailure: failure, configuration: configuration, random: &random, at: now))
  }

  mutating func advance(_ span: TimeSpan) {
    let end = now + span
    while let due = timer, due <= end {
      now = due
      timer = nil
      carryOut(breaker.penaltyElapsed(at: now))
    }
    now = end
  }

  private mutating func carryOut(_ verdict: AccrualVerdict) {
    switch verdict {
    case .none, .probation, .reopened: break
    case .tripped(let until, _, _), .probeFailed(let until, _, _): timer = until
    }
  }

  /// The state in the vectors' words.
  var state: String {
    switch breaker.state {
    case .open: "open"
    case .shut: "shut"
    case .probation: "limited"
    }
  }
}

struct FailureAccrualVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "failure_accrual_linkerd" || file.has("consecutive", "unified")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.list("consecutive"), of: "consecutive") { try run($0, &$1) }
    report.skipEach(file.list("unified"), of: "unified", "success-rate accrual is not there yet")
    let windows = file.content.member("success_rate_window").flatMap { try? $0("cases").items } ?? []
    report.skipEach(windows, of: "success_rate_window", "success-rate accrual is not there yet")
    if file.has("stack_behaviour") { report.skip("stack_behaviour", "Linkerd's failfast queue is not there yet") }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let backoff = try vector("backoff")
    guard let maxFailures = UInt32(exactly: try vector("max_failures").int) else {
      throw VectorError(description: "max_failures beyond 32 bits")
    }
    var driver = BreakerDriver(
      ConsecutiveAccrualDescription(
        maxFailures: maxFailures, minPenalty: .seconds(of: try backoff("min").time),
        maxPenalty: .seconds(of: try backoff("max").time), jitterRatio: try backoff("jitter").double))
    for step in try vector("steps").items {
      guard try step.items.count == 3 else { throw VectorError(description: "a step of another length") }
      let kind = try step.items[0].string
      if kind == "adv" {
        driver.advance(.seconds(of: try step.items[1].time))
      } else if kind == "rsp" || kind == "probe" {
        let answer = try step.items[1].string
        guard let status = Int16(answer.suffix(3)), !answer.hasPrefix("grpc") else {
          throw VectorError(description: "no HTTP status in \(answer)")
        }
        let isFailure = FailureClassification.isAccrualFailure(status: status, isAnswered: true)
        check.equal(isFailure, answer.hasPrefix("err"), "\(answer) counts against its endpoint")
        if kind == "probe" { check.equal(driver.breaker.attemptSent(), true, "the probe is one") }
        driver.classify(failure: isFailure)
      } else {
        throw VectorError(description: "no step \(kind)")
      }
      let after = try step.items[1]
      check.equal(driver.state, try step.items[2].string, "after \(after)")
    }
  }
}
