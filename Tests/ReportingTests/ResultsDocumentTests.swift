import Experiments
import Foundation
import Testing

@testable import Reporting

/// Goal: Documentation/Results.md lists what the code has, neither more nor less: metrics with their columns, in order, and each
/// file's columns, in order. Method: names in backticks, at the places where the document has them.
@Suite struct ResultsDocumentTests {
  private let text: String

  init() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    text = try String(contentsOf: root.appendingPathComponent("Documentation/Results.md"), encoding: .utf8)
  }

  /// The lines below the heading `title`, up to the next heading of any level.
  private func section(_ title: String) -> [String] {
    var lines: [String] = []
    var isInside = false
    for line in text.components(separatedBy: "\n") {
      if line.hasPrefix("#") {
        isInside = line.drop { $0 == "#" }.dropFirst() == title
      } else if isInside {
        lines.append(line)
      }
    }
    return lines
  }

  /// The cells of a table's rows, without its head.
  private func cells(_ lines: [String]) -> [[String]] {
    lines.filter { $0.hasPrefix("| ") && !$0.hasPrefix("| ---") }.dropFirst().map { line in
      line.dropFirst().dropLast().components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  /// The words in backticks.
  private func names(_ text: String) -> [String] {
    text.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
  }

  /// Each metric stands in the table beside its column, and none besides.
  @Test func metrics() throws {
    let rows = cells(section("Metrics"))
    let listed = rows.map { names($0[0]).joined() }
    let named = Metric.prefixes.map { "\($0)<endpoint>" } + Metric.clusterPrefixes.map { "\($0)<cluster>" }
    #expect(Set(listed) == Set(Metric.names + named))
    #expect(listed.count == Set(listed).count)
    let columns = rows.flatMap { names($0[1]) }
    #expect(columns == SummaryColumn.allCases.map(\.rawValue))
    for row in rows where !row[1].isEmpty {
      #expect(try Metric(named: #require(names(row[0]).first)) == Metric(named: #require(names(row[1]).first)))
    }
  }

  /// Each file has a section that names its columns in their order.
  @Test(arguments: ResultFile.allCases)
  func columns(file: ResultFile) {
    let lines = section(file.rawValue)
    #expect(!lines.isEmpty, "no section")
    let table = cells(lines)
    let figures = SummaryColumn.allCases.map(\.rawValue)
    let known = Set(file.columns)
    let listed =
      table.isEmpty ? names(lines.joined(separator: " ")).filter(known.contains) : table.flatMap { names($0[0]) }
    let standing = file == .summary || file == .clients ? file.columns.filter { !figures.contains($0) } : file.columns
    #expect(listed == standing)
  }
}
