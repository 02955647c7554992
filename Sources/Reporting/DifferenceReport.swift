// What `weir diff` tells: which figures of two result folders differ, by how much and how surely, and what only one of
// them has.

import Experiments
import MeshConfiguration
import Statistics

/// The differences between two result folders.
public struct DifferenceReport {
  /// The tables that are compared, where both have them.
  private static let files = ["summary.csv", "sweep.csv"]

  private let before: String
  private let after: String
  private let confidence: Double
  private var tables: [(file: String, difference: ResultDifference)] = []
  /// Tables that one has alone: they are not compared.
  private var stray: [(file: String, folder: String)] = []

  /// Reads and compares two folders at `confidence` (0…1, say 0.95).
  ///
  /// - Throws: `SystemError` when a table cannot be read or is none, or when the folders have none in common.
  public init(before: String, after: String, confidence: Double) throws {
    self.before = before
    self.after = after
    self.confidence = confidence
    let (own, others) = (try Self.rows(in: before), try Self.rows(in: after))
    for (file, pair) in zip(Self.files, zip(own, others)) {
      switch pair {
      case (let own?, let other?):
        tables.append((file, ResultDifference(own, other, confidence: confidence)))
      case (.some, nil): stray.append((file, before))
      case (nil, .some): stray.append((file, after))
      case (nil, nil): break
      }
    }
    if !tables.isEmpty { return }
    for (folder, rows) in [(before, own), (after, others)] where !rows.contains(where: { $0 != nil }) {
      throw SystemError(
        path: folder, reason: "holds no summary.csv and no sweep.csv; expected a folder with results of weir")
    }
    throw SystemError(
      path: after, reason: "has none of the tables of \(before); expected summary.csv or sweep.csv in both")
  }

  /// The tables in `folder`, nil for those that are not there.
  private static func rows(in folder: String) throws -> [ResultRows?] {
    try files.map { (file: String) throws -> ResultRows? in
      let path = folder.hasSuffix("/") ? folder + file : "\(folder)/\(file)"
      guard let bytes = try ExistingFile(path).bytesIfAny() else { return nil }
      do throws(ResultRowsFault) {
        return try ResultRows(bytes)
      } catch {
        throw SystemError(path: "\(path):\(error.line)", reason: error.reason)
      }
    }
  }

  /// Whether nothing differs.
  public var isEmpty: Bool { tables.allSatisfy { $0.difference.isEmpty } }

  // MARK: - For people

  /// A table of what differs, and what only one has, ending in a line feed.
  public func text(on canvas: Canvas) -> String {
    var lines: [String] = []
    for (file, difference) in tables {
      if !lines.isEmpty { lines.append("") }
      lines.append(canvas.styled("\(before) → \(after), \(file)", .strong) + ": \(summary(difference))")
      let moved = difference.figures.filter { $0.differs }
      if !moved.isEmpty { lines += [""] + table(moved).lines(on: canvas) }
      lines += oneSided(difference.onlyBefore, before) + oneSided(difference.onlyAfter, after)
    }
    lines += stray.map { canvas.styled("note:", .doubtful) + " \($0.file) is in \($0.folder) alone: not compared" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func summary(_ difference: ResultDifference) -> String {
    let moved = difference.figures.count { $0.differs }
    let equal = difference.figures.count { $0.method == .equal && !$0.differs }
    let level = DecimalNumber(confidence * 100, significantDigits: 4).text
    let count = difference.figures.count
    let text = moved == 0 ? "no figure of \(count) differs" : "\(moved) of \(count) figures differ"
    if equal == count { return text + "; all are equal" }
    let tests = difference.tests
    return text + "; \(equal) are equal" + (tests > 0 ? ", \(tests) tested (t, \(level) %, Holm)" : "")
  }

  private func table(_ figures: [FigureDifference]) -> TextTable {
    var table = TextTable(alignments: [.left, .left, .right, .right, .right, .right, .left])
    let titles = ["variant", "figure", "before", "after", "difference", "p", ""]
    table.rows.append(titles.map { TextCell(text: $0, style: .faint) })
    for figure in figures {
      let column = SummaryColumn(rawValue: figure.metric)
      let unit = column?.unit ?? .number
      let scale = unit == .time ? 1e6 : 1
      let shown = [figure.before, figure.after, unit == .fraction ? nil : figure.difference]
      let halfWidth = figure.interval?.halfWidth ?? 0
      let format = FigureFormat(
        unit, for: shown.compactMap { $0.map { $0 * scale } }, halfWidths: [halfWidth * scale])
      let size = format.unit + (column?.rate ?? "")
      table.rows.append([
        TextCell(text: figure.setting),
        TextCell(text: (column?.title ?? figure.metric) + (size.isEmpty ? "" : ", " + size)),
        TextCell(text: figure.before.map { format.text($0 * scale) } ?? "none"),
        TextCell(text: figure.after.map { format.text($0 * scale) } ?? "none"),
        TextCell(text: Self.text(figure, format, scale: scale), style: .strong),
        TextCell(text: figure.adjustedPValue.map(Self.probability) ?? ""),
        TextCell(text: Self.remark(figure), style: .faint),
      ])
    }
    return table
  }

  private static func text(_ figure: FigureDifference, _ format: FigureFormat, scale: Double) -> String {
    guard let difference = figure.difference else { return "" }
    let text = (difference > 0 ? "+" : "") + format.text(difference * scale)
    guard let interval = figure.interval, interval.halfWidth > 0 else { return text }
    return text + " ± " + format.text(interval.halfWidth * scale)
  }

  private static func probability(_ value: Double) -> String {
    value > 0 && value < 1e-4 ? "< 0.0001" : DecimalNumber(value, significantDigits: 2).text
  }

  /// How sure it is, where that is not what one expects.
  private static func remark(_ figure: FigureDifference) -> String {
    var remarks: [String] = []
    switch figure.method {
    case .equal: break
    case .paired: if figure.interval?.halfWidth == 0 { remarks.append("the same in every replication") }
    case .independent: remarks.append("other seeds")
    case .values: remarks.append("no interval: one replication")
    }
    if figure.missingBefore > 0 || figure.missingAfter > 0 {
      remarks.append("without a value: \(figure.missingBefore) before, \(figure.missingAfter) after")
    }
    return remarks.joined(separator: "; ")
  }

  private func oneSided(_ side: OneSided, _ folder: String) -> [String] {
    var parts: [String] = []
    if !side.settings.isEmpty { parts.append("variant \(side.settings.joined(separator: "; "))") }
    if !side.metrics.isEmpty { parts.append("figure \(side.metrics.joined(separator: ", "))") }
    if !side.replications.isEmpty { parts.append("replication \(side.replications.joined(separator: "; "))") }
    return parts.isEmpty ? [] : ["only in \(folder): \(parts.joined(separator: "; "))"]
  }

  // MARK: - For programs

  /// The same as JSON: every figure that is not equal to the byte. Times are milliseconds, as in the files.
  public var document: JSONValue {
    .members([
      "before": .text(before), "after": .text(after), "confidence": .number(confidence), "differs": .flag(!isEmpty),
      "tables": .list(
        tables.map { table in
          .members([
            "file": .text(table.file),
            "equal": .integer(Int64(table.difference.figures.count { $0.method == .equal })),
            "tests": .integer(Int64(table.difference.tests)),
            "figures": .list(table.difference.figures.filter { $0.method != .equal }.map(Self.document)),
            "onlyBefore": Self.document(table.difference.onlyBefore),
            "onlyAfter": Self.document(table.difference.onlyAfter),
          ])
        }),
    ])
  }

  private static func document(_ figure: FigureDifference) -> JSONValue {
    .members([
      "variant": .text(figure.setting), "metric": .text(figure.metric), "method": .text(figure.method.rawValue),
      "before": .figure(figure.before), "after": .figure(figure.after), "difference": .figure(figure.difference),
      "ciLow": .figure(figure.interval?.low), "ciHigh": .figure(figure.interval?.high),
      "pValue": .probability(figure.pValue), "adjustedPValue": .probability(figure.adjustedPValue),
      "differs": .flag(figure.differs),
    ])
  }

  private static func document(_ side: OneSided) -> JSONValue {
    .members([
      "variants": .texts(side.settings), "metrics": .texts(side.metrics), "replications": .texts(side.replications),
    ])
  }
}
