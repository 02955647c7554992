// What counts as a failure for Linkerd: linkerd2-proxy, client-policy/src/http.rs and grpc.rs.

import FaultDetection
import LoadBalancing
import MeshCore
import TestVectors
import TrafficSplitting

struct ClassificationVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.name == "classification" || file.has("default_http_failure") }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.run("default_http_failure") { check in
      let range = try file.content("default_http_failure").ints
      guard range.count == 2 else { throw VectorError(description: "a range of \(range.count) ends") }
      for status in 100...999 {
        let isFailure = FailureClassification.isAccrualFailure(status: Int16(status), isAnswered: true)
        check.equal(isFailure, status >= range[0] && status <= range[1], "\(status)")
      }
    }
    if let failures = file.content.member("default_grpc_failure") {
      report.run("default_grpc_failure") { check in
        let failing = try failures.members.map { try $0.value.int }
        for status in 0...16 {
          let isFailure = FailureClassification.isAccrualFailure(grpcStatus: Int16(status))
          check.equal(isFailure, failing.contains(status), "\(status)")
        }
        check.equal(FailureClassification.isAccrualFailure(grpcStatus: nil), false, "a stream without a status")
      }
    }
    if file.has("rules") { report.skip("rules", "prose") }
    report.runEach(file.list("load_biaser_hint"), of: "load_biaser_hint") { try checkHint($0, &$1) }
    if let values = file.content.member("load_biaser_values") {
      report.run("load_biaser_values") { try checkValues(values, &$0) }
    }
    if let rule = file.content.member("retry_after") { report.run("retry_after") { try checkRetryAfter(rule, &$0) } }
  }

  /// Of which statuses Retry-After is heeded, and in which forms.
  private func checkRetryAfter(_ rule: VectorValue, _ check: inout VectorCheck) throws {
    if let statuses = try rule.member("only_statuses")?.ints {
      for status in 100...599 {
        let isHeeded = RetryAfter.span("30", status: Int16(status), now: 0) != nil
        check.equal(isHeeded, statuses.contains(status), "\(status)")
      }
    }
    guard let formats = try rule.member("formats")?.strings else { return }
    // One of each form, half a minute from the instant it is read at: RFC 9110's own example.
    let examples: [RetryAfter.Format: [String]] = [
      .delaySeconds: ["30"],
      .httpDate: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
      ],
    ]
    for name in formats {
      guard let format = RetryAfter.Format(rawValue: name) else { throw VectorError(description: "no format \(name)") }
      for example in examples[format] ?? [] {
        let span = RetryAfter.span(example, status: 503, now: 784_111_747)
        check.equal(span?.milliseconds ?? -1, 30_000, example)
      }
    }
  }

  private static let grpcStatuses: [Int16] = Array(1...16)

  /// Which failure an answer is; "other" stands for all that no vector names.
  private func checkHint(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let hint = vector.member("hint").flatMap { try? $0.string }
    let expected: LoadBiaser.Failure?
    switch hint {
    case "RateLimited": expected = .rateLimited
    case "ServiceUnavailable": expected = .serviceUnavailable
    case "InternalError": expected = .internalError
    case nil: expected = nil
    case let hint?: throw VectorError(description: "no failure \(hint)")
    }
    let statuses: [Int16]
    if let text = try? vector("http").string {
      guard text == "other 5xx" else { throw VectorError(description: "no statuses \(text)") }
      statuses = (500...599).filter { $0 != 503 }
    } else {
      statuses = [Int16(clamping: try vector("http").int)]
    }
    var codes: [Int16?] = [nil]
    if let grpc = vector.member("grpc") {
      if let several = try? grpc.ints {
        codes = several.map { Int16(clamping: $0) }
      } else if let code = try? grpc.int {
        codes = [Int16(clamping: code)]
      } else if try grpc.string == "other" {
        codes = [0] + Self.grpcStatuses.filter { ![2, 4, 8, 13, 14, 15].contains($0) }
      }
    }
    for status in statuses {
      for code in codes {
        check.holds(
          LoadBiaser.failure(status: status, grpcStatus: code) == expected, hint ?? "none",
          "\(LoadBiaser.failure(status: status, grpcStatus: code).map { "\($0)" } ?? "none")",
          "HTTP \(status), gRPC \(code.map { "\($0)" } ?? "none")")
      }
    }
  }

  /// What latency a failure is recorded with, in seconds.
  private func checkValues(_ values: VectorValue, _ check: inout VectorCheck) throws {
    let config = try values("config")
    let biaser = LoadBiaser(
      penalty: .seconds(of: try config("penalty").time), maximumRetryAfter: .seconds(of: try config("max").time))
    let decay = TimeSpan.seconds(of: try config("decay").time)
    for item in try values("cases").items {
      guard try item.items.count == 2 else { throw VectorError(description: "a case of another length") }
      let words = try item.items[0].string.split(separator: " ")
      let expected = try item.items[1].double
      if let status = words.first.flatMap({ Int16($0) }) {
        let failure = LoadBiaser.failure(status: status)
        // A server that says when to come back says so in the last word, or in general.
        let hint = words.contains("Retry-After") ? words.last.flatMap { Double($0) } ?? 60 : nil
        guard (hint ?? 0) <= 1e9 else { throw VectorError(description: "no time in \(words)") }
        let recorded = biaser.recordedLatency(
          .milliseconds(1), failure, retryAfter: hint.map { .seconds(of: $0) })
        check.close(recorded.seconds, expected, relative: 1e-12, "\(words)")
      } else if words.count > 6, words[0] == "after", let later = Double(words[1]), let from = Double(words[5]) {
        guard later <= 1e9, from <= 1e9 else { throw VectorError(description: "no time in \(words)") }
        var estimate = BiasedEstimate(initial: .zero, decay: decay, at: .zero)
        estimate.record(.seconds(of: from), at: .zero)
        let load = estimate.load(inFlight: 0, at: .zero + .seconds(of: later))
        check.close(load / 1e9, expected, relative: 1e-12, "\(words)")
      } else {
        throw VectorError(description: "no case \(words)")
      }
    }
    if let expected = try values.member("pending2_rtt_0_05")?.double {
      let estimate = BiasedEstimate(initial: .milliseconds(50), decay: decay, at: .zero)
      check.close(estimate.load(inFlight: 2, at: .zero) / 1e9, expected, relative: 1e-12, "two in flight")
    }
  }
}
