// The table of Documentation/Published.md against the committed results.

import Foundation
import Testing

/// Goal: what the document says was measured is what the committed results say. Method: each line of its first table is read as a
/// reader does: scenario, variant, metric, measured, to as many decimals as it shows.
@Suite struct PublishedTableTests {
  /// A line of the table.
  struct Line: CustomTestStringConvertible, Sendable {
    var scenario: String
    var variant: String
    var metric: String
    var measured: String

    var testDescription: String { "\(scenario), \(variant), \(metric): \(measured)" }
  }

  static let lines: [Line] = {
    let path = packageRoot.appendingPathComponent("Documentation/Published.md")
    let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 9, Int(cells[1]) != nil else { return nil }
      return Line(
        scenario: cells[3], variant: cells[4], metric: cells[5].trimmingCharacters(in: ["`"]), measured: cells[7])
    }
  }()

  @Test(arguments: lines)
  func isMeasured(_ line: Line) throws {
    let rows = ResultTable(try ResultTable.committed("comparison.csv", of: line.scenario)).rows
    let row = try #require(rows.first { $0["variant"] == line.variant && $0["metric"] == line.metric })
    let mean = try #require(Double(row["mean"] ?? ""))
    let shown = try #require(Double(line.measured))
    let decimals = line.measured.split(separator: ".").dropFirst().first?.count ?? 0
    #expect((mean - shown).magnitude <= 0.500001 * pow(10, -Double(decimals)), "\(mean)")
  }

  /// The table is there: the check above has something to check.
  @Test func hasLines() { #expect(Self.lines.count >= 40) }
}
