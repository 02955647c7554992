// A scenario's grid: every combination of the values of `sweep`, each a scenario of its own, and the replications they come to.
//
// Units are numbered in the order of the result file's rows: cells with the last path turning fastest, then variants, then replications.
// Whoever runs which unit, here or on another machine, the rows are put in that order.

import MeshConfiguration
import MeshCore
import Simulation

/// One combination of a grid's values.
public struct SweepCell: Sendable {
  /// The value of each path, as YAML.
  public var values: [String]
  /// The scenario with these values.
  public var scenario: Scenario
}

/// One replication of one variant of one cell.
public struct SweepUnit: Sendable, Hashable {
  /// The cell's place.
  public var cell: Int
  /// The variant's place in the cell's scenario.
  public var variant: Int
  /// The replication's number, from 0.
  public var replication: Int
}

/// A grid.
public struct Sweep: Sendable {
  /// The scenario's name.
  public var name: String
  /// The swept paths, in file order.
  public var paths: [String]
  /// The cells, the last path turning fastest.
  public var cells: [SweepCell]
  /// What is to be run, in the order of the result's rows.
  public let units: [SweepUnit]
  /// A digest of everything that affects results, cell by cell.
  public let digest: UInt64

  init(name: String, paths: [String], cells: [SweepCell]) {
    self.name = name
    self.paths = paths
    self.cells = cells
    units = cells.enumerated().flatMap { place, cell in
      cell.scenario.variants.indices.flatMap { variant in
        (0..<cell.scenario.replications).map { SweepUnit(cell: place, variant: variant, replication: $0) }
      }
    }
    var digest = ContentDigest()
    for path in paths { digest.add(path) }
    for cell in cells {
      for value in cell.values { digest.add(value) }
      digest.add(String(cell.scenario.digest))
    }
    self.digest = digest.value
  }

  /// The variant that a unit runs.
  public func variant(of unit: SweepUnit) -> Variant { cells[unit.cell].scenario.variants[unit.variant] }

  /// The unit as a task.
  public func task(of unit: SweepUnit) -> ReplicationTask {
    ReplicationTask(variant(of: unit), seed: cells[unit.cell].scenario.seed, number: unit.replication)
  }

  /// The places of the units of shard `number` (from 1) of `count`. They are dealt out like cards, so that shards take equally long.
  public func places(ofShard number: Int, of count: Int) -> [Int] {
    Array(stride(from: number - 1, to: units.count, by: max(1, count)))
  }
}

extension ScenarioReader {
  /// The most cells of a grid.
  public static let cellLimit = 100_000

  /// The grid of the scenario in the file at `path`, or everything that is wrong with it. `overrides` are set before the cell's values.
  public static func sweep(
    path: String, overrides: [String] = [], seed: UInt64? = nil, replications: Int? = nil
  ) -> Result<Sweep, Diagnostics> {
    let log = FaultLog(file: path)
    guard let root = root(path: path, log: log) else { return failure(log) }
    let base = ScenarioReading(root: root, path: path, overrides: overrides, log: log)
    let scenario = base.scenario(seed: seed, replications: replications)
    if let diagnostics = log.diagnostics { return .failure(diagnostics) }
    if let fault = fault(of: scenario) {
      log.add(root["sweep"]?.origin ?? root.origin, fault.path, fault.reason)
      return failure(log)
    }
    var cells: [SweepCell] = []
    for place in 0..<scenario.sweep.reduce(1, { $0 * $1.values.count }) {
      var rest = place
      var choice = Array(repeating: 0, count: scenario.sweep.count)
      for axis in scenario.sweep.indices.reversed() {
        choice[axis] = rest % scenario.sweep[axis].values.count
        rest /= scenario.sweep[axis].values.count
      }
      let reading = ScenarioReading(root: root, path: path, overrides: overrides, cell: choice, log: log)
      let values = zip(scenario.sweep, choice).map { $0.values[$1] }
      cells.append(
        SweepCell(values: values, scenario: reading.scenario(seed: seed, replications: replications)))
      // What is wrong with one cell is likely to be wrong with all.
      if let diagnostics = log.diagnostics { return .failure(diagnostics) }
    }
    return .success(Sweep(name: scenario.name, paths: scenario.sweep.map(\.path), cells: cells))
  }

  private static func fault(of scenario: Scenario) -> (path: String, reason: String)? {
    if scenario.sweep.isEmpty {
      return (
        "sweep", "missing; expected paths and their values, such as {mesh.clusters.web.balancer: [random, roundRobin]}"
      )
    }
    var count = 1
    for axis in scenario.sweep {
      count = min(count * axis.values.count, cellLimit + 1)
    }
    if count > cellLimit { return ("sweep", "more than \(cellLimit) cells; expected fewer") }
    if scenario.precision != nil {
      return (
        "run.replications", "auto is decided while it runs; a sweep needs a number, in the file or by --replications"
      )
    }
    if scenario.findsWarmUp {
      return ("run.warmUp", "auto is found by a run; a sweep needs a duration")
    }
    return nil
  }
}
