import Experiments
import Foundation
import Reporting
import Testing

/// Goal: two folders are compared, and what differs is told to people and programs. Method: folders made by hand.
@Suite struct DifferenceReportTests {
  private let folder = NSTemporaryDirectory() + "weir-diff-\(UUID().uuidString)"

  private func write(_ name: String, file: String = "summary.csv", _ rows: [String]) throws -> String {
    let path = "\(folder)/\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let header = "scenario,variant,replication,seed,requests,success_rate,latency_p99_ms"
    let text = ([header] + rows).joined(separator: "\n") + "\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    return path
  }

  private let rows = ["s,ewma,0,1,100,0.99,12.5", "s,ewma,1,1,100,0.98,13.5", "s,random,0,1,100,0.9,50"]

  /// Goal: nothing differs, and that is said.
  @Test func equalFolders() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let report = try DifferenceReport(before: try write("a", rows), after: try write("b", rows), confidence: 0.95)
    #expect(report.isEmpty)
    let text = report.text(on: Canvas())
    #expect(text.hasSuffix("summary.csv: no figure of 6 differs; all are equal\n"))
    #expect(text.split(separator: "\n").count == 1)
    #expect(report.document.text.contains("\"differs\": false"))
  }

  /// Goal: what moved stands in a line with its interval, in people's units; what only one has is told.
  @Test func differentFolders() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let before = try write("a", rows)
    let after = try write(
      "b", ["s,ewma,0,1,100,0.99,14.5", "s,ewma,1,1,100,0.98,15.5", "s,ewma,2,1,100,0.98,15", "s,new,0,1,9,1,1"])
    let report = try DifferenceReport(before: before, after: after, confidence: 0.95)
    #expect(!report.isEmpty)
    let lines = report.text(on: Canvas()).split(separator: "\n").map(String.init)
    #expect(lines[0].hasSuffix("summary.csv: 1 of 3 figures differ; 2 are equal, 1 tested (t, 95 %, Holm)"))
    let row = try #require(lines.first { $0.contains("latency.p99, ms") })
    #expect(row.hasPrefix("ewma") && row.contains("13.0") && row.contains("15.0") && row.contains("+2.00"), "\(row)")
    #expect(row.contains("the same in every replication"))
    #expect(lines.contains("only in \(before): variant random"))
    #expect(lines.contains("only in \(after): variant new; replication ewma 2"))
    let data = Data(report.document.text.utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let table = try #require((object["tables"] as? [[String: Any]])?.first)
    let figure = try #require((table["figures"] as? [[String: Any]])?.first)
    #expect(object["differs"] as? Bool == true && table["equal"] as? Int == 2)
    #expect(figure["metric"] as? String == "latency_p99_ms" && figure["difference"] as? Double == 2)
  }

  /// Goal: folders that cannot be compared are told with their path.
  @Test func badFolders() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let good = try write("a", rows)
    #expect(throws: SystemError.self) {
      try DifferenceReport(before: good, after: "\(folder)/nowhere", confidence: 0.95)
    }
    let bad = try write("b", ["s,ewma,0,1,many,1,1"])
    do {
      _ = try DifferenceReport(before: good, after: bad, confidence: 0.95)
      Issue.record("a bad table was read")
    } catch let error as SystemError {
      #expect(error.description == "\(bad)/summary.csv:2: error: requests 'many'; expected a number or nothing")
    }
    let other = try write("c", file: "sweep.csv", rows)
    #expect(throws: SystemError.self) { try DifferenceReport(before: good, after: other, confidence: 0.95) }
  }
}
