// The whole page, made of folders written by hand and by the program's own writers.

import Experiments
import Foundation
import Testing

@testable import Reporting

/// Calls `body` with a folder of the given files that is gone afterwards.
func withReportFolder<Answer>(_ files: [(name: String, text: String)], _ body: (String) throws -> Answer) throws
  -> Answer
{
  let path = NSTemporaryDirectory() + "weir-report-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  for file in files { try file.text.write(toFile: "\(path)/\(file.name)", atomically: false, encoding: .utf8) }
  return try body(path)
}

/// `summary.csv` with these rows, each a variant, a replication and a 0.99 quantile in milliseconds.
func summaryCSV(_ rows: [(variant: String, replication: Int, p99: Double)], scenario: String = "s") -> String {
  let columns = ResultFile.summary.columns
  let lines = rows.map { row in
    columns.map { column in
      switch column {
      case "scenario": scenario
      case "variant": row.variant
      case "replication": "\(row.replication)"
      case "success_rate": "0.99"
      case "latency_p99_ms": "\(row.p99)"
      case "requests": "1000"
      default: column.hasSuffix("_ms") ? "5" : "0"
      }
    }.joined(separator: ",")
  }
  return ([columns.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
}

@Suite struct ReportTests {
  private func report(_ files: [(name: String, text: String)]) throws -> Report {
    try withReportFolder(files) { try Report(folder: $0) }
  }

  /// The reason why the files cannot be read, without their folder.
  private func fault(_ files: [(name: String, text: String)]) -> String {
    do {
      return try withReportFolder(files) { folder in
        do {
          _ = try Report(folder: folder)
          return "no fault"
        } catch let error as SystemError {
          return error.description.replacingOccurrences(of: folder, with: "DIR")
        }
      }
    } catch { return "\(error)" }
  }

  /// What the program itself writes, as a page.
  private func ownPage() throws -> (html: String, charts: [Chart]) {
    try withReportFolder([]) { root in
      let folder = ResultFolder(parent: root, name: "synthetic")
      try folder.write(syntheticExperiment())
      let report = try Report(folder: folder.path + "/")
      return (html: report.html, charts: report.charts)
    }
  }

  /// Goal: a folder as `weir run` leaves it becomes a page with every section, twice the same bytes, without the machine in it.
  @Test func ownFiles() throws {
    let page = try ownPage()
    for name in ["verdict", "summary", "expectations", "latency", "timeline", "endpoints", "services", "clients"] {
      #expect(page.html.contains("<section id=\"\(name)\""), "\(name)")
    }
    #expect(page.html.contains("<h1>synthetic</h1>") && page.html.contains("intervals 95 %"))
    // What it is about, what a failure is, and first in the summary what people ask first.
    #expect(page.html.contains("<p>Made by hand.</p>"))
    #expect(page.html.contains("Failures: status 500 and above or 429, no answer."))
    let summary = try #require(page.html.range(of: "<section id=\"summary\""))
    let headings = page.html[summary.upperBound...].matches(of: #/<th[^>]*>([^<]*)</th>/#).map { String($0.output.1) }
    #expect(headings.prefix(3) == ["variant", "successRate, %", "latency.p99, ms"])
    #expect(page.charts.map(\.name) == ["latency-distribution", "latency-tail", "timeline", "endpoints-1"])
    #expect(page.html.contains("peakEwma: latency p99"))
    #expect(try ownPage().html == page.html)
    #expect(!page.html.contains(NSTemporaryDirectory()))
  }

  /// Goal: the page is one file that calls nobody, is well formed, is reached by keyboard, read aloud, printed and shown on a phone.
  @Test func face() throws {
    let html = try ownPage().html
    for word in ["http:", "https:", "<script", "src=", "url(", "@import", "<iframe"] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(unbalanced(html) == nil)
    for word in [
      "name=\"viewport\"", "prefers-color-scheme: dark", "@media print", ":focus-visible", "class=\"skip\"",
      "lang=\"en\"",
    ] {
      #expect(html.contains(word), "\(word)")
    }
    let boxes = html.components(separatedBy: "<table>").count
    #expect(html.components(separatedBy: "role=\"region\" tabindex=\"0\"").count == boxes && boxes > 4)
    let pictures = html.components(separatedBy: "<svg ").dropFirst()
    #expect(pictures.count == 4)
    for picture in pictures {
      #expect(picture.hasPrefix("role=\"img\" aria-labelledby="))
      #expect(picture.contains("<title id=") && picture.contains("<desc id="))
    }
    let ids = html.components(separatedBy: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
    #expect(Set(ids).count == ids.count)
    for link in html.components(separatedBy: "href=\"#").dropFirst() {
      #expect(ids.contains(link.prefix { $0 != "\"" }))
    }
  }

  /// Goal: names from files stay names, wherever they appear.
  @Test func names() throws {
    let evil = "<script>alert(1)</script>&'"
    let page = try report([
      ("summary.csv", summaryCSV([("plain", 0, 5), (evil, 0, 7)])),
      ("latency.csv", "scenario,variant,quantile,latency_ms\ns,\(evil),0.5,1\ns,\(evil),0.99,2\n"),
      (
        "events.csv",
        "scenario,variant,replication,time_s,event,cluster,endpoint,detail,proxy\ns,\(evil),0,1,faultBegan,,,\(evil),\n"
      ),
      (
        "timeline.csv",
        "scenario,variant,replication,time_s,successes,failures,latency_p99_ms\ns,\(evil),0,0,5,0,3\ns,\(evil),0,1,5,1,\n"
      ),
    ])
    #expect(!page.html.contains("<script") && page.html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;"))
    #expect(unbalanced(page.html) == nil)
    for chart in page.charts {
      #expect(unbalanced(chart.file) == nil && !chart.file.contains("<script"), "\(chart.name)")
    }
  }

  /// Goal: each fault of a folder or file is said in one line, with what was expected.
  @Test func faults() {
    let summary = summaryCSV([("a", 0, 5)])
    let cases: [(files: [(name: String, text: String)], fault: String)] = [
      ([], "DIR: error: holds no summary.csv, sweep.csv, validation.csv; expected the result folder of one scenario"),
      (
        [("summary.csv", "")],
        "DIR/summary.csv: error: has no column 'scenario'; expected the columns scenario, variant, replication, requests,"
      ),
      (
        [("summary.csv", summary.replacingOccurrences(of: "latency_p99_ms", with: "p99"))],
        "DIR/summary.csv: error: has no column 'latency_p99_ms'; expected the columns scenario,"
      ),
      (
        [("summary.csv", summary.replacingOccurrences(of: ",5.0,", with: ",fast,"))],
        "DIR/summary.csv: error: line 2: latency_p99_ms: 'fast' is no figure; expected a number"
      ),
      (
        [("summary.csv", summary.replacingOccurrences(of: ",5.0,", with: ",nan,"))],
        "DIR/summary.csv: error: line 2: latency_p99_ms: 'nan' is no figure; expected a number"
      ),
      ([("summary.csv", summary + "s,a\n")], "DIR/summary.csv: error: line 3: 2 cells; expected "),
      (
        [("summary.csv", summary), ("latency.csv", "scenario,variant,quantile,latency_ms\nother,a,0.5,1\n")],
        "DIR/latency.csv: error: is of scenario 'other'; expected 's' as in summary.csv"
      ),
      (
        [("summary.csv", summary), ("latency.csv", "scenario,variant,quantile,latency_ms\ns,a,,1\n")],
        "DIR/latency.csv: error: line 2: quantile: empty; expected a number"
      ),
      (
        [("summary.csv", summary), ("run.json", "[1, 2")],
        "DIR/run.json: error: is no JSON object; expected the record that weir run writes"
      ),
      (
        [("sweep.csv", summary)],
        "DIR/sweep.csv: error: has no column before 'scenario'; expected one for each swept path"
      ),
      (
        [
          ("summary.csv", summary),
          ("validation-latency.csv", "scenario,variant,proxy,world,quantile,latency_ms\ns,a,weir,dreamt,0.5,1\n"),
        ], "DIR/validation-latency.csv: error: line 2: world: 'dreamt'; expected simulated or measured"
      ),
    ]
    for (files, expected) in cases {
      let told = fault(files)
      #expect(told.hasPrefix(expected), "\(told)")
      #expect(!told.contains("\n"))
    }
    #expect(throws: SystemError.self) { _ = try Report(folder: "/nowhere/at/all") }
    #expect(throws: SystemError.self) { _ = try Report(folder: "/etc/hostname") }
  }

  /// Goal: who names the folder of all results is told which folders there are.
  @Test func wrongLevel() throws {
    try withReportFolder([]) { root in
      let folder = ResultFolder(parent: root, name: "synthetic")
      try folder.write(syntheticExperiment())
      let error = #expect(throws: SystemError.self) { _ = try Report(folder: root) }
      #expect(error?.reason.hasSuffix("expected the result folder of one scenario, such as \(root)/synthetic") ?? false)
    }
  }

  /// Goal: figures of `summary.csv` alone still make a summary with intervals; without a comparison there is no verdict.
  @Test func summaryAlone() throws {
    let page = try report([("summary.csv", summaryCSV([("a", 0, 10), ("a", 1, 12), ("b", 0, 20), ("b", 1, 20)]))])
    #expect(!page.html.contains("id=\"verdict\""))
    #expect(page.html.contains("latency.p99, ms") && page.html.contains("11.0 ± 12.7"))
    #expect(page.charts.isEmpty)
  }

  /// Goal: a run of 50 variants with long time lines stays below 3 MB, with ten lines of their own in each chart and all in the tables.
  @Test func largeRun() throws {
    let variants = (0..<50).map { "variant-\($0)" }
    let quantiles = ResultFile.quantiles
    var latency = "scenario,variant,quantile,latency_ms\n"
    var timeline = "scenario,variant,replication,time_s,successes,failures,latency_p99_ms\n"
    var endpoints =
      "scenario,variant,replication,cluster,endpoint,requests,share,successes,failures,latency_mean_ms,latency_p99_ms,utilization,ejected_ms\n"
    for (number, variant) in variants.enumerated() {
      for quantile in quantiles { latency += "s,\(variant),\(quantile),\(Double(number + 1) / (1.00001 - quantile))\n" }
      for window in 0..<400 {
        timeline += "s,\(variant),0,\(window),\(90 + window % 10),\(number % 3),\(5 + (window * 7 + number) % 31).25\n"
      }
      for endpoint in 0..<10 { endpoints += "s,\(variant),0,web,web-\(endpoint),100,0.1,99,1,5.5,20.25,0.6,0\n" }
    }
    let page = try report([
      (
        "summary.csv",
        summaryCSV(variants.flatMap { name in (0..<30).map { (variant: name, replication: $0, p99: Double($0)) } })
      ),
      ("latency.csv", latency), ("timeline.csv", timeline), ("endpoints.csv", endpoints),
    ])
    #expect(page.html.utf8.count < 3_000_000, "\(page.html.utf8.count)")
    for chart in page.charts { #expect(chart.file.utf8.count < 700_000, "\(chart.name): \(chart.file.utf8.count)") }
    let tail = try #require(page.charts.first { $0.name == "latency-tail" }).file
    for style in (0..<10).map({ "s\($0)" }) + ["rest"] {
      // Once in the legend, once as a line.
      #expect(tail.components(separatedBy: "<path class=\"line \(style)\" d=\"M").count == 3, "\(style)")
    }
    for part in page.html.components(separatedBy: "<section id=").dropFirst() {
      #expect(variants.allSatisfy { part.contains(">\($0)</th>") }, "\(part.prefix(20))")
    }
  }
}
