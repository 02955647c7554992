// Envoy's contrib peak EWMA: cost_test.cc, and what follows from its choice of candidates and its averages.

import LoadBalancing
import MeshCore
import TestVectors

struct EnvoyPeakEWMAVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("peak EWMA (contrib") || (file.name == "peak_ewma" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if let expected = vector.member("expected_cost") {
      let cost = EnvoyPeakEWMA.cost(
        roundTrip: try vector("rtt_ewma_ms").double, active: try vector("active").int32,
        defaultRtt: try vector.member("default_rtt_ms")?.double ?? 10,
        penalty: try vector.member("penalty")?.double ?? 1_000_000)
      check.equal(cost, try expected.double)
    } else if let expected = vector.member("expected_index") {
      let costs = try vector("costs").doubles
      guard costs.count >= 2 else { throw VectorError(description: "\(costs.count) costs") }
      check.equal(
        EnvoyPeakEWMA.place(try vector("random").unsigned, count: costs.count) { costs[$0] }, try expected.int)
    } else if let expected = vector.member("expected_fraction") {
      try checkTies(vector, try expected.doubles, &check)
    } else if let expected = vector.member("expected_ewma") {
      let share = EnvoyPeakEWMA.share(
        age: try vector("sample_age_s").time * 1e9, decay: try vector("tau_s").time * 1e9)
      if let alpha = try vector.member("alpha")?.double { check.close(share, alpha, relative: 1e-12, "share") }
      let (former, sample) = (try vector("old_ewma_ms").double, try vector("sample_ms").double)
      check.close(share * sample + (1 - share) * former, try expected.double, relative: 1e-12)
    } else {
      throw VectorError(description: "neither cost, choice nor average")
    }
  }

  /// How often each of equals is chosen, to a percentage point.
  private func checkTies(_ vector: VectorValue, _ expected: [Double], _ check: inout VectorCheck) throws {
    let hosts = try vector("hosts").count
    guard hosts == expected.count, (2...1000).contains(hosts) else { throw VectorError(description: "\(hosts) hosts") }
    var counts = [Int](repeating: 0, count: hosts)
    var random = RandomStream(state: 11)
    let picks = check.rounds(200_000)
    for _ in 0..<picks { counts[EnvoyPeakEWMA.place(random.next(), count: hosts) { _ in 10 }] += 1 }
    for (count, share) in zip(counts, expected) {
      if share == 0 || share == 1 { check.equal(count, share == 0 ? 0 : picks) }
      check.near(Double(count) / Double(picks), share, absolute: 0.01, "share")
    }
  }
}
