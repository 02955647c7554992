// Linkerd's circuit breakers: linkerd2-proxy, outbound/src/http/breaker. Answers, waits and the state after each.

import FaultDetection
import MeshCore
import TestVectors

struct FailureAccrualVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "failure_accrual_linkerd" || file.has("consecutive", "unified")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.list("consecutive"), of: "consecutive") { try run($0, &$1) }
    report.runEach(file.list("unified"), of: "unified") { try runUnified($0, &$1) }
    let windows = file.content.member("success_rate_window").flatMap { try? $0("cases").items } ?? []
    report.runEach(windows, of: "success_rate_window") { try runWindow($0, &$1) }
    if let stack = file.content.member("stack_behaviour") {
      report.run("stack_behaviour") { try FailFastScript.run(stack, &$0) }
    }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let backoff = try vector("backoff")
    var driver = BreakerDriver(
      .consecutive(
        ConsecutiveAccrualDescription(
          maxFailures: try Self.count(vector("max_failures").double), minPenalty: .seconds(of: try backoff("min").time),
          maxPenalty: .seconds(of: try backoff("max").time), jitterRatio: try backoff("jitter").double)))
    for step in try vector("steps").items {
      guard try step.items.count == 3 else { throw VectorError(description: "a step of another length") }
      let kind = try step.items[0].string
      if kind == "adv" {
        driver.advance(.seconds(of: try step.items[1].time))
      } else if kind == "rsp" || kind == "probe" {
        let text = try step.items[1].string
        let answer = try Self.answer(text)
        if let status = Int16(text.suffix(3)), !text.hasPrefix("grpc") {
          let isFailure = FailureClassification.isAccrualFailure(status: status, isAnswered: true)
          check.equal(isFailure, answer.isFailure, "\(text) counts against its endpoint")
        }
        if kind == "probe" { check.equal(driver.send(), true, "the probe is one") }
        driver.classify(answer)
      } else {
        throw VectorError(description: "no step \(kind)")
      }
      let after = try step.items[1]
      check.equal(driver.state, try step.items[2].string, "after \(after)")
    }
  }

  /// The unified breaker. `p` is the number of failures, the threshold, the window and the least number of requests.
  private func runUnified(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let parameters = try vector.member("p")?.doubles ?? [3, 0.8, 10, 1]
    guard parameters.count == 4, (0...1).contains(parameters[1]), (0.01...1e6).contains(parameters[2]) else {
      throw VectorError(description: "parameters of another number or range")
    }
    let settings = UnifiedAccrualDescription(
      consecutive: ConsecutiveAccrualDescription(
        maxFailures: try Self.count(parameters[0]), minPenalty: .seconds(1), maxPenalty: .seconds(100), jitterRatio: 0),
      successRateThreshold: parameters[1], successRateWindow: .seconds(of: parameters[2]),
      successRateMinRequests: try Self.count(parameters[3]))
    var driver = BreakerDriver(.unified(settings))
    let pause = TimeSpan.seconds(of: try vector.member("step_s")?.time ?? 0)
    for step in try vector("steps").items {
      if case .text(let text) = step {
        try follow(text, &driver, &check)
      } else {
        guard try step.items.count == 2 else { throw VectorError(description: "a step of another length") }
        let kind = try step.items[0].string
        if kind != "state" { driver.classify(try Self.answer(kind)) }
        check.equal(driver.state, try step.items[1].string, "after \(kind)")
        driver.advance(pause)
      }
    }
    if let reason = try vector.member("reason")?.string {
      switch driver.cause {
      case .consecutiveFailures: check.equal("ConsecutiveFailures", reason)
      case .lowSuccessRate: check.equal("LowSuccessRate", reason)
      case nil: check.equal("none", reason)
      }
    }
  }

  private static func count(_ value: Double) throws -> UInt32 {
    guard let count = UInt32(exactly: value) else { throw VectorError(description: "\(value) is no count") }
    return count
  }

  /// `ok200`, `err502`, `grpc_ok8`: what the classifier says stands before the status.
  private static func answer(_ kind: String) throws -> AccrualAnswer {
    let isGRPC = kind.hasPrefix("grpc_")
    let text = isGRPC ? String(kind.dropFirst(5)) : kind
    let isFailure = text.hasPrefix("err")
    guard isFailure || text.hasPrefix("ok") else { throw VectorError(description: "no answer \(kind)") }
    let status = Int(text.drop { !$0.isNumber })
    return AccrualAnswer(isFailure: isFailure, isRateLimited: !isFailure && status == (isGRPC ? 8 : 429))
  }

  /// `trip`, `trip by 3x err502`, `adv 1 -> limited`, `probe ok503 -> open`, `probe grpc 5 -> open`, `probe sent`,
  /// `adv 5 -> still limited`, `ok -> open`, `3x ok @1s`, `3rd err -> shut (0/3)`.
  private func follow(_ step: String, _ driver: inout BreakerDriver, _ check: inout VectorCheck) throws {
    let parts = step.replacing(" -> ", with: ">").split(separator: ">").map(String.init)
    let words = (parts.first ?? "").split(separator: " ").map(String.init)
    guard let verb = words.first, parts.count <= 2 else { throw VectorError(description: "no step \(step)") }
    if verb.hasPrefix("trip") {
      try trip(words, &driver)
      check.equal(driver.state, "shut", step)
    } else if verb == "adv", words.count == 2, let span = Double(words[1]), (0...1e6).contains(span) {
      driver.advance(.seconds(of: span))
    } else if verb == "probe", words.count >= 2 {
      check.equal(driver.send(), true, "the probe is one")
      if words.count == 3, words[1] == "grpc", let status = Int16(words[2]) {
        driver.classify(AccrualAnswer(grpcStatus: status))
      } else if words[1] != "sent" {
        driver.classify(try Self.answer(words[1]))
      }
    } else if words.count == 1 {
      driver.classify(try Self.answer(verb))
    } else if let count = Self.times(verb) {
      let pause = words.count == 3 && words[2].hasPrefix("@") ? Double(words[2].dropFirst().dropLast()) ?? 0 : 0
      for _ in 0..<count {
        driver.classify(try Self.answer(words[1]))
        driver.advance(.seconds(of: pause))
      }
    } else if verb.first?.isNumber ?? false, words.count == 2 {
      driver.classify(try Self.answer(words[1]))
    } else {
      throw VectorError(description: "no step \(step)")
    }
    if parts.count == 2 {
      let expected = parts[1].split(separator: " ").first { ["open", "shut", "limited"].contains($0) }
      guard let expected else { throw VectorError(description: "no state in \(step)") }
      check.equal(driver.state, String(expected), step)
    }
  }

  /// `trip`: as many failures as it takes; `trip by 3x err502`: these.
  private func trip(_ words: [String], _ driver: inout BreakerDriver) throws {
    if words.count == 4, let count = Self.times(words[2]) {
      for _ in 0..<count { driver.classify(try Self.answer(words[3])) }
      return
    }
    var left = 1000
    while driver.state == "open" && left > 0 {
      driver.classify(AccrualAnswer(isFailure: true))
      left -= 1
    }
  }

  /// `3x` as a number.
  private static func times(_ word: String) -> Int? {
    guard word.hasSuffix("x"), let count = Int(word.dropLast()), (0...100_000).contains(count) else { return nil }
    return count
  }

  /// Answers at their times, then the share of successes, or whether it trips for so many requests and such a threshold.
  private func runWindow(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    var window = SuccessRateWindow(window: .seconds(of: try vector("window").time))
    var part: VectorValue? = vector
    while let step = part {
      for record in try step("rec").items {
        let pair = try record.doubles
        guard pair.count == 2, (0...9e9).contains(pair[1]) else { throw VectorError(description: "no record \(pair)") }
        window.record(isSuccess: pair[0] != 0, at: .zero + .seconds(of: pair[1]))
      }
      if let ratio = step.member("ratio") {
        if ratio == .null { check.equal(window.ratio, nil) } else { check.equal(window.ratio, try ratio.double) }
      }
      for rule in try step.member("should_trip")?.items ?? [] {
        guard try rule.items.count == 3 else { throw VectorError(description: "a rule of another length") }
        let least = try Self.count(rule.items[0].double)
        let trips = window.shouldTrip(minimumRequests: least, threshold: try rule.items[1].double)
        check.equal(trips, try rule.items[2].flag, "trips for \(least) requests")
      }
      if let totals = try step.member("totals")?.ints {
        check.equal([Int(window.successes), Int(window.total)], totals)
      }
      part = step.member("then")
    }
  }
}
