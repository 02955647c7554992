// The project's own scenarios, found by listing, and their committed results.

import Foundation
import Testing

/// A file below `Scenarios`.
struct ScenarioFile: CustomTestStringConvertible, Sendable {
  /// Its path from the package's folder.
  var path: String

  /// All of them, by path.
  static let all: [ScenarioFile] = {
    let below = FileManager.default.enumerator(atPath: packageRoot.appendingPathComponent("Scenarios").path)
    let names = (below?.allObjects ?? []).compactMap { $0 as? String }
    return names.filter { $0.hasSuffix(".yaml") }.sorted().map { ScenarioFile(path: "Scenarios/" + $0) }
  }()

  var testDescription: String { path }

  /// Whether it is held against queueing theory.
  var isTheory: Bool { path.hasPrefix("Scenarios/theory/") }

  var text: String {
    get throws { try String(contentsOf: packageRoot.appendingPathComponent(path), encoding: .utf8) }
  }

  /// What follows `scenario:`, which names the folder of results.
  var name: String {
    get throws {
      let line = try text.split(separator: "\n").first { $0.hasPrefix("scenario: ") }
      return line.map { String($0.dropFirst("scenario: ".count)) } ?? ""
    }
  }
}

/// A table from a result file whose cells hold no commas, each row by its columns' names.
struct ResultTable {
  var rows: [[String: String]]

  init(_ bytes: Data) {
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    let records = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let header = records.first ?? []
    rows = records.dropFirst().map { Dictionary(zip(header, $0)) { first, _ in first } }
  }

  /// A committed result file of the scenario called `name`.
  static func committed(_ file: String, of name: String) throws -> Data {
    try Data(contentsOf: packageRoot.appendingPathComponent("Results/\(name)/\(file)"))
  }
}

/// A figure with its interval.
struct Figure {
  var value: Double
  var low: Double
  var high: Double

  /// The figure in the row's columns `value`, `ci_low` and `ci_high`; without an interval it stands for itself.
  init?(_ row: [String: String], value column: String) {
    guard let value = Double(row[column] ?? "") else { return nil }
    self.value = value
    low = Double(row["ci_low"] ?? "") ?? value
    high = Double(row["ci_high"] ?? "") ?? value
  }

  /// Whether `truth` lies within `tolerance` of the figure, else within its interval's half width and 1 % of the truth.
  func agrees(with truth: Double, tolerance: Double = 0) -> Bool {
    (value - truth).magnitude <= max(tolerance, (high - low) / 2 + 0.01 * truth.magnitude)
  }
}
