// A result folder as one page for people: what came out in plain words, tables, and charts, in one HTML file that calls nobody.
//
// No script, no font, no address: the page is text, tables that scroll in their own boxes and SVG that takes the reader's theme. The same
// files give the same bytes; nothing of the day or the machine is in it. Charts have a bounded number of points, whatever the files hold.

import Experiments

/// The report of a result folder.
public struct Report: Sendable {
  /// The scenario's name.
  public let scenario: String
  private let about: String?
  private let facts: [(name: String, value: String)]
  private let files: [String]
  private let sections: [ReportSection]

  /// The report of the result files in `folder`, whichever are there.
  /// - Throws: `SystemError` when there is no such folder, when it holds no results, and when a file is not as its columns say.
  public init(folder: String) throws {
    let source = try ReportSource(folder)
    scenario = source.scenario
    files = source.files
    about = source.record?.about
    facts = source.record?.facts ?? []
    sections = Self.sections(source)
  }

  /// The charts, in the order of the page. Each has a name of its own.
  public var charts: [Chart] { sections.flatMap(\.charts) }

  /// The page.
  public var html: String {
    let title = Markup.escaped(scenario)
    let links = sections.map { "<li><a href=\"#\($0.name)\">\(Markup.escaped($0.title))</a></li>" }
    let facts = self.facts.map { "\($0.name) \($0.value)" }.joined(separator: " · ")
    var lines = [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
      "<meta name=\"color-scheme\" content=\"light dark\">",
      // The browser itself keeps the promise that nothing is fetched.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
      "<link rel=\"icon\" href=\"data:,\">", "<title>\(title): Weir report</title>",
      "<style>\n\(ReportStyle.text)\n</style>", "</head>", "<body>",
      "<a class=\"skip\" href=\"#content\">Skip to the results</a>", "<header>", "<h1>\(title)</h1>",
    ]
    if let about { lines.append("<p>\(Markup.escaped(about))</p>") }
    if !facts.isEmpty { lines.append("<p class=\"facts\">\(Markup.escaped(facts))</p>") }
    lines += ["</header>", "<nav aria-label=\"Contents\"><ol>"] + links
    lines += ["</ol></nav>", "<main id=\"content\" tabindex=\"-1\">"] + sections.map(\.html)
    lines += [
      "</main>", "<footer>Made by weir \(weirVersion) of \(Markup.escaped(files.joined(separator: ", "))).</footer>",
    ]
    lines += ["</body>", "</html>"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// What the page has, from what people ask first to what they look up.
  private static func sections(_ source: ReportSource) -> [ReportSection] {
    let palette = palette(source)
    let comparison = source.comparison ?? source.summary.map { ReportComparison($0, confidence: source.confidence) }
    var sections: [ReportSection?] = []
    if let comparison { sections += [verdict(comparison, source), summary(comparison, source)] }
    sections.append(source.expectations?.section)
    sections.append(source.validation?.section)
    if let sweep = source.sweep {
      sections.append(ReportSweepCharts(sweep: sweep, palette: palette, confidence: source.confidence).section)
    }
    sections.append(source.latency?.section(palette))
    if let timeline = source.timeline {
      let chart = ReportTimelineChart(
        timeline: timeline, events: source.events, palette: palette, replications: source.replications)
      sections.append(chart.section)
    }
    sections.append(source.endpoints?.section(confidence: source.confidence))
    sections.append(grid("services", "Services", source.services, ["variant", "service"], source))
    sections.append(grid("clients", "Clients", source.clients, ["variant", "client"], source))
    return sections.compactMap { $0 }
  }

  /// Every variant's line, the same in all charts, in the order of the files.
  private static func palette(_ source: ReportSource) -> ReportPalette {
    var palette = ReportPalette()
    palette.add(source.comparison?.variants ?? [])
    palette.add(source.summary?.groups.map { $0.names[0] } ?? [])
    palette.add(source.sweep?.variants ?? [])
    palette.add(source.latency?.variants.map(\.name) ?? [])
    palette.add(source.timeline?.variants ?? [])
    palette.add(source.endpoints?.variants ?? [])
    palette.add(source.events?.lanes.map(\.variant) ?? [])
    palette.add(source.validation?.variants ?? [])
    return palette
  }

  private static func verdict(_ comparison: ReportComparison, _ source: ReportSource) -> ReportSection? {
    let groups = ReportVerdict(comparison: comparison, confidence: source.record?.confidence).groups
    guard let baseline = comparison.baseline, !groups.isEmpty else { return nil }
    var parts: [ReportPart] = [
      .words(
        "Each variant beside \(baseline), which met the same traffic. A difference is shown where its interval leaves out 0."
      )
    ]
    for group in groups { parts += [.heading(group.title), .list(group.sentences)] }
    return ReportSection(name: "verdict", title: "What came out", parts: parts)
  }

  private static func summary(_ comparison: ReportComparison, _ source: ReportSource) -> ReportSection {
    var parts: [ReportPart] = [.grid(comparison.grid)]
    if let failures = source.record?.failures { parts.append(.words("Failures: \(failures).")) }
    if source.comparison != nil { parts.append(.folded(comparison.differences)) }
    return ReportSection(name: "summary", title: "Summary", parts: parts)
  }

  private static func grid(
    _ name: String, _ title: String, _ groups: ReportGroups?, _ titles: [String], _ source: ReportSource
  ) -> ReportSection? {
    guard let groups, !groups.groups.isEmpty else { return nil }
    let grid = groups.grid(
      "\(title): means over replications ± half their interval", titles: titles, confidence: source.confidence)
    return ReportSection(name: name, title: title, parts: [.folded(grid)])
  }
}
