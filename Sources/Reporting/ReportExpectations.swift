// `expectations.csv` as read, and its table.

import Experiments

/// What was expected, and what became of it.
struct ReportExpectations: Sendable {
  private(set) var scenario: String?
  private var rows: [[String]] = []

  /// Reads `expectations.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let columns = ["metric", "variant", "expected", "measured", "ci_low", "ci_high", "verdict"]
    guard var table = try ReportTable("expectations.csv", in: folder, columns: columns) else { return nil }
    let places = columns.map { table.place($0) }
    while let row = try table.next() {
      let numbers = try places[3...5].map { try row.number($0) }
      let texts = numbers.map { $0.map { DecimalNumber($0, significantDigits: 5).text } ?? "" }
      rows.append(places[0...2].map { row.text($0) } + texts + [row.text(places[6])])
    }
    scenario = table.scenario
  }

  /// The section of the page; nil when nothing was expected.
  var section: ReportSection? {
    if rows.isEmpty { return nil }
    func count(_ kind: VerdictKind) -> Int { rows.count { $0.last == kind.rawValue } }
    let grid = ReportGrid(
      caption: "Expectations (latencies in ms, rates and shares as fractions)",
      columns: [
        ReportGrid.Column(title: "metric", isText: true), ReportGrid.Column(title: "variant", isText: true),
        ReportGrid.Column(title: "expected", isText: true), ReportGrid.Column(title: "measured", isText: false),
        ReportGrid.Column(title: "from", isText: false), ReportGrid.Column(title: "to", isText: false),
        ReportGrid.Column(title: "verdict", isText: true),
      ],
      rows: rows.map { Array($0.dropLast()) + [Self.sign($0.last ?? "")] })
    return ReportSection(
      name: "expectations", title: "Expectations",
      parts: [
        .words("\(count(.holds)) hold, \(count(.fails)) fail, \(count(.notEnoughData)) without enough data."),
        .grid(grid),
      ])
  }

  private static func sign(_ verdict: String) -> String {
    switch VerdictKind(rawValue: verdict) {
    case .holds: "✓ holds"
    case .fails: "✗ fails"
    case .notEnoughData: "? not enough data"
    case nil: verdict
    }
  }
}
