// What `weir shrink` prints: how large the scenario was and is, and what becomes of its expectation.

import Experiments

/// The report on a scenario made small.
public struct ShrinkReport {
  private let outcome: ShrinkOutcome
  private let path: String

  /// The report on `outcome`, whose file is at `path`.
  public init(_ outcome: ShrinkOutcome, path: String) {
    self.outcome = outcome
    self.path = path
  }

  /// A table and a line for the verdict, ending in a line feed.
  public func text(on canvas: Canvas) -> String {
    var table = TextTable(alignments: [.left, .right, .right])
    table.rows.append(["", "was", "is"].map { TextCell(text: $0, style: .faint) })
    for (name, was, now) in rows where was != "0" || now != "0" {
      table.rows.append([TextCell(text: name), TextCell(text: was), TextCell(text: now, style: .strong)])
    }
    let verdict = outcome.verdict
    let expectation = verdict.expectation
    var lines = table.lines(on: canvas)
    lines.append(
      "\(verdict.kind.rawValue): \(expectation.metric) of \(expectation.variant), \(expectation.text): "
        + verdict.measuredText)
    let end = outcome.isCutShort ? ", all that --budget allows: more may go" : ""
    lines.append("\(path), after \(outcome.runs) runs\(end)")
    return lines.joined(separator: "\n") + "\n"
  }

  private var rows: [(name: String, was: String, now: String)] {
    let (was, now) = (outcome.before, outcome.after)
    func row(_ name: String, _ value: (ScenarioSize) -> Int) -> (name: String, was: String, now: String) {
      (name, String(value(was)), String(value(now)))
    }
    return [
      row("variants") { $0.variants }, row("replications") { $0.replications }, row("services") { $0.services },
      row("replicas") { $0.replicas }, row("clients") { $0.clients }, row("links") { $0.links },
      row("faults") { $0.faults },
      (
        "simulated seconds", DecimalNumber(was.seconds, significantDigits: 3).text,
        DecimalNumber(now.seconds, significantDigits: 3).text
      ),
      ("events", String(was.events), String(now.events)), row("values in the file") { $0.values },
    ]
  }
}
