// The tables of Documentation/Published.md against the committed results and the tests that they name.

import Foundation
import Testing

/// Goal: what the document says was measured is what the committed results say, and as near to what is published as it says; the tests
/// that it names are there. Method: each line is read as a reader does: scenario, variant, metric, published, measured, to as many
/// decimals as it shows.
@Suite struct PublishedTableTests {
  /// A line of the first table.
  struct Line: CustomTestStringConvertible, Sendable {
    var scenario: String
    var variant: String
    var metric: String
    var published: String
    var measured: String

    var testDescription: String { "\(scenario), \(variant), \(metric): \(measured)" }
  }

  /// The cells of each line that begins with a row's number and has so many of them.
  private static func rows(cells count: Int) -> [[String]] {
    let path = packageRoot.appendingPathComponent("Documentation/Published.md")
    let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      return cells.count == count && Int(cells[1]) != nil ? cells : nil
    }
  }

  static let lines: [Line] = rows(cells: 9).map { cells in
    Line(
      scenario: cells[3], variant: cells[4], metric: cells[5].trimmingCharacters(in: ["`"]), published: cells[6],
      measured: cells[7])
  }

  private func mean(_ line: Line) throws -> Double {
    let rows = ResultTable(try ResultTable.committed("comparison.csv", of: line.scenario)).rows
    let row = try #require(rows.first { $0["variant"] == line.variant && $0["metric"] == line.metric })
    return try #require(Double(row["mean"] ?? ""))
  }

  @Test(arguments: lines)
  func isMeasured(_ line: Line) throws {
    let mean = try mean(line)
    let shown = try #require(Double(line.measured))
    let decimals = line.measured.split(separator: ".").dropFirst().first?.count ?? 0
    #expect((mean - shown).magnitude <= 0.500001 * pow(10, -Double(decimals)), "\(mean)")
  }

  /// A figure that is published has a tolerance, absolute or per cent, and is found again within it.
  @Test(arguments: lines.filter { line in line.published.contains { $0.isNumber } })
  func isFoundAgain(_ line: Line) throws {
    let found = try #require(
      line.published.firstMatch(of: /(\d+(?:\.\d+)?) ± (\d+(?:\.\d+)?)( %)?/), "no tolerance: \(line.published)")
    let published = try #require(Double(found.1))
    let width = try #require(Double(found.2))
    let tolerance = found.3 == nil ? width : published * width / 100
    let mean = try mean(line)
    #expect((mean - published).magnitude <= tolerance * (1 + 1e-9), "\(mean), not \(published) ± \(tolerance)")
  }

  /// The tables are whole: the checks above have all of their lines to check.
  @Test func hasLines() {
    #expect(Self.lines.count == 64)
    #expect(Self.lines.count { line in !line.published.contains { $0.isNumber } } == 7)
    #expect(Self.rows(cells: 6).count == 11)
  }

  /// Each test that the second table names is in the file that it names.
  @Test func namesTests() throws {
    var file = ""
    for row in Self.rows(cells: 6) {
      let names = row[4].matches(of: /`([^`]+)`/).map { String($0.1) }
      file = names.first { $0.hasPrefix("Tests/") } ?? file
      let path = packageRoot.appendingPathComponent(file).path
      #expect(FileManager.default.fileExists(atPath: path), "\(file)")
      guard let test = names.first(where: { !$0.contains("/") && !$0.contains(" ") }) else { continue }
      #expect(try String(contentsOfFile: path, encoding: .utf8).contains("func \(test)("), "\(test) in \(file)")
    }
  }
}
