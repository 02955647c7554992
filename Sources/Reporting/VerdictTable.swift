// The table that `weir check` prints: a row an expectation.

import Experiments

/// Verdicts as people read them.
public struct VerdictTable {
  private let scenario: Scenario
  private let verdicts: [Verdict]

  /// The verdicts on the expectations of `scenario`.
  public init(_ scenario: Scenario, _ verdicts: [Verdict]) {
    self.scenario = scenario
    self.verdicts = verdicts
  }

  /// The table below the scenario's name, ending in a line feed.
  public func text(on canvas: Canvas) -> String {
    var lines = [canvas.styled(scenario.name, .strong)]
    if verdicts.isEmpty { return lines[0] + ": no expectations\n" }
    var table = TextTable(alignments: [.left, .left, .left, .left, .left])
    for verdict in verdicts {
      table.rows.append([
        TextCell(text: "  " + verdict.kind.sign, style: verdict.kind.style),
        TextCell(text: verdict.expectation.variant),
        TextCell(text: verdict.expectation.metric), TextCell(text: verdict.expectation.text),
        TextCell(text: verdict.measuredText),
      ])
    }
    lines += table.lines(on: canvas)
    lines += scenario.notes.map { "  " + canvas.styled("note:", .doubtful) + " " + $0 }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One line that sums up verdicts of several scenarios.
  public static func total(_ verdicts: [Verdict]) -> String {
    func count(_ kind: VerdictKind) -> Int { verdicts.count { $0.kind == kind } }
    return "\(count(.holds)) hold, \(count(.fails)) fail, \(count(.notEnoughData)) without enough data\n"
  }
}

extension VerdictKind {
  fileprivate var sign: String {
    switch self {
    case .holds: "✓ holds"
    case .fails: "✗ fails"
    case .notEnoughData: "? not enough data"
    }
  }

  fileprivate var style: TextStyle {
    switch self {
    case .holds: .good
    case .fails: .bad
    case .notEnoughData: .doubtful
    }
  }
}

extension Verdict {
  /// What was measured, in words.
  var measuredText: String {
    guard let measured else { return "nothing was measured" }
    let gap = missing == 0 ? "" : " (\(missing) of \(missing + measured.replications) replications without a value)"
    return "measured " + FigureFormat.text(measured, unit) + gap
  }
}
