// The table that `weir run` prints: a row a figure, a column a variant, the best of a row marked where it is no chance.

import Experiments
import MeshCore
import Statistics

/// A scenario's comparison as people read it.
public struct ComparisonTable {
  private let result: ExperimentResult
  private let comparison: Comparison

  /// The table of `result`.
  public init(_ result: ExperimentResult) {
    self.result = result
    self.comparison = Comparison(result)
  }

  /// The table with its heading and the notes below, ending in a line feed.
  public func text(on canvas: Canvas) -> String {
    var lines = heading(canvas)
    let rows = shownRows
    for group in groups(of: rows, canvas) {
      lines.append("")
      lines += table(of: rows, variants: group).lines(on: canvas)
    }
    let sentences = ComparisonVerdict(comparison, confidence: result.scenario.confidence).sentences
    if !sentences.isEmpty { lines += [""] + sentences }
    let legend = legend(of: rows)
    if !legend.isEmpty { lines += [""] + legend.map { canvas.styled($0, .faint) } }
    lines += noteLines(canvas)
    return lines.joined(separator: "\n") + "\n"
  }

  private func heading(_ canvas: Canvas) -> [String] {
    let scenario = result.scenario
    var facts = ["seed \(scenario.seed)"]
    let count = scenario.replications
    let run = scenario.variants.first?.run
    let length = run.map { run in
      run.requests.map { "\($0) requests" } ?? FigureFormat.span(run.duration)
    }
    facts.append("\(count) replication\(count == 1 ? "" : "s")" + (length.map { " of \($0)" } ?? ""))
    if let warmUp = run?.warmUp, warmUp > .zero { facts.append("the first \(FigureFormat.span(warmUp)) left out") }
    if count > 1 {
      facts.append("mean ± \(DecimalNumber(scenario.confidence * 100, significantDigits: 4).text) % interval")
    }
    return [
      canvas.styled(scenario.name, .strong) + (scenario.about.isEmpty ? "" : ": " + scenario.about),
      canvas.styled(facts.joined(separator: ", "), .faint),
    ]
  }

  /// Rows that say something: the main figures, and the others where anything happened.
  private var shownRows: [SummaryColumn] {
    let always: [SummaryColumn] = [
      .requests, .successRate, .throughput, .latencyMean, .latencyP50, .latencyP90, .latencyP99, .latencyP999,
      .latencyMaximum,
    ]
    let whenNotZero: [SummaryColumn] = [
      .failures, .timeouts, .rejected, .unanswered, .retries, .hedges, .mirrors, .ejections,
      .rateLimited, .breakerOverflow, .admissionRejected, .concurrencyLimited, .throttled, .faultDelayed, .faultAborted,
      .shed, .unauthorized, .noBackend,
    ]
    let hasFailures = means(of: .failures).contains { ($0 ?? 0) > 0 }
    return SummaryColumn.allCases.filter { column in
      guard means(of: column).contains(where: { $0 != nil }) else { return false }
      if always.contains(column) { return true }
      if whenNotZero.contains(column) { return means(of: column).contains { ($0 ?? 0) > 0 } }
      if column == .successLatencyP50 || column == .successLatencyP99 { return hasFailures }
      return column == .imbalance
    }
  }

  private func means(of column: SummaryColumn) -> [Double?] {
    comparison.variants.indices.map { comparison.row(column, variant: $0).estimate?.mean }
  }

  /// The variants in groups that fit the canvas.
  private func groups(of rows: [SummaryColumn], _ canvas: Canvas) -> [Range<Int>] {
    let all = 0..<comparison.variants.count
    guard let width = canvas.width else { return [all] }
    var groups: [Range<Int>] = []
    var start = 0
    for end in all where end > start {
      let candidate = start..<(end + 1)
      let widest = table(of: rows, variants: candidate).lines(on: Canvas()).map(\.count).max() ?? 0
      if widest > width {
        groups.append(start..<end)
        start = end
      }
    }
    groups.append(start..<all.upperBound)
    return groups
  }

  private func table(of rows: [SummaryColumn], variants: Range<Int>) -> TextTable {
    var table = TextTable(alignments: [.left] + variants.map { _ in .right })
    let parts = rows.map { self.parts(of: $0, variants: variants) }
    // Within a variant's column, values, intervals and ratios stand below each other.
    let widths = variants.indices.map { place in
      CellParts(
        mark: "*", value: widest(parts.map { $0[place - variants.lowerBound].value }),
        spread: widest(parts.map { $0[place - variants.lowerBound].spread }),
        ratio: widest(parts.map { $0[place - variants.lowerBound].ratio }))
    }
    table.rows.append(
      [TextCell(text: "")] + variants.map { TextCell(text: comparison.variants[$0], style: .strong) })
    if showsBalancers {
      table.rows.append(
        [TextCell(text: "balancer")]
          + variants.map { TextCell(text: result.scenario.variants[$0].balancerText ?? "-", style: .faint) })
    }
    for (column, cells) in zip(rows, parts) {
      let unit = format(of: column).unit + column.rate
      table.rows.append(
        [TextCell(text: column.title + (unit.isEmpty ? "" : ", " + unit))]
          + zip(cells, widths).map { cell, widths in
            TextCell(text: cell.joined(widths), style: cell.mark.isEmpty ? .plain : .good)
          })
    }
    return table
  }

  /// Whether some variant's name does not say what its balancer is.
  private var showsBalancers: Bool {
    result.scenario.variants.contains { variant in variant.balancerText.map { $0 != variant.name } ?? false }
  }

  private func widest(_ texts: [String]) -> String { texts.max { $0.count < $1.count } ?? "" }

  private func format(of column: SummaryColumn) -> FigureFormat {
    let estimates = comparison.variants.indices.compactMap { comparison.row(column, variant: $0).estimate }
    return FigureFormat(
      column.unit, for: estimates.map(\.mean), halfWidths: estimates.compactMap(\.interval?.halfWidth),
      isCount: column.isCount)
  }

  private func parts(of column: SummaryColumn, variants: Range<Int>) -> [CellParts] {
    let format = format(of: column)
    let shown = means(of: column).map { $0.map(format.text) ?? "" }
    let best = best(of: column)
    return variants.map { index in
      let row = comparison.row(column, variant: index)
      guard let estimate = row.estimate else { return CellParts(mark: "", value: "-", spread: "", ratio: "") }
      var parts = CellParts(mark: best.contains(index) ? "*" : "", value: shown[index], spread: "", ratio: "")
      if let halfWidth = estimate.interval?.halfWidth, halfWidth > 0 { parts.spread = "± " + format.text(halfWidth) }
      if column.unit == .time, let difference = row.difference, let ratio = difference.ratio {
        let isKnown = row.isShown(confidence: result.scenario.confidence) ?? true
        parts.ratio = isKnown ? "×" + DecimalNumber(ratio, significantDigits: 2).text : "≈"
      }
      return parts
    }
  }

  /// The variants with a row's best value: the best one, and those that cannot be told apart from it. None when that is all of
  /// them, or when there is no better or worse.
  private func best(of column: SummaryColumn) -> [Int] {
    let known = means(of: column).enumerated().compactMap { index, mean in mean.map { (index, $0) } }
    let best =
      switch column.preference {
      case .lower: known.min { $0.1 < $1.1 }
      case .higher: known.max { $0.1 < $1.1 }
      case .none: nil as (Int, Double)?
      }
    guard let best else { return [] }
    let worse = worse(than: best.0, among: known.map(\.0), column)
    let alike = known.map(\.0).filter { !worse.contains($0) }
    return alike.count == known.count ? [] : alike
  }

  /// Those of `variants` that can be told apart from the `best` in a figure: by their paired difference, corrected for how many are
  /// held against it; with one replication, by its value.
  private func worse(than best: Int, among variants: [Int], _ column: SummaryColumn) -> [Int] {
    let confidence = result.scenario.confidence
    func values(_ variant: Int) -> [Double?] { result.variants[variant].values(of: .summary(column)) }
    let others = variants.filter { $0 != best }
    let differences = others.map {
      BaselineDifference(values($0), to: values(best), confidence: confidence)?.difference
    }
    let adjusted = HolmCorrection.adjusted(differences.map { $0?.pValue ?? .nan })
    return zip(others, zip(differences, adjusted)).compactMap { variant, found in
      let (difference, adjusted) = found
      guard let difference else { return variant }
      let isWorse = adjusted.isNaN ? difference.mean != 0 : HolmCorrection.shows(adjusted, confidence: confidence)
      return isWorse ? variant : nil
    }
  }

  private func legend(of rows: [SummaryColumn]) -> [String] {
    var lines: [String] = []
    if comparison.variants.count > 1 {
      let isRepeated = result.scenario.replications > 1
      let alike = isRepeated ? "best, or cannot be told apart from the best" : "best of its row"
      let doubt = isRepeated ? ", ≈ cannot be told apart from it" : ""
      lines.append("* \(alike); × relative to \(comparison.baseline)\(doubt)")
    }
    if rows.contains(.failures) { lines.append("failures: \(FailureRule.text(result.scenario))") }
    if rows.contains(.imbalance) {
      lines.append("imbalance: the busiest endpoint's attempts by weight over the mean; 1 is even")
    }
    return lines
  }

  private func noteLines(_ canvas: Canvas) -> [String] {
    let total = result.scenario.replications
    return result.notes.enumerated().map { place, note in
      var extent: [String] = []
      if note.replications < total { extent.append("\(note.replications) of \(total) replications") }
      if note.varies { extent.append("figures of the first") }
      let subject = note.variant.map { "\($0): " } ?? ""
      let line =
        canvas.styled("note:", .doubtful) + " \(subject)\(note.text)"
        + (extent.isEmpty ? "" : " (\(extent.joined(separator: ", ")))")
      return place == 0 ? "\n" + line : line
    }
  }
}

/// What counts as a failure.
enum FailureRule {
  /// The rule of a scenario in words.
  static func text(_ scenario: Scenario) -> String {
    let limits = Set(scenario.variants.flatMap { $0.world.clients.compactMap(\.successWithin) })
    let late =
      limits.isEmpty
      ? "" : ", or an answer later than \(limits.sorted().map(FigureFormat.span).joined(separator: " or "))"
    return "status 500 and above or 429, no answer\(late)"
  }
}

/// What a cell consists of.
private struct CellParts {
  var mark: String
  var value: String
  var spread: String
  var ratio: String

  func joined(_ widths: CellParts) -> String {
    var text = mark.isEmpty ? "" : mark + " "
    text += String(repeating: " ", count: widths.value.count - value.count) + value
    if !widths.spread.isEmpty { text += " " + padded(spread, widths.spread) }
    if !widths.ratio.isEmpty { text += " " + padded(ratio, widths.ratio) }
    return text
  }

  private func padded(_ text: String, _ widest: String) -> String {
    text + String(repeating: " ", count: widest.count - text.count)
  }
}

extension FigureFormat {
  /// A length of time in the unit that people would take.
  static func span(_ span: TimeSpan) -> String {
    let unit = span >= .seconds(1) || span == .zero ? (1e9, "s") : span >= .milliseconds(1) ? (1e6, "ms") : (1e3, "µs")
    return "\(DecimalNumber(Double(span.nanoseconds) / unit.0, significantDigits: 6).text) \(unit.1)"
  }
}
