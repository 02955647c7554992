// Sweeps: what along which a path's values lie, curves over one path and heat maps over two.

import Foundation
import Testing

@testable import Reporting

@Suite struct ReportSweepTests {
  private static let tail = ResultFile.summary.columns

  /// A `sweep.csv` over `paths`: a row for each of the given values, variants a and b, two replications.
  private func sweepCSV(_ paths: [String], _ cells: [[String]], p99: (Int, String, Int) -> Double) -> String {
    var lines = [(paths + Self.tail).joined(separator: ",")]
    for (place, cell) in cells.enumerated() {
      for variant in ["a", "b"] {
        for replication in 0..<2 {
          let row = Self.tail.map { column in
            switch column {
            case "scenario": "s"
            case "variant": variant
            case "replication": "\(replication)"
            case "success_rate": "0.995"
            case "latency_p99_ms": "\(p99(place, variant, replication))"
            default: "1"
            }
          }
          lines.append((cell + row).joined(separator: ","))
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Goal: numbers with units are numbers in one unit and in their order, whatever else is words in the file's order.
  @Test func axes() {
    let rates = ReportSweepAxis(path: "p", values: ["3000/s", "1000/s", "3000/s", "2000/s"])
    #expect(
      rates.labels == ["1000/s", "2000/s", "3000/s"] && rates.numbers == [1000, 2000, 3000] && rates.unit == "/s")
    let spans = ReportSweepAxis(path: "p", values: ["1s", "250ms"])
    #expect(spans.labels == ["250ms", "1s"] && spans.numbers == [250, 1000] && spans.title == "p, ms")
    #expect(ReportSweepAxis(path: "p", values: ["1e3", "20"]).numbers == [20, 1000])
    for words in [["roundRobin", "random"], ["1/s", "2ms"], ["1", "{leastRequest: {choices: 2}}"], ["nan", "1"]] {
      let axis = ReportSweepAxis(path: "p", values: words)
      #expect(axis.numbers == nil && axis.labels == words && axis.title == "p")
    }
  }

  /// Goal: over one path each variant has a curve of means with its intervals, in a chart of each figure.
  @Test func curves() throws {
    let text = sweepCSV(["world.rate"], [["20/s"], ["10/s"], ["30/s"]]) { place, variant, replication in
      Double(place * 10 + replication * 2) + (variant == "a" ? 100 : 5)
    }
    try withReportFolder([("sweep.csv", text)]) { folder in
      let report = try Report(folder: folder)
      #expect(report.charts.map(\.name) == ["sweep-latency-p99", "sweep-success-rate"])
      let chart = report.charts[0].file
      // Once in the legend, once as a line.
      for style in ["s0", "s1"] {
        #expect(chart.components(separatedBy: "<path class=\"line \(style)\" d=\"M ").count == 3, "\(style)")
      }
      #expect(chart.contains("<path class=\"line s0 whisker\" d=\"M "))
      #expect(chart.contains("a: 111 ms at 10/s, 121 ms at 30/s"))
      #expect(report.html.contains("world.rate, /s"))
    }
  }

  /// Goal: over two paths each variant has a heat map of each figure, all of one scale; a path called like a column is none.
  @Test func maps() throws {
    let text = sweepCSV(["world.rate", "seed"], [["10/s", "1"], ["10/s", "2"], ["20/s", "1"]]) { place, variant, _ in
      Double(place + 1) * (variant == "a" ? 10 : 1)
    }
    try withReportFolder([("sweep.csv", text)]) { folder in
      let report = try Report(folder: folder)
      #expect(
        report.charts.map(\.name) == [
          "sweep-latency-p99", "sweep-success-rate", "sweep-latency-p99-1", "sweep-latency-p99-2",
          "sweep-success-rate-1", "sweep-success-rate-2",
        ])
      let first = report.charts[2].file
      // Three of four cells were run.
      #expect(first.components(separatedBy: " z").count == 1 + 3)
      #expect(
        first.contains(">30</text>") && first.contains(">20</text>") && !report.charts[3].file.contains(">20</text>"))
      #expect(first.contains("from 10 to 30 ms"))
    }
  }

  /// Goal: over two paths of which one has numbers there are curves over these, one for each value of the other path and variant; over two
  /// of words there are none.
  @Test func curvesOfTwo() throws {
    let cells = ["random", "roundRobin"].flatMap { balancer in ["10/s", "20/s"].map { [balancer, $0] } }
    let text = sweepCSV(["balancer", "rate"], cells) { place, variant, _ in
      Double(place + 1) * (variant == "a" ? 10 : 1)
    }
    try withReportFolder([("sweep.csv", text)]) { folder in
      let chart = try Report(folder: folder).charts[0].file
      #expect(chart.contains("Latency p99 by rate and balancer"))
      #expect(
        chart.contains("random, a: 10.0 ms at 10/s, 20.0 ms at 20/s; random, b: 1.00 ms at 10/s, 2.00 ms at 20/s"))
      #expect(chart.contains("roundRobin, b: 3.00 ms at 10/s, 4.00 ms at 20/s"))
    }
    let words = sweepCSV(["balancer", "rate"], cells.map { [$0[1] + "x y", $0[0]] }) { _, _, _ in 5 }
    try withReportFolder([("sweep.csv", words)]) { folder in
      let report = try Report(folder: folder)
      #expect(report.charts.map(\.name).first == "sweep-latency-p99-1")
    }
  }

  /// Goal: over three paths the table has it all, and the page says why there is no picture.
  @Test func many() throws {
    let text = sweepCSV(["x", "y", "z"], [["1", "1", "1"], ["1", "1", "2"]]) { _, _, _ in 5 }
    try withReportFolder([("sweep.csv", text)]) { folder in
      let report = try Report(folder: folder)
      #expect(report.charts.isEmpty && report.html.contains("Swept over 3 paths"))
    }
  }
}
