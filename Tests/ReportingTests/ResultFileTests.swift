import Experiments
import MeshCore
import Simulation
import SyntheticResults
import Testing

@testable import Reporting

/// All of a file as text.
func text(of file: ResultFile, _ result: ExperimentResult) throws -> String {
  var bytes: [UInt8] = []
  try file.write(result) { bytes += $0 }
  return String(decoding: bytes, as: UTF8.self)
}

@Suite struct ResultFileTests {
  /// The header of every table is the contract's, copied here by hand.
  @Test(arguments: [
    (
      ResultFile.summary,
      """
      scenario, variant, replication, seed, requests, successes, failures, success_rate, throughput_rps, latency_mean_ms, \
      latency_p50_ms, latency_p90_ms, latency_p95_ms, latency_p99_ms, latency_p999_ms, latency_max_ms, \
      success_latency_p50_ms, success_latency_p99_ms, retries, hedges, mirrors, timeouts, rejected, ejections, imbalance, \
      unanswered, rate_limited, breaker_overflow, admission_rejected, \
      concurrency_limited, throttled, fault_delayed, fault_aborted, shed, unauthorized, no_backend
      """
    ),
    (
      .comparison,
      """
      scenario, variant, metric, mean, ci_low, ci_high, baseline, ratio, difference, difference_ci_low, \
      difference_ci_high, p_value, replications, p_adjusted
      """
    ),
    (
      .endpoints,
      """
      scenario, variant, replication, cluster, endpoint, requests, share, successes, failures, latency_mean_ms, \
      latency_p99_ms, utilization, ejected_ms
      """
    ),
    (
      .timeline,
      """
      scenario, variant, replication, time_s, requests, successes, failures, latency_p50_ms, latency_p99_ms, in_flight, \
      healthy_endpoints
      """
    ),
    (.latency, "scenario, variant, quantile, latency_ms, ci_low_ms, ci_high_ms"),
    (.events, "scenario, variant, replication, time_s, event, cluster, endpoint, detail, proxy"),
    (
      .services,
      """
      scenario, variant, replication, service, requests, successes, failures, abandoned, wasted_work_s, utilization, \
      queue_mean
      """
    ),
    (.expectations, "scenario, metric, variant, expected, measured, ci_low, ci_high, verdict"),
  ])
  func headers(file: ResultFile, columns: String) throws {
    let header = try text(of: file, syntheticExperiment()).prefix { $0 != "\n" }
    #expect(header == columns.split(separator: ", ").joined(separator: ","))
  }

  /// Whole small files, byte for byte.
  @Test func goldenRows() throws {
    let result = syntheticExperiment()
    let summary = try text(of: .summary, result).split(separator: "\n")
    #expect(
      summary[1] == "synthetic,roundRobin,0,42,1000,990,10,0.99,100,,,,,10,,,,,25,5,0,0,0,3,,0"
        + String(repeating: ",0", count: 10))
    #expect(summary.count == 5)
    let comparison = try text(of: .comparison, result).split(separator: "\n")
    #expect(comparison.contains("synthetic,roundRobin,latency_p50_ms,,,,,,,,,,0,"))
    #expect(comparison.contains("synthetic,roundRobin,failures,10,10,10,,,,,,,2,"))
    #expect(comparison.contains("synthetic,peakEwma,failures,10,10,10,roundRobin,1,0,0,0,1,2,1"))
    // p99 is 10 and 20 ms against 5 and 10: differences −5 and −10, error 2.5, t(0.975; 1) = 12.7062047362.
    #expect(
      comparison.contains {
        $0.hasPrefix("synthetic,peakEwma,latency_p99_ms,7.5,-24.265511840")
          && $0.contains(",roundRobin,0.5,-7.5,-39.26")
      })
    #expect(
      try text(of: .services, result).split(separator: "\n")[1] == "synthetic,roundRobin,0,backend,0,0,0,0,0,,1.5")
    #expect(
      try text(of: .endpoints, result).split(separator: "\n")[2]
        == "synthetic,roundRobin,0,web,backend-1,0,0.75,0,0,,,,0")
    #expect(
      try text(of: .timeline, result).split(separator: "\n")[1] == "synthetic,roundRobin,0,1.5,7,6,1,0.25,,2,11")
    #expect(
      try text(of: .events, result).split(separator: "\n")[1]
        == "synthetic,roundRobin,0,50,faultBegan,web,,\"slow 20, \"\"web-3\"\"\",")
    #expect(
      try text(of: .expectations, result)
        == """
        scenario,metric,variant,expected,measured,ci_low,ci_high,verdict
        synthetic,latency.p99,peakEwma,max 60ms,7.5,-24.2655118405,39.2655118405,holds
        synthetic,latency.p99,peakEwma,max 0.5 × roundRobin,0.5,0.5,0.5,holds

        """)
  }

  /// The pooled latencies: 104 quantiles a variant, 0 the least, 1 the exact largest value.
  @Test func pooledQuantiles() throws {
    let rows = readCSV(try text(of: .latency, syntheticExperiment())).filter { $0[1] == "peakEwma" }
    #expect(rows.count == 104)
    #expect(rows.map { $0[2] }.prefix(4) == ["0", "0.01", "0.02", "0.03"])
    #expect(rows.map { $0[2] }.suffix(5) == ["0.99", "0.995", "0.999", "0.9999", "1"])
    let values = rows.compactMap { Double($0[3]) }
    #expect(values.count == 104)
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(values.last == 20)
    // 1…10 ms and 2, 4, …, 20 ms: ten of the twenty are at most 7 ms… the median cell is that of 7 ms.
    #expect(abs(values[50] - 7) < 0.01)
  }

  /// Whatever a cell holds comes back from an independent reader: 300 random tables of awkward text and numbers.
  @Test func roundTrip() throws {
    var random = RandomStream(state: 11)
    let pieces = ["a", ",", "\"", "\n", "\r\n", "é", "👩‍👩‍👧", " ", "'", ";", "\t", "=1+1", "", "\"\"", "x y"]
    for _ in 0..<300 {
      let columns = 1 + random.below(4)
      var expected: [[String]] = [(0..<columns).map { "c\($0)" }]
      var bytes: [UInt8] = []
      var writer = try CSVWriter(columns: expected[0]) { bytes += $0 }
      for _ in 0..<random.below(5) {
        var row: [CSVCell] = []
        var texts: [String] = []
        for _ in 0..<columns {
          if random.below(3) == 0 {
            let value = (random.unit() - 0.5) * Double(1 << random.below(60))
            row.append(.figure(value))
            texts.append(DecimalNumber(value).text)
            #expect(abs(try #require(Double(texts[texts.count - 1])) - value) <= abs(value) * 1e-11)
          } else {
            let text = (0..<random.below(6)).map { _ in pieces[random.below(pieces.count)] }.joined()
            row.append(.text(text))
            texts.append(text)
          }
        }
        try writer.row(row)
        expected.append(texts)
      }
      try writer.flush()
      let read = readCSV(String(decoding: bytes, as: UTF8.self))
      #expect(read.map { $0.map { Array($0.utf8) } } == expected.map { $0.map { Array($0.utf8) } })
    }
  }

  /// Every figure of summary.csv reads back as the value in the result.
  @Test func summaryReadsBack() throws {
    let result = syntheticExperiment()
    let rows = readCSV(try text(of: .summary, result))
    for (variantIndex, variant) in result.variants.enumerated() {
      for (index, replication) in variant.replications.enumerated() {
        let row = rows[1 + variantIndex * 2 + index]
        for (place, column) in SummaryColumn.allCases.enumerated() {
          let value = column.value(in: replication.summary).map { column.unit == .time ? $0 / 1e6 : $0 }
          #expect(Double(row[4 + place]) == value)
        }
      }
    }
  }

  /// The record of the run, byte for byte.
  @Test func goldenRecord() throws {
    let scenario = syntheticScenario(variants: ["only"], replications: 1)
    let result = ExperimentResult(
      scenario: scenario, variants: [VariantResult(variant: scenario.variants[0], replications: [syntheticResult()])])
    #expect(
      try text(of: .record, result)
        == """
        {
          "scenario": "synthetic",
          "about": "Made by hand.",
          "failures": "status 500 and above or 429, no answer",
          "scenarioDigest": "0123456789abcdef",
          "version": "\(weirVersion)",
          "seed": 42,
          "replications": 1,
          "confidence": 0.95,
          "simulatedSeconds": 11,
          "events": 5000,
          "traceDigest": "\(RunRecord.hexadecimal(mix64(0xabc) &+ goldenGamma))",
          "runs": [
            {
              "variant": "only",
              "replication": 0,
              "seed": 42,
              "simulatedSeconds": 11,
              "events": 5000,
              "traceDigest": "0000000000000abc"
            }
          ]
        }

        """)
  }
}
