// Growing waits: linkerd2-proxy's exp-backoff, in failure accrual and between tries; tower's; Finagle's series.

import FaultDetection
import MeshCore
import TestVectors
import TrafficSplitting

struct BackoffVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "backoff" || (file.content.member("linkerd")?.member("accrual_base_1_60") != nil)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let linkerd = file.content.member("linkerd") ?? .null
    report.run("linkerd accrual") { check in
      // 1 s … 60 s with half as much again of jitter, as the rows are called.
      try runBases(linkerd("accrual_base_1_60"), ConsecutiveAccrualDescription(), in: 1000, &check)
      try runRanges(linkerd("accrual_range_jitter_0_5"), ConsecutiveAccrualDescription(), &check)
    }
    report.run("linkerd route_retry_annotation") { check in
      let row = try linkerd("route_retry_annotation")
      let configuration = ConsecutiveAccrualDescription(
        minPenalty: .milliseconds(of: try row("min_ms").time), maxPenalty: .milliseconds(of: try row("max_ms").time),
        jitterRatio: try row("jitter").double)
      try runBases(row("base"), configuration, in: 1, &check)
      try checkBetweenTries(row, .linkerd, bases: row("base").items.map { try $0.time }, &check)
    }
    if let row = file.content.member("tower_default") {
      report.run("tower_default") { check in
        let least = try row("min_ms").time
        try checkBetweenTries(row, .tower, bases: (0..<20).map { least * Double(1 << $0) }, &check)
      }
    }
    report.runEach(file.list("finagle"), of: "finagle") { try checkSeries($0, &$1) }
    for key in ["finagle_failfast", "grpc_retry"] where file.has(key) { report.skip(key, "prose") }
  }

  /// A wait of ours is the row's, and from draw to draw between its base and what jitter may add.
  private func checkBetweenTries(
    _ row: VectorValue, _ ours: RetryBackoff, bases: [Double], _ check: inout VectorCheck
  ) throws {
    let (longest, jitterRatio) = (try row("max_ms").double, try row("jitter").double)
    guard longest >= 0, (0...1e6).contains(jitterRatio) else {
      throw VectorError(description: "no longest wait \(longest), or no jitter \(jitterRatio)")
    }
    let longestWait = longest < 9e9 ? TimeSpan.milliseconds(of: longest) : TimeSpan(nanoseconds: .max)
    let backoff = RetryBackoff.exponential(
      min: .milliseconds(of: try row("min_ms").time), max: longestWait, jitterRatio: jitterRatio)
    check.equal(ours, backoff)
    for (step, base) in bases.enumerated() {
      let least = backoff.delay(retry: Int32(step) + 1, draw: 0).milliseconds
      let most = backoff.delay(retry: Int32(step) + 1, draw: .max).milliseconds
      check.close(least, base, relative: 1e-6, "least, retry \(step + 1)")
      check.close(most, min(base * (1 + jitterRatio), longest), relative: 1e-6, "most, retry \(step + 1)")
    }
  }

  /// `exponential(2ms,x2,max15)` and the like, in milliseconds where no unit is given.
  private func checkSeries(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    var words = try vector("kind").string.split(separator: " ").map(String.init)
    var total = Double.infinity
    if words.first == "takeUntil", words.count == 3 {
      total = try Self.amount(words[2])
      words = [words[1]]
    }
    guard words.count == 1, let call = words.first, let bracket = call.firstIndex(of: "("), call.hasSuffix(")") else {
      throw VectorError(description: "\(words) is no series")
    }
    let name = call[..<bracket]
    let arguments = call[call.index(after: bracket)...].dropLast().split(separator: ",").map(String.init)
    if let sequence = vector.member("seq") {
      var series = try Self.series(name, arguments)
      // The figures are in the unit of the start.
      let isInSeconds = arguments.first.map { $0.hasSuffix("s") && !$0.hasSuffix("ms") } ?? false
      let unit = isInSeconds ? 1000.0 : 1
      var (waits, sum): ([Double], Double) = ([], 0)
      let expected = try sequence.doubles
      // One more than expected shows that a series that ends does so.
      while sum < total && waits.count < expected.count + (total.isFinite ? 1 : 0) {
        waits.append(series.next(draw: 0).milliseconds)
        sum += waits[waits.count - 1]
      }
      check.equal(waits, expected.map { $0 * unit })
    }
    for (key, rows) in try vector.members where key.hasPrefix("ranges_") {
      let ends = key.split(separator: "_").dropFirst().map(String.init)
      for draw in [UInt64.min, .max] {
        var series = try Self.series(name, ends)
        for row in try rows.items {
          let range = try row.doubles
          guard range.count == 2 else { throw VectorError(description: "a range of \(range.count) ends") }
          check.close(series.next(draw: draw).milliseconds, range[draw == 0 ? 0 : 1], relative: 1e-5, key)
        }
      }
    }
  }

  private static func series(_ name: Substring, _ arguments: [String]) throws -> FinagleBackoff {
    guard let start = arguments.first else { throw VectorError(description: "no start") }
    let rest = arguments.dropFirst()
    let isLinear = name == "linear" || name == "exponential"
    let last = isLinear ? rest.first { $0.hasPrefix("max") }.map { String($0.dropFirst(3)) } : rest.first
    let maximum = try last.map { TimeSpan.milliseconds(of: try amount($0)) } ?? TimeSpan(nanoseconds: .max)
    let growth: FinagleBackoff.Growth
    switch name {
    case "exponential":
      guard let text = rest.first, text.hasPrefix("x"), let multiplier = Int64(text.dropFirst()) else {
        throw VectorError(description: "no multiplier")
      }
      growth = .exponential(multiplier: multiplier)
    case "linear":
      guard let offset = rest.first else { throw VectorError(description: "no offset") }
      growth = .linear(offset: .milliseconds(of: try amount(offset)))
    case "equalJittered": growth = .equalJittered
    case "exponentialJittered": growth = .exponentialJittered
    case "decorrelatedJittered": growth = .decorrelatedJittered
    default: throw VectorError(description: "no series \(name)")
    }
    return FinagleBackoff(growth, start: .milliseconds(of: try amount(start)), maximum: maximum)
  }

  /// Milliseconds: `15`, `2ms`, `1s`.
  private static func amount(_ text: String) throws -> Double {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    guard let value = Double(digits), value <= 9e9 else { throw VectorError(description: "\(text) is no time") }
    switch text.dropFirst(digits.count) {
    case "", "ms": return value
    case "s": return value * 1000
    default: throw VectorError(description: "\(text) is no time")
    }
  }

  /// `unit` is milliseconds in one of the row's figures.
  private func runBases(
    _ row: VectorValue, _ configuration: ConsecutiveAccrualDescription, in unit: Double, _ check: inout VectorCheck
  ) throws {
    for (step, base) in try row.items.enumerated() {
      let penalty = configuration.basePenalty(step: UInt32(step))
      check.equal(penalty, .milliseconds(of: try base.time * unit), "base \(step)")
    }
  }

  /// Every draw is within the range, and both of its ends are come near to.
  private func runRanges(
    _ rows: VectorValue, _ configuration: ConsecutiveAccrualDescription, _ check: inout VectorCheck
  ) throws {
    var random = RandomStream(state: 3)
    for (step, row) in try rows.items.enumerated() {
      let range = try row.doubles
      guard range.count == 2 else { throw VectorError(description: "a range of \(range.count) ends") }
      let drawn = (0..<check.rounds(20_000)).map { _ in configuration.penalty(step: UInt32(step), &random).seconds }
      let (least, most) = (drawn.min() ?? 0, drawn.max() ?? 0)
      let width = range[1] - range[0]
      let isFilled =
        least >= range[0] && most <= range[1] && least - range[0] <= 0.001 * width + 1e-9
        && range[1] - most <= 0.001 * width + 1e-9
      check.holds(isFilled, "\(range[0]) … \(range[1])", "\(least) … \(most)", "range \(step)")
    }
  }
}
