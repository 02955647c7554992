// Rate limits: Envoy's token bucket (token_bucket_impl_test.cc) and Linkerd's limits by identity (local_rate_limit/tests.rs).

import MeshCore
import TestVectors
import TrafficSplitting

struct RateLimitVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("token bucket") || file.name == "token_bucket" || file.name == "rate_limit_gcra"
      || file.has("quota", "case")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    for key in ["case", "cases"] {
      guard let given = file.content.member(key) else { continue }
      let cases = (try? given.items) ?? [given]
      report.runEach(cases, of: key) { try checkRounds($0, &$1) }
    }
    report.runEach(file.vectors) { try checkBucket($0, &$1) }
  }

  private func checkBucket(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    guard let script = vector.member("script") else {
      // The time from token to token, in whole milliseconds.
      let text = try vector.member("id")?.string ?? ""
      guard
        let rate = text.split(separator: " ").first(where: { $0.hasSuffix("/s") }).flatMap({ Double($0.dropLast(2)) }),
        rate > 0
      else { throw VectorError(description: "no rate") }
      var bucket = TokenBucket(capacity: max(1, rate), rate: rate, at: .zero)
      _ = bucket.take(bucket.capacity, at: .zero)
      check.equal(bucket.wait(at: .zero).milliseconds.rounded(.up), try vector("expected_ms").double)
      return
    }
    let rate = try vector("fill_rate_per_s").double
    let capacity = try vector("max_tokens").double
    if rate == 0 || !(capacity >= 0) { throw VectorError(description: "no such bucket") }
    var bucket = TokenBucket(capacity: capacity, rate: rate, at: .zero)
    for (place, step) in try script.items.enumerated() {
      let milliseconds = try step("t_ms").double
      if !(milliseconds >= 0 && milliseconds < 9e9) { throw VectorError(description: "at \(milliseconds) ms") }
      let now = Timestamp(nanoseconds: Int64(milliseconds * 1e6))
      let taken = bucket.take(
        try step("tokens").double, allowsPart: try step.member("allow_partial")?.flag ?? false, at: now)
      check.equal(taken, try step("expected_consumed").double, "step \(place)")
    }
  }

  /// A round of requests, again after each second: `["c1,c3 x5", "ok"]`, `["c1", "PerIdentity(5)"]`, `["advance 1s", …]`.
  private func checkRounds(_ value: VectorValue, _ check: inout VectorCheck) throws {
    func rate(_ value: VectorValue?) throws -> CellRate? {
      try value.map { CellRate(perSecond: try $0.weight, burst: try $0.weight, at: .zero) }
    }
    var names: [String] = []
    func number(_ name: String) -> Int32 {
      if let known = names.firstIndex(of: name) { return Int32(known) }
      names.append(name)
      return Int32(names.count - 1)
    }
    var overrides: [Int32: CellRate] = [:]
    for (name, limit) in try value.member("overrides")?.members ?? [] { overrides[number(name)] = try rate(limit) }
    var limit = IdentityRateLimit(
      total: try rate(value.member("total")), perIdentity: try rate(value.member("per_identity")), overrides: overrides)
    var steps: [(senders: [String], count: Int, verdict: String)] = []
    var (pause, rounds) = (0.0, 1)
    for row in try value("round").items {
      guard try row.items.count > 1 else { throw VectorError(description: "\(row) is no step") }
      let (what, verdict) = (try row.items[0].string, try row.items[1].string)
      if what.hasPrefix("advance") {
        pause = min(Double(what.filter { $0.isNumber || $0 == "." }) ?? 1, 1e6)
        rounds = 1 + min(Int(verdict.filter(\.isNumber)) ?? 1, 100)
        continue
      }
      let parts = what.split(separator: " ")
      let count = parts.count > 1 ? Int(parts[1].dropFirst()) : 1
      guard let senders = parts.first, let count, (0...100_000).contains(count) else {
        throw VectorError(description: "\(what) is no request")
      }
      steps.append((senders.split(separator: ",").map(String.init), count, verdict))
    }
    for round in 0..<rounds {
      let now = Timestamp(nanoseconds: Int64(Double(round) * pause * 1e9))
      for (place, step) in steps.enumerated() {
        for _ in 0..<step.count {
          for sender in step.senders {
            let denial = limit.denial(of: number(sender), at: now)
            check.equal(Self.name(denial), String(step.verdict.prefix { $0 != "(" }), "round \(round), step \(place)")
          }
        }
      }
    }
  }

  private static func name(_ denial: RateDenial?) -> String {
    switch denial {
    case nil: "ok"
    case .total: "Total"
    case .override: "Override"
    case .identity: "PerIdentity"
    }
  }
}
