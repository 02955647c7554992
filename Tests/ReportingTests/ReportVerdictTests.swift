// The sentences at the top of a page: what counts as shown, and how it is said.

import Testing

@testable import Reporting

@Suite struct ReportVerdictTests {
  private static let header =
    "scenario,variant,metric,mean,ci_low,ci_high,baseline,ratio,difference,difference_ci_low,difference_ci_high,p_value,replications"

  private func sentences(_ rows: [String], confidence: Double? = 0.95, corrected: Bool = false) throws -> [String] {
    let header = Self.header + (corrected ? ",p_adjusted" : "")
    let text = ([header] + rows).joined(separator: "\n") + "\n"
    return try withReportFolder([("comparison.csv", text)]) { folder in
      let comparison = try #require(try ReportComparison(in: folder))
      return ReportVerdict(comparison: comparison, confidence: confidence).groups.flatMap(\.sentences)
    }
  }

  /// Goal: a difference whose interval leaves out 0 is said with its size; one that does not is no difference.
  @Test func shownAndNot() throws {
    let rows = [
      "s,a,latency_p99_ms,50,49,51,,,,,,,5", "s,b,latency_p99_ms,21.7,21,22.4,a,0.434,-28.3,-29,-27.6,0.001,5",
      "s,c,latency_p99_ms,50.5,49,52,a,1.01,0.5,-0.2,1.2,0.2,5", "s,d,latency_p99_ms,55,54,56,a,1.1,5,4,6,0.001,5",
      "s,a,success_rate,0.95,0.94,0.96,,,,,,,5", "s,b,success_rate,0.999,0.998,1,a,1.05,0.049,0.048,0.05,0.001,5",
    ]
    #expect(
      try sentences(rows) == [
        "b: latency p99 2.3 × lower than a (difference -28.3 ms, 95 % CI -29 to -27.6)",
        "c: latency p99: no difference shown from a (difference 0.5 ms, 95 % CI -0.2 to 1.2)",
        "d: latency p99 10 % higher than a (difference 5 ms, 95 % CI 4 to 6)",
        "b: success rate 4.9 points higher than a (difference 4.9 points, 95 % CI 4.8 to 5)",
      ])
    #expect(try sentences(Array(rows.prefix(2)), confidence: nil).first?.contains(", CI -29 to") == true)
  }

  /// Goal: of many variants one that only chance could have shown is not shown, where the file has corrected p-values.
  @Test func corrected() throws {
    let rows = [
      "s,a,latency_p99_ms,50,49,51,,,,,,,5,", "s,b,latency_p99_ms,48,47,49,a,0.96,-2,-3.9,-0.1,0.04,5,0.2",
      "s,c,latency_p99_ms,40,39,41,a,0.8,-10,-11,-9,0.0001,5,0.0005",
    ]
    let told = try sentences(rows, corrected: true)
    #expect(
      told.first
        == "b: latency p99: no difference shown from a (difference -2 ms, 95 % CI -3.9 to -0.1, p 0.2 corrected for the number of variants)"
    )
    #expect(told.last?.hasPrefix("c: latency p99 20 % lower than a") == true)
  }

  /// Goal: one replication shows nothing, and says so; a lone variant has nobody to be compared with.
  @Test func withoutIntervals() throws {
    let told = try sentences(["s,a,latency_p99_ms,50,,,,,,,,,1", "s,b,latency_p99_ms,25,,,a,0.5,-25,,,,1"])
    #expect(
      told == [
        "b: latency p99 2 × lower than a in the one replication there is (difference -25 ms); without an interval that shows nothing"
      ])
    #expect(try sentences(["s,a,latency_p99_ms,50,49,51,,,,,,,5"]).isEmpty)
  }
}
