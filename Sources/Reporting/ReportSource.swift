// A result folder as the report reads it: whichever of the result files are there, all of one scenario.

import Experiments
import MeshConfiguration

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What `run.json` says.
struct ReportRecord: Sendable {
  /// Facts for the head of the page, in order: what, and how much of it.
  var facts: [(name: String, value: String)] = []
  /// The level of the intervals, 0…1.
  var confidence: Double?
  var replications: Int?
  var scenario: String?
  /// What the scenario says of itself.
  var about: String?
  /// What counts as a failure.
  var failures: String?

  /// Reads `run.json` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let path = "\(folder)/\(ResultFile.record.rawValue)"
    guard let bytes = try ReportTable.bytes(path) else { return nil }
    // JSON is YAML too, and YAML's reader is the one we have.
    let log = FaultLog(file: path)
    guard let root = ConfigurationParser.parse(bytes, log: log), log.isEmpty, root.entries != nil else {
      throw SystemError(path: path, reason: "is no JSON object; expected the record that weir run writes")
    }
    scenario = root["scenario"]?.text
    about = root["about"]?.text.flatMap { $0.isEmpty ? nil : Markup.shortened($0, to: 500) }
    failures = root["failures"]?.text.map { Markup.shortened($0, to: 200) }
    if let text = root["confidence"]?.text {
      guard let level = Double(text), level > 0, level < 1 else {
        throw SystemError(
          path: path, reason: "confidence: '\(Markup.shortened(text, to: 40))'; expected a number between 0 and 1")
      }
      confidence = level
      facts.append(("intervals", "\(DecimalNumber(level * 100, significantDigits: 4).text) %"))
    }
    replications = root["replications"]?.text.flatMap { Int($0) }
    let known = [
      ("seed", "seed"), ("replications", "replications"), ("version", "weir"), ("scenarioDigest", "scenario digest"),
      ("traceDigest", "trace digest"), ("events", "simulated events"),
    ]
    for (key, name) in known {
      if let text = root[key]?.text { facts.append((name, Markup.shortened(text, to: 40))) }
    }
  }
}

/// A result folder.
struct ReportSource: Sendable {
  let folder: String
  /// The names of the files that were read, in the order of the report.
  private(set) var files: [String] = []
  /// The scenario that all of them are of.
  private(set) var scenario = ""
  private(set) var record: ReportRecord?
  private(set) var summary: ReportGroups?
  private(set) var comparison: ReportComparison?
  private(set) var expectations: ReportExpectations?
  private(set) var latency: ReportLatency?
  private(set) var timeline: ReportTimeline?
  private(set) var events: ReportEvents?
  private(set) var endpoints: ReportEndpoints?
  private(set) var clients: ReportGroups?
  private(set) var services: ReportGroups?
  private(set) var sweep: ReportSweep?
  private(set) var validation: ReportValidation?

  /// The level of intervals where no file says it: a scenario's default.
  static let usualConfidence = 0.95

  /// The level of the intervals that the report makes itself.
  var confidence: Double { record?.confidence ?? Self.usualConfidence }

  /// How many replications the run had; nil when no file says it.
  var replications: Int? {
    record?.replications ?? summary.flatMap { groups in groups.groups.map { $0.values.map(\.count).max() ?? 0 }.max() }
  }

  /// Columns that `summary.csv` has had from the beginning; later ones may be missing.
  private static var summaryColumns: (required: [String], all: [String]) {
    let all = SummaryColumn.allCases.map(\.rawValue)
    let last = all.firstIndex(of: SummaryColumn.unanswered.rawValue) ?? all.count - 1
    return (Array(all[...last]), all)
  }

  /// Reads the folder at `folder`.
  /// - Throws: `SystemError` when it is none, when it holds no results, or when one of the files is not as it should be.
  init(_ folder: String) throws {
    let trimmed = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    self.folder = trimmed
    try Self.checkFolder(trimmed)
    record = try ReportRecord(in: trimmed)
    try adopt("run.json", record.map { $0.scenario })
    summary = try Self.summary(trimmed, "summary.csv", names: ["variant"])
    try adopt("summary.csv", summary.map { $0.scenario })
    comparison = try ReportComparison(in: trimmed)
    try adopt("comparison.csv", comparison.map { $0.scenario })
    expectations = try ReportExpectations(in: trimmed)
    try adopt("expectations.csv", expectations.map { $0.scenario })
    latency = try ReportLatency(in: trimmed)
    try adopt("latency.csv", latency.map { $0.scenario })
    timeline = try ReportTimeline(in: trimmed)
    try adopt("timeline.csv", timeline.map { $0.scenario })
    events = try ReportEvents(in: trimmed)
    try adopt("events.csv", events.map { $0.scenario })
    endpoints = try ReportEndpoints(in: trimmed)
    try adopt("endpoints.csv", endpoints.map { $0.scenario })
    clients = try Self.summary(trimmed, "clients.csv", names: ["variant", "client"])
    try adopt("clients.csv", clients.map { $0.scenario })
    services = try ReportGroups(
      "services.csv", in: trimmed, names: ["variant", "service"],
      columns: ["requests", "successes", "failures", "abandoned", "wasted_work_s", "utilization", "queue_mean"])
    try adopt("services.csv", services.map { $0.scenario })
    sweep = try ReportSweep(in: trimmed)
    try adopt("sweep.csv", sweep.map { $0.scenario })
    validation = try ReportValidation(in: trimmed)
    try adopt("validation.csv", validation.map { $0.scenario })
    if scenario.isEmpty { scenario = trimmed.split(separator: "/").last.map(String.init) ?? trimmed }
  }

  /// Notes that the file called `name` was read, if it was, and of which scenario it is, if it says so.
  private mutating func adopt(_ name: String, _ read: String??) throws {
    guard let read else { return }
    files.append(name)
    guard let own = read else { return }
    if scenario.isEmpty { scenario = own }
    if own != scenario {
      throw SystemError(
        path: "\(folder)/\(name)", reason: "is of scenario '\(own)'; expected '\(scenario)' as in \(files[0])")
    }
  }

  /// A file with the columns of `summary.csv` below the names of its rows.
  private static func summary(_ folder: String, _ name: String, names: [String]) throws -> ReportGroups? {
    let columns = summaryColumns
    guard var table = try ReportTable(name, in: folder, columns: names + ["replication"] + columns.required) else {
      return nil
    }
    let places = names.map { table.place($0) }
    let known = columns.all.filter { table.placeIfAny($0) != nil }
    return try ReportGroups(&table, namesAt: places, columns: known.map { ReportColumn($0) })
  }

  /// Whether there are results in `folder`, and if not, where they might be.
  private static func checkFolder(_ folder: String) throws {
    var status = stat()
    if stat(folder, &status) != 0 {
      throw SystemError(path: folder, reason: "there is no such folder; expected one that weir run has written")
    }
    if status.st_mode & S_IFMT != S_IFDIR {
      throw SystemError(path: folder, reason: "is no folder; expected one that weir run has written")
    }
    let wanted = ["summary.csv", "sweep.csv", "validation.csv"]
    let names = Folder.names(in: folder)
    if wanted.contains(where: { names.contains($0) }) { return }
    let inner = names.sorted().first { name in
      let within = Folder.names(in: "\(folder)/\(name)")
      return wanted.contains { within.contains($0) }
    }
    let hint = inner.map { ", such as \(folder)/\($0)" } ?? ""
    throw SystemError(
      path: folder,
      reason: "holds no \(wanted.joined(separator: ", ")); expected the result folder of one scenario\(hint)")
  }
}
