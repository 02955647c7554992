// Envoy's client-side weighted round robin: client_side_weighted_round_robin_lb_test.cc and values derived from its rule.

import LoadBalancing
import MeshCore
import TestVectors

struct ClientSideWRRVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("client-side weighted round robin")
      || (file.name == "client_side_wrr" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if vector.member("rps_fractional") != nil {
      try checkWeight(vector, &check)
    } else if vector.member("report") != nil {
      try checkUtilization(vector, &check)
    } else if vector.member("expected_weights") != nil {
      try checkStandIns(vector, &check)
    } else if vector.member("non_empty_since_s") != nil {
      try checkValidity(vector, &check)
    } else {
      throw VectorError(description: "neither weight, utilization, stand-in nor validity")
    }
  }

  private func checkWeight(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let report = LoadReport(
      applicationUtilization: try vector("utilization").double,
      requestsPerSecond: try vector("rps_fractional").double,
      errorsPerSecond: try vector.member("eps")?.double ?? 0)
    let penalty = try vector.member("error_utilization_penalty")?.double ?? 0
    let weight = UtilizationWeight.weight(of: report, errorUtilizationPenalty: penalty, .envoy)
    if case .text(let text) = try vector("expected") {
      guard text.hasPrefix("error") else { throw VectorError(description: "no weight: \(text)") }
      check.equal(weight, nil)
    } else {
      check.equal(weight, try vector("expected").double)
    }
  }

  private func checkUtilization(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let given = try vector("report")
    let application = try given.member("application_utilization")?.double ?? 0
    // Whoever reads a report takes the largest of the metrics that the balancer's configuration names.
    let wanted = try vector.member("metric_names")?.items.map { try $0.string } ?? []
    var largest = 0.0
    for (name, value) in try given.member("named_metrics")?.members ?? [] where wanted.contains("named_metrics." + name)
    {
      largest = max(largest, try value.double)
    }
    let report = LoadReport(
      applicationUtilization: application, namedUtilization: largest,
      cpuUtilization: try given.member("cpu_utilization")?.double ?? 0)
    check.equal(report.utilization, try vector("expected").double)
  }

  private func checkStandIns(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let known = try vector("valid_weights").doubles
    let hosts = try vector("hosts").count
    guard hosts >= known.count, hosts <= 100_000, known.allSatisfy({ $0 >= 1 }) else {
      throw VectorError(description: "\(known.count) weights of \(hosts) hosts")
    }
    var weights = ContiguousArray(known + Array(repeating: 0, count: hosts - known.count))
    ClientSideWeightedRoundRobin.fillWithMedian(&weights)
    check.equal(Array(weights), try vector("expected_weights").doubles)
  }

  /// Bounds are given as the earliest last update and the latest first one; our rule has now and two periods.
  private func checkValidity(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    func instant(_ name: String) throws -> Timestamp { .zero + .seconds(of: try vector(name).time) }
    let now = Timestamp.zero + .seconds(2_000_000_000)
    var reported = UtilizationWeight(
      weight: try vector("weight").double, since: try instant("non_empty_since_s"),
      last: try instant("last_update_s"))
    let counted = reported.counted(
      at: now, blackout: now - (try instant("min_non_empty_since_s")),
      expiration: now - (try instant("max_last_update_s")), .envoy)
    if case .text(let text) = try vector("expected") {
      guard text.hasPrefix("invalid") else { throw VectorError(description: "no verdict: \(text)") }
      check.equal(counted, nil)
      check.equal(reported.reportedSince == nil, text.contains("reset"), "whether the blackout starts again")
    } else {
      check.equal(counted, try vector("expected").double)
    }
  }
}
