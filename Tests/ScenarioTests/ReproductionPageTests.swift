// Documentation/Reproductions.md and what it is made of, against the committed results and the tests that it names.

import Foundation
import Testing

/// Goal: each published figure of Scenarios/papers/figures.csv is found again in the committed results as near as it says, is expected by
/// its scenario, and where a test stands for it there is such a test; the page and the data sets are what the results give. Method: lines
/// are read here by a reader of their own, not by the scripts that write the page.
@Suite struct ReproductionPageTests {
  /// A line of figures.csv.
  struct Line: CustomTestStringConvertible, Sendable {
    var cells: [String: String]

    subscript(_ name: String) -> String { cells[name] ?? "" }

    var isRun: Bool { self["test"].isEmpty }
    var testDescription: String { "row \(self["row"]): \(self["figure"]), \(self["variant"])" }
  }

  /// A CSV file whose cells may be quoted.
  private static func table(_ path: String) -> [[String: String]] {
    let text = (try? String(contentsOf: packageRoot.appendingPathComponent(path), encoding: .utf8)) ?? ""
    let records = text.split(separator: "\n").map { line in
      var cells = [""]
      var isQuoted = false
      for character in line {
        if character == "\"" {
          isQuoted.toggle()
        } else if character == "," && !isQuoted {
          cells.append("")
        } else {
          cells[cells.count - 1].append(character)
        }
      }
      return cells
    }
    let header = records.first ?? []
    return records.dropFirst().map { Dictionary(zip(header, $0)) { first, _ in first } }
  }

  static let lines: [Line] = table("Scenarios/papers/figures.csv").map { Line(cells: $0) }

  /// The metrics of `expect` that are called otherwise in comparison.csv.
  private static let names = [
    "success_rate": "successRate", "latency_mean_ms": "latency.mean", "latency_p99_ms": "latency.p99",
    "latency_p999_ms": "latency.p999", "latency_max_ms": "latency.max",
  ]

  private static func value(_ line: Line, of variant: String) throws -> Double {
    for (file, column) in [("comparison.csv", "mean"), ("expectations.csv", "measured")] {
      let rows = ResultTable(try ResultTable.committed(file, of: line["scenario"])).rows
      let row = rows.first {
        $0["variant"] == variant && $0["metric"] == line["metric"] && !($0["expected"] ?? "").contains("×")
      }
      if let value = Double(row?[column] ?? "") { return value }
    }
    throw ProgramFault(reason: "no \(line["metric"]) of \(variant) in \(line["scenario"])")
  }

  /// What others have found is found again.
  @Test(arguments: lines.filter(\.isRun)) func isFoundAgain(_ line: Line) throws {
    var measured = try Self.value(line, of: line["variant"])
    if !line["relative_to"].isEmpty { measured /= try Self.value(line, of: line["relative_to"]) }
    let published = try #require(Double(line["value"]))
    let room = 1e-9 * max(1, published.magnitude)
    switch line["bound"] {
    case "equals":
      let tolerance = try #require(Double(line["tolerance"]))
      #expect((measured - published).magnitude <= tolerance + room, "\(measured), not \(published) ± \(tolerance)")
    case "max": #expect(measured <= published + room, "\(measured), not at most \(published)")
    case "min": #expect(measured >= published - room, "\(measured), not at least \(published)")
    default: Issue.record("bound \(line["bound"])")
    }
  }

  /// Its scenario expects it, and that holds.
  @Test(arguments: lines.filter(\.isRun)) func isExpected(_ line: Line) throws {
    let metrics = [line["metric"], Self.names[line["metric"]] ?? ""]
    let ending = line["relative_to"].isEmpty ? "" : "× \(line["relative_to"])"
    let rows = ResultTable(try ResultTable.committed("expectations.csv", of: line["scenario"])).rows
    let row = rows.first { row in
      let expected = row["expected"] ?? ""
      return row["variant"] == line["variant"] && metrics.contains(row["metric"] ?? "")
        && expected.contains("×") == !ending.isEmpty && expected.hasSuffix(ending)
    }
    #expect(row?["verdict"] == "holds", "\(row?["expected"] ?? "nothing is expected of it")")
  }

  /// Each test that is named is in the file that is named.
  @Test(arguments: lines.filter { !$0.isRun }) func namesATest(_ line: Line) throws {
    let text = try String(contentsOf: packageRoot.appendingPathComponent(line["file"]), encoding: .utf8)
    #expect(text.contains("func \(line["test"])("))
  }

  /// No row is forgotten: all have figures but those of a testbed and of protocols that are not played.
  @Test func allRowsAreThere() {
    let rows = Self.table("Scenarios/papers/rows.csv").compactMap { $0["row"].flatMap { Int($0) } }
    #expect(rows == Array(1...32))
    let found = Set(Self.lines.compactMap { Int($0["row"]) })
    #expect(Set(rows).subtracting(found) == [16, 28])
    #expect(Self.lines.count { $0.isRun } >= 110)
  }

  /// The page and the data sets are what the scripts make of the results.
  @Test(arguments: ["Scripts/reproductions", "Scripts/datasets"]) func isUpToDate(_ script: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script, "--check"]
    process.currentDirectoryURL = packageRoot
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
