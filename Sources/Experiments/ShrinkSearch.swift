// The search for a smaller scenario: what is tried, and what is known of what was tried.

import MeshConfiguration
import Simulation

/// One scenario being made small.
final class ShrinkSearch {
  /// How an expectation is not met: its verdict, on which side of its bound what was measured lies, and whether there were
  /// requests at all. A run without any misses many a bound, and shows nothing.
  private struct Failure: Hashable {
    var kind: VerdictKind
    var side: Side
    var hasRequests: Bool

    enum Side: Hashable {
      case below, above, nothing
    }

    init(_ verdict: Verdict, _ result: ExperimentResult) {
      kind = verdict.kind
      let own = result.variant(named: verdict.expectation.variant)?.replications ?? []
      hasRequests = own.allSatisfy { $0.summary.requests > 0 }
      guard let mean = verdict.measured?.mean else {
        side = .nothing
        return
      }
      side =
        switch verdict.expectation.bound {
        case .maximum: .above
        case .minimum: .below
        case .equals(let target, _): mean < target ? .below : .above
        }
    }
  }

  private let request: ShrinkRequest
  private let run: (Scenario) throws -> ExperimentResult
  private let report: (Int, Int) -> Void
  /// The smallest so far.
  private var current: ConfigurationNode
  private var failure: Failure?
  /// What is known of scenarios, by their digests: whether they fail in that way.
  private var known: [UInt64: Bool] = [:]
  private var runs = 0
  private var isExhausted = false
  private var before: ScenarioSize?

  init(
    _ root: ConfigurationNode, _ request: ShrinkRequest, run: @escaping (Scenario) throws -> ExperimentResult,
    report: @escaping (Int, Int) -> Void
  ) {
    current = root
    self.request = request
    self.run = run
    self.report = report
  }

  /// Runs what is there, and learns how it fails.
  func begin() throws {
    guard let scenario = readable(current) else {
      throw ShrinkError.unfaithful("it cannot be read with one of its expectations alone")
    }
    runs += 1
    report(runs, current.size)
    let result = try run(scenario)
    let verdict = ExpectationJudge.verdict(scenario.expectations[0], in: result)
    if verdict.kind != request.verdict { throw ShrinkError.otherVerdict(verdict, wanted: request.verdict) }
    failure = Failure(verdict, result)
    before = ScenarioSize(result, values: current.size)
    known[scenario.digest] = true
  }

  /// Takes away what can be taken away.
  func search() throws {
    var last: ConfigurationNode
    repeat {
      last = current
      try dropVariants()
      try shortenRun()
      try dropThings()
      try foldVariant()
      try lowerCounts()
      try dropValues()
    } while current != last && !isExhausted
  }

  /// The outcome, after reading and running once more what is to be written.
  func outcome(name: String) throws -> ShrinkOutcome {
    let moved = MovedFiles(from: request.path, to: request.output, workingFolder: request.workingFolder)
      .applied(to: current)
    let body = BlockText.text(of: moved)
    let log = FaultLog(file: request.output)
    guard case .success(let scenario) = ScenarioReader.read(bytes: Array(body.utf8), path: request.output, log: log),
      let expectation = scenario.expectations.first
    else { throw ShrinkError.unfaithful(log.diagnostics?.lines.first ?? "it has no expectation any more") }
    let result = try run(scenario)
    let verdict = ExpectationJudge.verdict(expectation, in: result)
    guard Failure(verdict, result) == failure, let before else {
      throw ShrinkError.unfaithful("\(expectation.metric) was \(request.verdict.rawValue), is \(verdict.kind.rawValue)")
    }
    let heading =
      "# What is left of \(name) by weir shrink: its expectation number \(request.expectation) is not met in the same way "
      + "(\(verdict.kind.rawValue)).\n"
    return ShrinkOutcome(
      text: heading + body, before: before, after: ScenarioSize(result, values: current.size), verdict: verdict,
      runs: runs, isCutShort: isExhausted)
  }

  // MARK: - Trying

  /// The scenario in a tree, if it can be read.
  private func readable(_ root: ConfigurationNode) -> Scenario? {
    let log = FaultLog(file: request.path)
    let reading = ScenarioReading(root: root, path: request.path, overrides: [], log: log)
    let scenario = reading.scenario(seed: nil, replications: nil)
    return log.isEmpty && scenario.expectations.count == 1 ? scenario : nil
  }

  /// Whether a candidate can be read and fails in the same way.
  private func fails(_ root: ConfigurationNode) throws -> Bool {
    guard let scenario = readable(root) else { return false }
    if let answer = known[scenario.digest] { return answer }
    if runs >= request.budget {
      isExhausted = true
      return false
    }
    runs += 1
    report(runs, current.size)
    var isSame = false
    do {
      let result = try run(scenario)
      isSame = Failure(ExpectationJudge.verdict(scenario.expectations[0], in: result), result) == failure
    } catch ExperimentError.failed {
      // An overload without end, say: not what was meant.
    }
    known[scenario.digest] = isSame
    return isSame
  }

  /// Goes on from a candidate if it does as well. Returns whether it does.
  @discardableResult
  private func accept(_ root: ConfigurationNode) throws -> Bool {
    if root == current { return false }
    guard try fails(root) else { return false }
    current = root
    return true
  }

  // MARK: - Passes

  /// Variants that the expectation does not name.
  private func dropVariants() throws {
    guard let variants = current["variants"], let items = variants.items, items.count > 1 else { return }
    let row = current.value(at: ["expect", "0"])
    let needed = [row?["variant"]?.text, row?["ratioTo"]?.text]
    let kept = items.filter { item in needed.contains { $0 != nil && $0 == item["name"]?.text } }
    if kept.isEmpty || kept.count == items.count { return }
    try accept(current.replacing(["variants"], with: ConfigurationNode(.list(kept), origin: variants.origin)))
  }

  /// The only variant becomes what the file says without variants.
  private func foldVariant() throws {
    guard let items = current["variants"]?.items, items.count == 1,
      current.value(at: ["expect", "0", "ratioTo"]) == nil
    else { return }
    let log = FaultLog(file: request.path)
    var tree = ScenarioTree(current.removing([["variants"], ["expect", "0", "variant"]]))
    tree.apply(
      (items[0]["set"]?.entries ?? []).map {
        Assignment(path: $0.key, origin: $0.keyOrigin, value: $0.value)
      }, log: log)
    if log.isEmpty { try accept(MeshDefaults.stripped(tree.root)) }
  }

  /// Fewer replications, and shorter: all times together, then the duration alone.
  private func shortenRun() throws {
    // What the file does not say it means all the same: saying it needs no run.
    try accept(ScenarioNumbers.withReplications(current))
    for count in [1, 5] {
      if try accept(ScenarioNumbers.withoutPrecision(current, replications: count)) { break }
    }
    try lowerCount(at: ["run", "replications"])
    for scale in [ScenarioNumbers.scalingTimes, ScenarioNumbers.scalingDuration] {
      for (numerator, denominator) in [(1, 8), (1, 2), (3, 4)] as [(Int64, Int64)] {
        // Each as often as it goes: what is rounded ends some time.
        while try accept(scale(numerator, denominator, current)) {}
      }
    }
  }

  /// Faults, links, clients and services.
  private func dropThings() throws {
    let root = current
    let things = ScenarioThing.all(in: root)
    _ = try DeltaDebugging.minimal(things) { kept in
      try accept(ScenarioThing.removing(things.filter { !kept.contains($0) }, from: root))
    }
  }

  private func lowerCounts() throws {
    try accept(ScenarioNumbers.lowestReplicas(in: current))
    for path in ScenarioNumbers.counts(in: current) { try lowerCount(at: path) }
  }

  /// The least count that does, by halves: as if more never did worse.
  private func lowerCount(at path: [String]) throws {
    guard var high = ScenarioNumbers.count(at: path, in: current), high > 1 else { return }
    if try accept(ScenarioNumbers.setting(1, at: path, in: current)) { return }
    var low = 1
    // Of large counts the last few per cent are not worth a run each.
    while high - low > max(1, high / 16) && !isExhausted {
      let middle = low + (high - low) / 2
      if try accept(ScenarioNumbers.setting(middle, at: path, in: current)) { high = middle } else { low = middle }
    }
  }

  /// Settings and items of lists, from the top of the file to its leaves.
  private func dropValues() throws {
    var depth = 1
    while true {
      let root = current
      let all = root.paths(depth: depth)
      if all.isEmpty { return }
      let paths = all.filter(Self.mayGo)
      _ = try DeltaDebugging.minimal(paths) { kept in
        let needed = Set(kept)
        return try accept(root.removing(Set(paths.filter { !needed.contains($0) })))
      }
      depth += 1
    }
  }

  /// What makes a scenario larger when it is not said: longer, with more replications.
  private static let lengths = ["duration", "requests", "replications", "maxReplications", "precision", "drain"]

  /// Whether a value may be taken away at all.
  private static func mayGo(_ path: [String]) -> Bool {
    switch path.first {
    case "scenario", "seed", "expect": false
    case "run": path.count > 2 || (path.count == 2 && !lengths.contains(path[1]))
    default: true
    }
  }
}
