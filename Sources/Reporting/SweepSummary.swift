// What a sweep comes to on a terminal: a line a cell and variant.

import Experiments
import Simulation
import Statistics

/// The figures of a sweep as they come in, for people.
public struct SweepSummary {
  private let sweep: Sweep
  private let confidence: Double

  /// The summary of `sweep`.
  public init(_ sweep: Sweep) {
    self.sweep = sweep
    confidence = sweep.cells.first?.scenario.confidence ?? 0.95
  }

  /// The most lines that are shown.
  private static let limit = 60
  private static let columns: [SummaryColumn] = [.successRate, .latencyMean, .latencyP50, .latencyP99]

  /// The table of the rows in `text`, a `sweep.csv`, ending in a line feed.
  public func table(of text: String) -> String {
    var table = CommaSeparatedTable(Array(text.utf8))
    let places = Self.columns.map { column in table.columns.lastIndex(of: column.rawValue) }
    var values: [[[Double]]] = []
    var index = 0
    var starts: [Int] = []
    for cell in sweep.cells {
      for _ in cell.scenario.variants {
        starts.append(index)
        index += cell.scenario.replications
        values.append(Self.columns.map { _ in [] })
      }
    }
    var row = 0
    var group = 0
    while let cells = table.next() {
      while group + 1 < starts.count && row >= starts[group + 1] { group += 1 }
      for (column, place) in places.enumerated() {
        guard let place, place < cells.count, let value = Double(cells[place]) else { continue }
        values[group][column].append(value * (Self.columns[column].unit == .time ? 1e6 : 1))
      }
      row += 1
    }
    return lines(values).joined(separator: "\n") + "\n"
  }

  private func lines(_ values: [[[Double]]]) -> [String] {
    let estimates = values.map { group in group.map { Estimate(of: $0, confidence: confidence) } }
    let formats = Self.columns.indices.map { column in
      let known = estimates.compactMap { $0[column] }
      return FigureFormat(
        Self.columns[column].unit, for: known.map(\.mean), halfWidths: known.compactMap(\.interval?.halfWidth))
    }
    var table = TextTable(
      alignments: sweep.paths.map { _ in .right } + [.left] + Self.columns.map { _ in .right })
    table.rows.append(
      (sweep.paths + ["variant"]).map { TextCell(text: $0, style: .strong) }
        + zip(Self.columns, formats).map { TextCell(text: "\($0.title), \($1.unit)", style: .strong) })
    var group = 0
    for cell in sweep.cells {
      for variant in cell.scenario.variants {
        if group < Self.limit {
          table.rows.append(
            (cell.values + [variant.name]).map { TextCell(text: $0) }
              + zip(estimates[group], formats).map { estimate, format in TextCell(text: Self.text(estimate, format)) })
        }
        group += 1
      }
    }
    var lines = table.lines(on: Canvas())
    if group > Self.limit { lines.append("… and \(group - Self.limit) more, in \(SweepTable.fileName)") }
    return lines
  }

  private static func text(_ estimate: Estimate?, _ format: FigureFormat) -> String {
    guard let estimate else { return "-" }
    let halfWidth = estimate.interval?.halfWidth ?? 0
    return format.text(estimate.mean) + (halfWidth > 0 ? " ± " + format.text(halfWidth) : "")
  }
}
