import Experiments
import Simulation
import SyntheticResults
import Testing

@Suite struct MetricTests {
  /// Every name of the contract is known, carries its own name back and finds its value. Names in the list and values are
  /// written out by hand.
  @Test func namesOfTheContract() throws {
    let scenario = syntheticScenario()
    let result = syntheticResult()
    let expected: [(String, MetricUnit, Double?)] = [
      ("latency.mean", .time, nil), ("latency.p50", .time, nil), ("latency.p90", .time, nil),
      ("latency.p95", .time, nil), ("latency.p99", .time, 10e6), ("latency.p999", .time, nil),
      ("latency.max", .time, nil), ("successLatency.p50", .time, nil), ("successLatency.p99", .time, nil),
      ("successRate", .fraction, 0.99), ("throughput", .number, 100), ("retryRatio", .fraction, 0.025),
      ("hedgeRatio", .fraction, 0.005), ("share.backend-1", .fraction, 0.75), ("imbalance", .number, nil),
      ("utilization.backend-0", .fraction, 0.5), ("utilization.backend-1", .fraction, nil),
      ("ejections", .number, 3), ("detectionTime", .time, 2e9), ("queue.mean", .number, 1.5),
      ("share.nobody", .fraction, nil), ("traffic.nobody", .fraction, nil),
    ]
    for (name, unit, value) in expected {
      let metric = try #require(Metric(named: name), "\(name)")
      #expect(metric.name == name)
      #expect(metric.unit == unit, "\(name)")
      #expect(metric.value(in: result, of: scenario.variants[0]) == value, "\(name)")
    }
  }

  /// What is no metric is none: misspelt names, and prefixes without an endpoint.
  @Test(arguments: ["latency.p42", "share.", "traffic.", "utilization.", "Share.x", "", "latency"])
  func unknownNames(name: String) {
    #expect(Metric(named: name) == nil)
  }

  /// The columns of summary.csv are metrics under their own names, in the contract's order.
  @Test func columnsOfTheSummary() {
    let names = """
      requests, successes, failures, success_rate, throughput_rps, latency_mean_ms, latency_p50_ms, latency_p90_ms, \
      latency_p95_ms, latency_p99_ms, latency_p999_ms, latency_max_ms, success_latency_p50_ms, success_latency_p99_ms, \
      retries, hedges, mirrors, timeouts, rejected, ejections, imbalance, unanswered, rate_limited, breaker_overflow, admission_rejected, \
      concurrency_limited, throttled, fault_delayed, fault_aborted, shed, unauthorized, no_backend
      """
    #expect(SummaryColumn.allCases.map(\.rawValue).joined(separator: ", ") == names)
    for column in SummaryColumn.allCases { #expect(Metric(named: column.rawValue) == .summary(column)) }
  }

  /// Ratios of nothing are nothing rather than a division by zero.
  @Test func nothingMeasured() throws {
    let scenario = syntheticScenario()
    let empty = syntheticResult(requests: 0, failures: 0)
    for name in ["successRate", "retryRatio", "hedgeRatio"] {
      #expect(try #require(Metric(named: name)).value(in: empty, of: scenario.variants[0]) == nil)
    }
  }
}
