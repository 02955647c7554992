// `endpoints.csv` as read, and its charts: what share of the attempts each endpoint had and how busy it was, a row of two small charts for
// each variant and cluster.

import Experiments

/// Endpoints, by variant and cluster.
struct ReportEndpoints: Sendable {
  private let groups: ReportGroups
  /// The groups of each variant and cluster, by their places, in the order of the file.
  private let members: [(variant: String, cluster: String, places: [Int])]

  /// Reads `endpoints.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let read = try ReportGroups(
      "endpoints.csv", in: folder, names: ["variant", "cluster", "endpoint"],
      columns: [
        "requests", "share", "successes", "failures", "latency_mean_ms", "latency_p99_ms", "utilization", "ejected_ms",
      ])
    guard let read else { return nil }
    var known = ReportNames()
    var members: [(variant: String, cluster: String, places: [Int])] = []
    for (place, group) in read.groups.enumerated() {
      let number = known.number(of: group.names.prefix(2).joined(separator: "\u{1F}"))
      if number == members.count { members.append((group.names[0], group.names[1], [])) }
      members[number].places.append(place)
    }
    groups = read
    self.members = members
  }

  /// The scenario that the rows are of.
  var scenario: String? { groups.scenario }

  /// The variants, in the order of the file.
  var variants: [String] {
    var known = ReportNames()
    for member in members { _ = known.number(of: member.variant) }
    return known.names
  }

  /// Rows of small charts that are drawn, and that one picture has.
  private static let rowLimit = 24
  private static let rowsOfChart = 6
  /// Bars that one small chart has.
  private static let barLimit = 240

  /// The section of the page.
  func section(confidence: Double) -> ReportSection? {
    if members.isEmpty { return nil }
    let drawn = Array(members.prefix(Self.rowLimit))
    let starts = Array(stride(from: 0, to: drawn.count, by: Self.rowsOfChart))
    let charts = starts.enumerated().map { number, start -> (chart: Chart, caption: String) in
      let rows = Array(drawn[start..<min(drawn.count, start + Self.rowsOfChart)])
      return (chart: chart(rows, number: number + 1, of: starts.count), caption: number == 0 ? caption : "")
    }
    return ReportSection(
      name: "endpoints", title: "Endpoints",
      parts: [
        .charts(charts),
        .folded(
          groups.grid(
            "Endpoints: means over replications ± half their interval", titles: ["variant", "cluster", "endpoint"],
            confidence: confidence)),
      ])
  }

  private var caption: String {
    let more = members.count > Self.rowLimit ? " The others are in the table." : ""
    return
      "Bars are endpoints in the order of the table; left their share of the cluster's attempts, where the dashes are an even share, right "
      + "the share of their workers that was held.\(more)"
  }

  private func mean(_ column: String, of place: Int) -> Double? {
    guard let index = groups.place(column) else { return nil }
    let values = groups.groups[place].values[index]
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  private func chart(_ rows: [(variant: String, cluster: String, places: [Int])], number: Int, of count: Int) -> Chart {
    let hasClusters = Set(members.map(\.cluster)).count > 1
    let shares = rows.flatMap { row in row.places.compactMap { mean("share", of: $0) } }
    let height = 64.0
    let width = (ChartSheet.panelWidth - 70) / 2
    let shareScale = ChartScale.linear(from: 0, to: max(0.01, (shares.max() ?? 0) * 100), ticks: 2)
    let heldScale = ChartScale.linear(from: 0, to: 100, ticks: 2)
    var sheet = ChartSheet()
    var words: [String] = []
    for row in rows {
      sheet.text(Markup.shortened(row.variant + (hasClusters ? ", \(row.cluster)" : ""), to: 56))
      let top = sheet.room(height + 58) + 24
      let shown = Array(row.places.prefix(Self.barLimit))
      let labels = labels(shown.map { groups.groups[$0].names[2] })
      let x = ChartScale(kind: .linear, low: 0, high: Double(max(1, shown.count)), ticks: labels)
      let left = ChartPanel(
        left: ChartSheet.left, top: top, width: width, height: height, xScale: x, yScale: shareScale)
      let right = ChartPanel(
        left: ChartSheet.left + width + 70, top: top, width: width, height: height, xScale: x, yScale: heldScale)
      let share = shown.map { mean("share", of: $0).map { $0 * 100 } }
      let held = shown.map { mean("utilization", of: $0).map { $0 * 100 } }
      sheet.draw(left.axes(x: "", y: "share, %") + left.bars(share, style: "bar"))
      sheet.draw(even(left, count: row.places.count))
      if held.contains(where: { $0 != nil }) {
        sheet.draw(right.axes(x: "", y: "utilisation, %") + right.bars(held, style: "bar"))
      }
      words.append(sentence(row))
    }
    return sheet.chart(
      "endpoints-\(number)",
      title: "Shares and utilisation of endpoints\(count > 1 ? ", \(number) of \(count)" : "")",
      words: "A bar an endpoint. " + ReportPalette.words(words))
  }

  /// A dashed line where each bar would end if all were alike.
  private func even(_ panel: ChartPanel, count: Int) -> [String] {
    let share = 100 / Double(max(1, count))
    return panel.line([ChartPoint(panel.xScale.low, share), ChartPoint(panel.xScale.high, share)], style: "even")
  }

  private func sentence(_ row: (variant: String, cluster: String, places: [Int])) -> String {
    let shares = row.places.compactMap { place in mean("share", of: place).map { (place, $0) } }
    guard let most = shares.max(by: { $0.1 < $1.1 }), let least = shares.min(by: { $0.1 < $1.1 }) else {
      return "\(row.variant), \(row.cluster): no attempts"
    }
    let column = ReportColumn("share")
    func text(_ share: (Int, Double)) -> String { "\(groups.groups[share.0].names[2]) with \(column.text(share.1))" }
    return "\(row.variant), \(row.cluster): from \(text(least)) to \(text(most)) of \(shares.count) endpoints"
  }

  /// What stands below the bars: what the names have of their own, where that is short; else the first and the last one's number.
  private func labels(_ names: [String]) -> [ChartTick] {
    let common = Self.commonPrefix(names)
    let own = names.map { String($0.dropFirst(common)) }
    let fits = names.count <= 10 && own.allSatisfy { !$0.isEmpty && $0.count <= 3 }
    let texts = fits ? own : names.indices.map { $0 == 0 || $0 == names.count - 1 ? String($0 + 1) : "" }
    return texts.enumerated().filter { !$0.element.isEmpty }.map {
      ChartTick(value: Double($0.offset) + 0.5, label: $0.element)
    }
  }

  /// How many characters all names begin with.
  private static func commonPrefix(_ names: [String]) -> Int {
    guard let first = names.first else { return 0 }
    return names.dropFirst().reduce(first) { $0.beginning(sharedWith: $1) }.count
  }
}

extension String {
  /// What both begin with.
  fileprivate func beginning(sharedWith other: String) -> String {
    String(zip(self, other).prefix { $0 == $1 }.map(\.0))
  }
}
