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
    report.runEach(file.list("unified"), of: "unified") { try runUnified($0, &$1) }
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

  private static let notYet = "success-rate accrual is not there yet"

  /// The unified breaker, where the share of successes cannot decide: it is switched off, or there are too few requests for it. Then
  /// it is the consecutive one. `p` is the number of failures, the threshold, the window and the least number of requests.
  private func runUnified(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let steps = try vector("steps").items
    let parameters = try vector.member("p")?.doubles ?? [2, 0, 10, 1]
    guard parameters.count == 4, let maxFailures = UInt32(exactly: parameters[0]) else {
      throw VectorError(description: "parameters of another number")
    }
    // In words one step can be many requests.
    let isInWords = steps.contains { (try? $0.string) != nil }
    let isTooFew = !isInWords && Double(steps.count) < parameters[3]
    if parameters[1] != 0 && !isTooFew { throw VectorSkip(Self.notYet) }
    var driver = BreakerDriver(
      ConsecutiveAccrualDescription(
        maxFailures: maxFailures, minPenalty: .seconds(1), maxPenalty: .seconds(100), jitterRatio: 0))
    let pause = TimeSpan.seconds(of: try vector.member("step_s")?.time ?? 0)
    for step in steps {
      if case .text(let text) = step {
        try follow(text, &driver, &check)
      } else {
        guard try step.items.count == 2 else { throw VectorError(description: "a step of another length") }
        let kind = try step.items[0].string
        if kind != "state" { driver.classify(failure: try isFailure(kind)) }
        check.equal(driver.state, try step.items[1].string, "after \(kind)")
        driver.advance(pause)
      }
    }
  }

  /// What the classifier says stands before the status.
  private func isFailure(_ kind: String) throws -> Bool {
    if kind.hasPrefix("err") { return true }
    if kind.hasPrefix("ok") || kind.hasPrefix("grpc_ok") { return false }
    throw VectorError(description: "no answer \(kind)")
  }

  /// `trip`, `adv 1 -> limited`, `probe ok503 -> open`, `probe sent`, `adv 5 -> still limited`, `ok -> open`.
  private func follow(_ step: String, _ driver: inout BreakerDriver, _ check: inout VectorCheck) throws {
    let parts = step.replacing(" -> ", with: ">").split(separator: ">").map(String.init)
    let words = (parts.first ?? "").split(separator: " ").map(String.init)
    guard let verb = words.first, parts.count <= 2 else { throw VectorError(description: "no step \(step)") }
    // Who has too many requests stays shut in the unified breaker alone, and gRPC's statuses are not known.
    if step.contains("429") || step.contains("grpc") { throw VectorSkip(Self.notYet) }
    if verb.hasPrefix("trip") {
      for _ in 0..<min(1000, driver.configuration.maxFailures) { driver.classify(failure: true) }
      check.equal(driver.state, "shut", step)
    } else if verb == "adv", words.count == 2, let span = Double(words[1]), (0...1e6).contains(span) {
      driver.advance(.seconds(of: span))
    } else if verb == "probe", words.count == 2 {
      check.equal(driver.breaker.attemptSent(), true, "the probe is one")
      if words[1] != "sent" { driver.classify(failure: try isFailure(words[1])) }
    } else if words.count == 1, verb == "ok" || verb == "err" {
      driver.classify(failure: verb == "err")
    } else {
      throw VectorSkip(Self.notYet)
    }
    if parts.count == 2 {
      let expected = parts[1].split(separator: " ").first { ["open", "shut", "limited"].contains($0) }
      guard let expected else { throw VectorError(description: "no state in \(step)") }
      check.equal(driver.state, String(expected), step)
    }
  }
}
