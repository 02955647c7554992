// Finagle's failure accrual: what its policies say of each failure, and the graph of the factory's states.

import FaultDetection
import MeshCore
import TestVectors

struct FinagleAccrualVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "failure_accrual_finagle" || file.has("factory_states", "cases")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    if let defaults = file.content.member("defaults") { report.run("defaults") { try checkDefaults(defaults, &$0) } }
    for (place, vector) in file.list("cases").enumerated() {
      report.run((try? vector("policy").string) ?? "cases[\(place)]") { try run(vector, &$0) }
    }
    for state in file.list("factory_states") {
      let text = (try? state.string) ?? ""
      if text.contains("->") {
        report.run(text) { try checkTransition(text, &$0) }
      } else {
        report.skip(text, "prose")
      }
    }
  }

  private func checkDefaults(_ defaults: VectorValue, _ check: inout VectorCheck) throws {
    let ours = FinagleAccrualDescription()
    check.equal(ours.consecutiveFailures, Int64(try defaults("consecutiveFailures").int))
    check.equal(ours.successRate?.share, try defaults("successRate").double)
    let span = SuccessRateSpan.duration(
      .seconds(of: try defaults("window_s").time), minimumRequests: Int64(try defaults("minRequestThreshold").int))
    check.equal(ours.successRate?.span, span)
  }

  // MARK: - Policies

  /// One policy of a chain.
  private enum Rule {
    case run(FinagleConsecutivePolicy)
    case rate(FinagleSuccessRatePolicy)
  }

  private struct Chain {
    var rules: [Rule]
    var random = RandomStream(state: 5)
    var now = Timestamp.zero

    mutating func succeed() {
      for place in rules.indices {
        switch rules[place] {
        case .run(var policy):
          policy.recordSuccess()
          rules[place] = .run(policy)
        case .rate(var policy):
          policy.recordSuccess(at: now)
          rules[place] = .rate(policy)
        }
      }
    }

    mutating func revive() {
      for place in rules.indices {
        switch rules[place] {
        case .run(var policy):
          policy.revived()
          rules[place] = .run(policy)
        case .rate(var policy):
          policy.revived(at: now)
          rules[place] = .rate(policy)
        }
      }
    }

    /// How many seconds the endpoint is dead; the longest that any says.
    mutating func fail() -> Double? {
      var longest: TimeSpan?
      for place in rules.indices {
        let wait: TimeSpan?
        switch rules[place] {
        case .run(var policy):
          wait = policy.markDeadOnFailure(&random)
          rules[place] = .run(policy)
        case .rate(var policy):
          wait = policy.markDeadOnFailure(&random, at: now)
          rules[place] = .rate(policy)
        }
        if let wait { longest = max(longest ?? .zero, wait) }
      }
      return longest?.seconds
    }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let text = try vector("policy").string
    guard vector.member("ops") != nil else { return try checkSeries(text, vector, &check) }
    var chain = Chain(rules: try Self.rules(text))
    if let operations = try? vector("ops").strings {
      let expected = try vector("out").items
      guard operations.count == expected.count else { throw VectorError(description: "outputs of another number") }
      for (operation, expected) in zip(operations, expected) {
        let parts = operation.split(separator: "@t")
        if parts.count == 2 {
          guard let time = Double(parts[1]), (0...1e6).contains(time) else {
            throw VectorError(description: "no time in \(operation)")
          }
          chain.now = .zero + .seconds(of: time)
        }
        switch parts.first {
        case "success": chain.succeed()
        case "revived": chain.revive()
        case "fail":
          let wait = chain.fail()
          if expected == .null { check.equal(wait, nil) } else { check.equal(wait, try expected.double) }
        default: throw VectorError(description: "no operation \(operation)")
        }
      }
      return
    }
    try runProse(try vector("ops").string, vector, &chain, &check)
  }

  /// `1/s: 100 success then fail`, `advance 30 s then 5 fails`, `alternate success/fail each 1 s for 30 s then fail`.
  private func runProse(_ text: String, _ vector: VectorValue, _ chain: inout Chain, _ check: inout VectorCheck) throws
  {
    var pause = TimeSpan.zero
    var rest = text
    if rest.hasPrefix("1/s: ") {
      pause = .seconds(1)
      rest.removeFirst(5)
    }
    var outputs: [Double?] = []
    for part in rest.replacing(" then ", with: ";").split(separator: ";") {
      let words = part.split(separator: " ").map(String.init)
      if words.count == 3, words[0] == "advance", let span = Double(words[1]), (0...1e6).contains(span) {
        chain.now = chain.now + .seconds(of: span)
      } else if words.count == 8, words[0] == "alternate", let span = Int(words[6]), (0...100_000).contains(span) {
        for turn in 0..<span {
          if turn % 2 == 0 { chain.succeed() } else { _ = chain.fail() }
          chain.now = chain.now + .seconds(1)
        }
      } else if words.count == 2, words[1] == "success", let count = Int(words[0]), (0...100_000).contains(count) {
        for _ in 0..<count {
          chain.succeed()
          chain.now = chain.now + pause
        }
      } else if words.count == 2, words[1] == "fails", let count = Int(words[0]), (0...100_000).contains(count) {
        for _ in 0..<count { outputs.append(chain.fail()) }
      } else if words.first == "fail" {
        var count = 0
        while count < 100_000 {
          count += 1
          outputs.append(chain.fail())
          chain.now = chain.now + pause
          if words.count == 1 && vector.member("out_last") != nil || outputs.last != .some(nil) { break }
        }
      } else {
        throw VectorError(description: "no operation \(part)")
      }
    }
    if let first = vector.member("first_some_at_failure") { check.equal(outputs.count, try first.int) }
    if let last = vector.member("out_last") { check.equal(outputs.last ?? nil, try last.double) }
    for (place, expected) in (try vector.member("out")?.items ?? []).enumerated() where place < outputs.count {
      if expected == .null {
        check.equal(outputs[place], nil, "failure \(place + 1)")
      } else {
        check.equal(outputs[place], try expected.double, "failure \(place + 1)")
      }
    }
  }

  /// `consecutive stays tripped`: each further failure takes the next wait of the series.
  private func checkSeries(_ text: String, _ vector: VectorValue, _ check: inout VectorCheck) throws {
    guard text == "consecutive stays tripped" else { throw VectorSkip("prose") }
    var (series, random) = (Self.backoff(5, 300), RandomStream(state: 9))
    var policy = FinagleConsecutivePolicy(failures: 3, backoff: series)
    var draws = random
    for _ in 0..<2 { check.equal(policy.markDeadOnFailure(&random), nil) }
    for _ in 0..<12 { check.equal(policy.markDeadOnFailure(&random), series.next(draw: draws.next())) }
    check.equal(policy.markDeadOnFailure(&random), .seconds(300), "at last")
  }

  private static func backoff(_ least: Double, _ most: Double) -> FinagleBackoff {
    FinagleBackoff(.equalJittered, start: .seconds(of: least), maximum: .seconds(of: most))
  }

  /// `hybrid consecutive(3) orElse successRateWithinDuration(0.8,30s,minReq 0)` and the like.
  private static func rules(_ text: String) throws -> [Rule] {
    let chain = text.hasPrefix("hybrid ") ? String(text.dropFirst(7)) : text
    return try chain.replacing(" orElse ", with: ";").split(separator: ";").map { call in
      guard let bracket = call.firstIndex(of: "("), call.hasSuffix(")") else {
        throw VectorError(description: "no policy \(call)")
      }
      let arguments = call[call.index(after: bracket)...].dropLast().split(separator: ",").map {
        String($0.filter { $0 != " " })
      }
      guard let first = arguments.first.flatMap(Double.init), first >= 0, first <= 1e6 else {
        throw VectorError(description: "no arguments in \(call)")
      }
      switch call[..<bracket] {
      case "consecutive":
        return .run(FinagleConsecutivePolicy(failures: Int64(first), backoff: try wait(arguments.dropFirst())))
      case "successRate":
        guard arguments.count > 1, let window = number(arguments[1]), window >= 1 else {
          throw VectorError(description: "no window")
        }
        let required = RequiredSuccessRate(share: first, span: .requests(Int64(window)))
        return .rate(FinagleSuccessRatePolicy(required, backoff: try wait(arguments.dropFirst(2)), at: .zero))
      case "successRateWithinDuration":
        guard arguments.count > 1, arguments[1].hasSuffix("s"), let window = number(arguments[1]) else {
          throw VectorError(description: "no window")
        }
        let rest = arguments.dropFirst(2)
        let minimum = rest.first { $0.hasPrefix("minReq") || Double($0) != nil }.flatMap(number) ?? 5
        let required = RequiredSuccessRate(
          share: first, span: .duration(.seconds(of: window), minimumRequests: Int64(minimum)))
        return .rate(FinagleSuccessRatePolicy(required, backoff: try wait(rest), at: .zero))
      default: throw VectorError(description: "no policy \(call)")
      }
    }
  }

  /// The digits of `window=5requests`, `30s`, `minReq5`.
  private static func number(_ text: String) -> Double? {
    let digits = text.drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." }
    return Double(digits).flatMap { $0 <= 1e9 ? $0 : nil }
  }

  /// `const5s` and `5s` among arguments; 5 s where nothing is said.
  private static func wait(_ arguments: ArraySlice<String>) throws -> FinagleBackoff {
    let text = arguments.first { $0.hasSuffix("s") && !$0.hasPrefix("minReq") && !$0.hasPrefix("window") }
    guard let text else { return backoff(5, 5) }
    guard let span = number(text) else { throw VectorError(description: "no wait \(text)") }
    return backoff(span, span)
  }

  // MARK: - States

  /// `ProbeClosed -fail None-> ProbeOpen`.
  private func checkTransition(_ text: String, _ check: inout VectorCheck) throws {
    let sides = text.replacing("-> ", with: ">").split(separator: ">").map(String.init)
    guard sides.count == 2, let dash = sides[0].firstIndex(of: "-") else {
      throw VectorError(description: "no transition")
    }
    func name(_ part: Substring) -> String { String(part.prefix { $0.isLetter }) }
    let from = name(sides[0][..<dash])
    let event = sides[0][sides[0].index(after: dash)...]
    let settings = FinagleAccrualDescription(
      consecutiveFailures: 2, successRate: nil, minimumBackoff: .seconds(5), maximumBackoff: .seconds(5))
    var driver = BreakerDriver(.finagle(settings))
    if from != "Alive" {
      for _ in 0..<2 { driver.classify(AccrualAnswer(isFailure: true)) }
      // A success that comes late ends the run, so that the probe's failure is the first of another.
      if event.contains("None") { driver.classify(AccrualAnswer(isFailure: false)) }
      if from != "Dead" { driver.advance(.seconds(5)) }
      if from == "ProbeClosed" { check.equal(driver.send(), true, "the probe is one") }
    } else {
      driver.classify(AccrualAnswer(isFailure: true))
    }
    check.equal(driver.finagleState, from)
    if event.hasPrefix("timer") {
      driver.advance(.seconds(5))
    } else if event.hasPrefix("request") {
      _ = driver.send()
    } else if event.hasPrefix("success") {
      driver.classify(AccrualAnswer(isFailure: false))
    } else if event.hasPrefix("ignorable") {
      driver.forget()
    } else if event.hasPrefix("fail") {
      driver.classify(AccrualAnswer(isFailure: true))
    } else {
      throw VectorError(description: "no event \(event)")
    }
    check.equal(driver.finagleState, name(sides[1][...]), "after \(event)")
  }
}
