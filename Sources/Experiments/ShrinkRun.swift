// Makes a scenario small whose expectation does not hold, as long as it still does not hold in the same way.
//
// Passes, the ones that save most first: unneeded variants, shorter runs, whole things (`ScenarioThing`), counts, then every
// value of the file level by level (hierarchical delta debugging: Misherghi and Su, ICSE 2006), again and again until a round
// changes nothing. A candidate that cannot be read costs nothing, one that means what another meant is not run again; the
// others cost a run, of which there is a budget. No chance, no clock: the same file gives the same small one.

import MeshConfiguration
import Simulation

/// What is to be made small.
public struct ShrinkRequest: Sendable {
  /// The scenario's file.
  public var path: String
  /// Where the small one will stand: files that it names are named from there.
  public var output: String
  /// The folder that both, if not absolute, are seen from.
  public var workingFolder: String
  /// Which expectation, counted from 1 in the order of the file.
  public var expectation: Int
  /// What has to become of it: `fails` or `notEnoughData`.
  public var verdict: VerdictKind
  /// How many experiments may be run.
  public var budget: Int
  /// `PATH=VALUE`, in the order of the command line; they become part of the small scenario.
  public var overrides: [String] = []
  /// In place of the file's.
  public var seed: UInt64?
  /// In place of the file's.
  public var replications: Int?

  /// A request.
  public init(
    path: String, output: String, workingFolder: String, expectation: Int, verdict: VerdictKind = .fails,
    budget: Int = 200
  ) {
    self.path = path
    self.output = output
    self.workingFolder = workingFolder
    self.expectation = expectation
    self.verdict = verdict
    self.budget = budget
  }
}

/// Why nothing was made small.
public enum ShrinkError: Error, Sendable, CustomStringConvertible {
  /// The file has so many expectations, and not the one that was meant.
  case noExpectation(number: Int, count: Int)
  /// The expectation is met, or something else is wrong with it than was meant.
  case otherVerdict(Verdict, wanted: VerdictKind)
  /// What came out is not what went in: a fault of Weir's own.
  case unfaithful(String)

  public var description: String {
    switch self {
    case .noExpectation(let number, let count):
      count == 0
        ? "expect: missing; expected an expectation that does not hold"
        : "expect: there is no number \(number); expected one from 1 to \(count), as weir check lists them"
    case .otherVerdict(let verdict, let wanted):
      "expect: \(verdict.expectation.metric) of \(verdict.expectation.variant), \(verdict.expectation.text): "
        + (verdict.kind == .holds ? "it holds" : "its verdict is \(verdict.kind.rawValue)")
        + "; expected one whose verdict is \(wanted.rawValue)"
    case .unfaithful(let reason):
      "what has come out is not what went in (a fault of Weir's own, please report it): \(reason)"
    }
  }
}

/// How large a scenario is.
public struct ScenarioSize: Sendable, Hashable {
  /// Of its first variant.
  public var services, replicas, clients, links, faults: Int
  /// Its variants.
  public var variants: Int
  /// Replications of each.
  public var replications: Int
  /// Simulated seconds of the first replication.
  public var seconds: Double
  /// Events of all replications.
  public var events: UInt64
  /// Values in its file.
  public var values: Int

  /// The size of the scenario behind `result`, whose file has so many values.
  init(_ result: ExperimentResult, values: Int) {
    let world = result.variants.first?.variant.world
    services = world?.services.count ?? 0
    replicas = world?.services.reduce(0) { $0 + $1.replicas.count } ?? 0
    clients = world?.clients.count ?? 0
    links = world?.links.count ?? 0
    faults = world?.faults.count ?? 0
    variants = result.variants.count
    replications = result.scenario.replications
    seconds = result.variants.first?.replications.first?.simulated.seconds ?? 0
    events = result.variants.flatMap(\.replications).reduce(0) { $0 &+ $1.eventCount }
    self.values = values
  }
}

/// A scenario made small.
public struct ShrinkOutcome: Sendable {
  /// It, as YAML.
  public var text: String
  /// How large it was.
  public var before: ScenarioSize
  /// How large it is.
  public var after: ScenarioSize
  /// What becomes of its expectation.
  public var verdict: Verdict
  /// How many experiments were run.
  public var runs: Int
  /// Whether the budget was spent before nothing more could be taken away.
  public var isCutShort: Bool
}

extension ShrinkRequest {
  /// Makes the scenario small.
  ///
  /// - Parameters:
  ///   - run: Runs an experiment.
  ///   - report: Told before each run how many there were, and how many values the smallest file so far has.
  /// - Throws: `Diagnostics` when the file cannot be read; `ShrinkError`; `ExperimentError`.
  public func shrink(
    run: @escaping (Scenario) throws -> ExperimentResult, report: @escaping (Int, Int) -> Void = { _, _ in }
  ) throws -> ShrinkOutcome {
    let (root, name) = try original()
    let search = ShrinkSearch(root, self, run: run, report: report)
    try search.begin()
    try search.search()
    return try search.outcome(name: name)
  }

  /// The tree to begin with, which has the one expectation alone, and the scenario's name.
  private func original() throws -> (root: ConfigurationNode, name: String) {
    let log = FaultLog(file: path)
    guard var root = ScenarioReader.root(path: path, log: log) else { throw Diagnostics(log) }
    var tree = ScenarioTree(root)
    tree.apply(
      overrides.enumerated().compactMap { Assignment.parse($1, flag: "--set", number: $0 + 1, log: log) }, log: log)
    if !overrides.isEmpty { root = MeshDefaults.stripped(tree.root) }
    if let seed { root["seed"] = .word(String(seed), root.origin) }
    if let replications {
      var run = root["run"] ?? .emptyMap(root.origin)
      run["replications"] = .word(String(replications), root.origin)
      root["run"] = run
    }
    // Whatever is wrong with the file is told as for any other command.
    let reading = ScenarioReading(root: root, path: path, overrides: [], log: log)
    let scenario = reading.scenario(seed: nil, replications: nil)
    if !log.isEmpty { throw Diagnostics(log) }
    let rows = root["expect"]?.items ?? []
    guard rows.indices.contains(expectation - 1) else {
      throw ShrinkError.noExpectation(number: expectation, count: rows.count)
    }
    root["expect"] = ConfigurationNode(.list([rows[expectation - 1]]), origin: root.origin)
    for part in ["sweep", "validate"] { root[part] = nil }
    // Results of its own, beside those of the large one.
    let name = scenario.name + "-shrunk"
    if TextRule.scenarioName.holds(for: name) { root["scenario"] = .word(name, root.origin) }
    return (root, scenario.name)
  }
}

extension Diagnostics {
  /// All that `log` has.
  fileprivate init(_ log: FaultLog) { self = log.diagnostics ?? Diagnostics(faults: []) }
}
