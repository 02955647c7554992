// Looks for good settings within a budget of runs.
//
// Candidates are spread evenly over the ranges (Sobol), meet the same replications (common random numbers) and race: whoever is shown to
// be worse than the best by a paired test leaves, and the runs saved go to those still in doubt (Maron and Moore, Hoeffding races, 1994;
// Birattari and others, A racing algorithm for configuring metaheuristics, 2002). Each round looks closer around the best of the last.
// The winner was chosen by its luck as well as by its merit, so its figures are taken anew at the end, on replications that no race has
// seen, beside the file's own setting.

import MeshConfiguration
import Simulation
import Statistics

/// A setting of all tuned paths, and what it came to.
public struct TunedSetting: Sendable, Hashable {
  /// The value of each path, as written.
  public var values: [String]
  /// The figure in each replication that the race gave it.
  public var figures: [Double]
}

/// What came of a search.
public struct TuningResult: Sendable {
  /// The best setting.
  public var best: TunedSetting
  /// The settings of the last round that could not be told from it, with fewer figures or as many.
  public var rivals: [TunedSetting]
  /// The best on fresh replications.
  public var estimate: Estimate?
  /// The file's own setting on the same.
  public var ownEstimate: Estimate?
  /// The best beside the file's own setting, on the same.
  public var difference: BaselineDifference?
  /// Runs made in all.
  public var runs: Int
  /// How many settings were looked at.
  public var settings: Int
}

/// Why a search cannot go on.
public enum TuningError: Error, Sendable {
  /// A setting of these ranges is none that the scenario can have.
  case setting(Diagnostics)
  /// The figure has no value: nothing to go by.
  case noFigure(String)
}

/// Looks for settings.
public struct Tuning: Sendable {
  /// The scenario's file.
  public var file: String
  /// `--set` of the command line, before the tuned paths.
  public var overrides: [String]
  /// What is to become small, or large.
  public var metric: Metric
  /// Whether larger is better.
  public var wantsMost: Bool
  /// What may be changed.
  public var paths: [TunedPath]
  /// The variant that is tuned; the first when nil.
  public var variant: String?
  /// How many runs may be made, the last ones on fresh replications among them.
  public var budget: Int
  /// In place of the file's seed.
  public var seed: UInt64?

  /// How many replications a setting is judged by at the end.
  public static let confirmations = 10
  private static let rounds = 3
  /// How many replications a setting has before it can leave.
  private static let least = 3
  /// Where the replications of the end begin: no race has so many.
  private static let fresh = 1_000_000
  /// Each round's ranges are so much of the last one's.
  private static let narrowing = 0.35

  /// A search.
  public init(
    file: String, overrides: [String], metric: Metric, wantsMost: Bool, paths: [TunedPath], variant: String? = nil,
    budget: Int, seed: UInt64? = nil
  ) {
    self.file = file
    self.overrides = overrides
    self.metric = metric
    self.wantsMost = wantsMost
    self.paths = paths
    self.variant = variant
    self.budget = budget
    self.seed = seed
  }

  /// A setting in the race.
  private struct Candidate {
    var place: [Double]
    var values: [String]
    var scenario: Scenario
    var variant: Variant
    var figures: [Double] = []
    var mean: Double { figures.reduce(0, +) / Double(max(1, figures.count)) }
  }

  /// What a search has used up.
  private struct Ledger {
    var runs = 0
    var settings = 0
  }

  /// Searches.
  /// - Throws: `TuningError`, `ExperimentError`.
  public func run(
    on runner: ExperimentRunner, isInterrupted: () -> Bool = { false },
    report: (ExperimentProgress) -> Void = { _ in }
  ) throws -> TuningResult {
    var ledger = Ledger()
    let search = max(Self.rounds, budget - 2 * Self.confirmations)
    var low = paths.map { _ in 0.0 }
    var high = paths.map { _ in 1.0 }
    var field: [Candidate] = []
    for round in 0..<Self.rounds {
      let limit = search * (round + 1) / Self.rounds
      let count = max(3, (limit - ledger.runs) / 5)
      field += try spread(count, low, high, besides: field, &ledger)
      field = try race(field, until: limit, &ledger, runner, isInterrupted, report)
      let best = field[0].place
      for dimension in paths.indices {
        let half = (high[dimension] - low[dimension]) * Self.narrowing / 2
        low[dimension] = max(0, best[dimension] - half)
        high[dimension] = min(1, best[dimension] + half)
      }
    }
    return try confirmed(field, &ledger, runner, isInterrupted, report)
  }

  // MARK: - Candidates

  private func candidate(_ place: [Double]) throws -> Candidate {
    let values = zip(paths, place).map { $0.text(at: $1) }
    let (scenario, variant) = try read(zip(paths, values).map { "\($0.path)=\($1)" })
    return Candidate(place: place, values: values, scenario: scenario, variant: variant)
  }

  private func read(_ settings: [String]) throws -> (Scenario, Variant) {
    switch ScenarioReader.read(path: file, overrides: overrides + settings, seed: seed) {
    case .failure(let diagnostics): throw TuningError.setting(diagnostics)
    case .success(let scenario):
      guard let chosen = scenario.variants.first(where: { $0.name == variant ?? $0.name }) else {
        throw TuningError.noFigure("no variant is called '\(variant ?? "")'")
      }
      return (scenario, chosen)
    }
  }

  /// Evenly spread settings within a box, without those that are there already: whole numbers are few.
  private func spread(
    _ count: Int, _ low: [Double], _ high: [Double], besides known: [Candidate], _ ledger: inout Ledger
  ) throws -> [Candidate] {
    guard var points = LowDiscrepancy(dimensions: paths.count) else { return [] }
    var new: [Candidate] = []
    for _ in 0..<(4 * count) where new.count < count {
      let point = points.next()
      let place = paths.indices.map { low[$0] + point[$0] * (high[$0] - low[$0]) }
      let values = zip(paths, place).map { $0.text(at: $1) }
      if (known + new).contains(where: { $0.values == values }) { continue }
      new.append(try candidate(place))
    }
    ledger.settings += new.count
    return new
  }

  // MARK: - The race

  /// Those that are left when `limit` runs have been made, the best first.
  private func race(
    _ field: [Candidate], until limit: Int, _ ledger: inout Ledger, _ runner: ExperimentRunner,
    _ isInterrupted: () -> Bool, _ report: (ExperimentProgress) -> Void
  ) throws -> [Candidate] {
    var field = field
    // Newcomers catch up first, so that all are compared over the same replications.
    var target = max(Self.least, field.map(\.figures.count).max() ?? 0)
    while true {
      let missing = field.reduce(0) { $0 + target - $1.figures.count }
      if ledger.runs + missing > limit && field.contains(where: { $0.figures.count >= Self.least }) {
        // What is left does not reach all: those that have been compared stay.
        let most = field.map(\.figures.count).max() ?? 0
        field.removeAll { $0.figures.count < min(most, Self.least) }
        break
      }
      try extend(&field, to: target, &ledger, runner, isInterrupted, report)
      field = survivors(field)
      if field.count == 1 && target >= Self.least { break }
      target += 1
    }
    return sorted(field)
  }

  private func extend(
    _ field: inout [Candidate], to target: Int, _ ledger: inout Ledger, _ runner: ExperimentRunner,
    _ isInterrupted: () -> Bool, _ report: (ExperimentProgress) -> Void
  ) throws {
    let owners = field.indices.flatMap { place in (field[place].figures.count..<target).map { (place, $0) } }
    let tasks = owners.map { place, number in
      ReplicationTask(field[place].variant, seed: field[place].scenario.seed, number: number)
    }
    let variants = owners.map { field[$0.0].variant }
    let metric = metric
    let figures = try runner.run(tasks, isInterrupted: isInterrupted, report: report) { place, result in
      metric.value(in: result, of: variants[place])
    }
    ledger.runs += tasks.count
    for ((place, _), figure) in zip(owners, figures) {
      guard let figure else {
        throw TuningError.noFigure("\(metric.name) has no value with \(field[place].values.joined(separator: ", "))")
      }
      field[place].figures.append(figure)
    }
  }

  private func sorted(_ field: [Candidate]) -> [Candidate] {
    field.enumerated().sorted { left, right in
      let (first, second) = (left.element.mean, right.element.mean)
      return first == second ? left.offset < right.offset : wantsMost ? first > second : first < second
    }.map(\.element)
  }

  /// The best, and whoever is not shown to be worse.
  private func survivors(_ field: [Candidate]) -> [Candidate] {
    let ranked = sorted(field)
    let rivals = ranked.dropFirst()
    let tests = rivals.map { rival in
      PairedDifference(
        of: rival.figures, over: Array(ranked[0].figures.prefix(rival.figures.count)), confidence: 0.95)?.pValue ?? 1
    }
    let adjusted = HolmCorrection.adjusted(tests)
    return [ranked[0]] + zip(rivals, adjusted).filter { $0.1 >= 0.05 }.map(\.0)
  }

  // MARK: - The end

  private func confirmed(
    _ field: [Candidate], _ ledger: inout Ledger, _ runner: ExperimentRunner, _ isInterrupted: () -> Bool,
    _ report: (ExperimentProgress) -> Void
  ) throws -> TuningResult {
    let best = field[0]
    let (own, ownVariant) = try read([])
    let numbers = Self.fresh..<(Self.fresh + Self.confirmations)
    let variants = numbers.map { _ in best.variant } + numbers.map { _ in ownVariant }
    let tasks = zip(variants, Array(numbers) + Array(numbers)).map { ReplicationTask($0, seed: own.seed, number: $1) }
    let metric = metric
    let figures = try runner.run(tasks, isInterrupted: isInterrupted, report: report) { place, result in
      metric.value(in: result, of: variants[place])
    }
    ledger.runs += tasks.count
    let (ours, theirs) = (Array(figures.prefix(numbers.count)), Array(figures.suffix(numbers.count)))
    return TuningResult(
      best: TunedSetting(values: best.values, figures: best.figures),
      rivals: field.dropFirst().map { TunedSetting(values: $0.values, figures: $0.figures) },
      estimate: Estimate(of: ours.compactMap { $0 }, confidence: own.confidence),
      ownEstimate: Estimate(of: theirs.compactMap { $0 }, confidence: own.confidence),
      difference: BaselineDifference(ours, to: theirs, confidence: own.confidence), runs: ledger.runs,
      settings: ledger.settings)
  }
}
