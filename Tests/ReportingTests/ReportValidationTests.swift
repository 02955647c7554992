// The section that lays the lab beside real sockets.

import Foundation
import Testing

@testable import Reporting

@Suite struct ReportValidationTests {
  private static let figures =
    "scenario,variant,proxy,metric,simulated,sim_ci_low,sim_ci_high,measured,ratio,tolerance,verdict\n"
    + "s,base,envoy,latency.p50,5,4.9,5.1,5.2,1.04,0.25,holds\ns,base,envoy,successRate,0.99,0.98,1,0.9,0.909,0.005,fails\n"
    + "s,base,envoy,detectionTime,,,,2,,,fails\n"

  /// Goal: figures and both curves of a validation make a section that says how many figures agree; units are those of the metric.
  @Test func section() throws {
    var latencies = "scenario,variant,proxy,world,quantile,latency_ms\n"
    for world in ["simulated", "measured"] {
      for step in 0...10 {
        latencies += "s,base,envoy,\(world),\(Double(step) / 10),\(step + (world == "measured" ? 1 : 0))\n"
      }
    }
    try withReportFolder([("validation.csv", Self.figures), ("validation-latency.csv", latencies)]) { folder in
      let report = try Report(folder: folder)
      #expect(report.charts.map(\.name) == ["validation-1"])
      #expect(report.html.contains("do not agree within the tolerance in 2 of 3 figures (real proxy: envoy)"))
      for cell in ["5.20 ms", "90.00 %", "2.00 ms"] { #expect(report.html.contains(">\(cell)</td>"), "\(cell)") }
      let chart = report.charts[0].file
      #expect(chart.components(separatedBy: "<path class=\"measured\"").count == 4)
      #expect(chart.contains("p50 simulated 5.00 ms, measured 6.00 ms"))
    }
  }

  /// Goal: figures alone do.
  @Test func figuresAlone() throws {
    try withReportFolder([("validation.csv", Self.figures)]) { folder in
      let report = try Report(folder: folder)
      #expect(report.charts.isEmpty && report.html.contains("id=\"validation\""))
    }
  }

  /// Goal: figures of runs that were disturbed say nothing against the lab, nor for it.
  @Test(arguments: [
    ("holds,holds,void", "agree within the tolerance in 2 figures (real proxy: envoy). 1 of 3 figures are void"),
    (
      "holds,fails,void",
      "do not agree within the tolerance in 1 of 3 figures (real proxy: envoy). 1 of 3 figures are void"
    ),
    ("void,void,void", "Nothing can be said of lab and real sockets (real proxy: envoy). 3 of 3 figures are void"),
    ("holds,holds,holds", "agree within the tolerance in all 3 figures (real proxy: envoy).<"),
  ]) func disturbed(_ verdicts: String, _ sentence: String) throws {
    let lines = Self.figures.split(separator: "\n")
    let rows = zip(lines.dropFirst(), verdicts.split(separator: ",")).map { line, verdict in
      line[...(line.lastIndex(of: ",") ?? line.startIndex)] + verdict
    }
    let text = ([String(lines[0])] + rows.map { String($0) }).joined(separator: "\n") + "\n"
    try withReportFolder([("validation.csv", text)]) { folder in
      let report = try Report(folder: folder)
      #expect(report.html.contains(sentence))
    }
  }
}
