// The highest load that still holds an objective.
//
// Each replication is asked by itself: all its clients' rates are multiplied by a factor that is doubled or halved until it is bracketed, then
// bisected on a logarithmic scale. The same random numbers stretch or shrink the same arrivals, so a replication's answer moves with the
// load and not with luck, and variants meet the same traffic (common random numbers). The replications' capacities have a mean with an
// interval, as any figure has.

import MeshCore
import Simulation
import Statistics

/// What a variant bears.
public struct CapacityResult: Sendable, Hashable {
  /// The variant's name.
  public var variant: String
  /// Each replication's highest factor of the scenario's own load that holds.
  public var factors: [Double]
  /// Their mean with its interval.
  public var factor: Estimate?
  /// The scenario's own load, requests per second; nil where it is no constant rate.
  public var load: Double?
  /// Beside the first variant, replication by replication; nil for the first itself.
  public var difference: BaselineDifference?
  /// Replications that held at the highest load tried, or at none: their factors are those bounds.
  public var unbounded: Int
}

/// Looks for capacities.
public struct CapacitySearch: Sendable {
  private let scenario: Scenario
  private let objectives: [Objective]
  private let precision: Double

  /// The highest and the lowest factor that is tried: 2 to the power of this, and its inverse.
  private static let doublings = 12.0

  /// A search in `scenario` for the highest load that holds all `objectives`, to a share `precision` (above 0) of it.
  ///
  /// - Throws: `ArgumentFault` when a client's load is none that a factor changes.
  public init(_ scenario: Scenario, objectives: [Objective], precision: Double) throws(ArgumentFault) {
    for variant in scenario.variants {
      for client in variant.world.clients {
        if case .trace = client.arrivals {
          throw ArgumentFault(
            reason:
              "client \(client.name) replays a trace, whose load is what it was; expected another kind of arrivals")
        }
      }
    }
    self.scenario = scenario
    self.objectives = objectives
    self.precision = precision
  }

  /// One replication's search. Factors are powers of two of `exponent`.
  private struct Bracket {
    var variant: Int
    var number: Int
    var holding: Double?
    var failing: Double?
    var isDone = false

    /// What to try next, as an exponent of two.
    var next: Double {
      switch (holding, failing) {
      case (let holding?, let failing?): (holding + failing) / 2
      case (let holding?, nil): holding + 1
      case (nil, let failing?): failing - 1
      case (nil, nil): 0
      }
    }
  }

  /// Searches in all variants.
  /// - Throws: `ExperimentError`.
  public func run(
    on runner: ExperimentRunner, isInterrupted: () -> Bool = { false },
    report: (ExperimentProgress) -> Void = { _ in }
  ) throws -> [CapacityResult] {
    var brackets = scenario.variants.indices.flatMap { variant in
      (0..<scenario.replications).map { Bracket(variant: variant, number: $0) }
    }
    // The width of a bracket that is narrow enough, as an exponent of two.
    let width = RatioScale.logarithm(1 + precision) / RatioScale.logarithm(2)
    while true {
      let open = brackets.indices.filter { !brackets[$0].isDone }
      if open.isEmpty { break }
      let tasks = open.map { task(brackets[$0]) }
      let variants = open.map { brackets[$0].variant }
      let holds = try runner.run(tasks, isInterrupted: isInterrupted, report: report) { place, result in
        self.holds(result, variant: variants[place])
      }
      for (place, isHeld) in zip(open, holds) {
        let exponent = brackets[place].next
        if isHeld { brackets[place].holding = exponent } else { brackets[place].failing = exponent }
        let (holding, failing) = (brackets[place].holding, brackets[place].failing)
        if let holding, let failing {
          brackets[place].isDone = failing - holding <= width
        } else {
          brackets[place].isDone = abs(exponent) >= Self.doublings
        }
      }
    }
    return results(brackets)
  }

  private func holds(_ result: ReplicationResult, variant: Int) -> Bool {
    objectives.allSatisfy { $0.holds(for: $0.metric.value(in: result, of: scenario.variants[variant])) }
  }

  private func task(_ bracket: Bracket) -> ReplicationTask {
    var variant = scenario.variants[bracket.variant]
    let factor = RatioScale.exponential(bracket.next * RatioScale.logarithm(2))
    for client in variant.world.clients.indices {
      variant.world.clients[client].arrivals = variant.world.clients[client].arrivals.multiplied(by: factor)
    }
    return ReplicationTask(variant, seed: scenario.seed, number: bracket.number)
  }

  private func results(_ brackets: [Bracket]) -> [CapacityResult] {
    var results: [CapacityResult] = []
    for (place, variant) in scenario.variants.enumerated() {
      let own = brackets.filter { $0.variant == place }
      let factors = own.map {
        RatioScale.exponential(($0.holding ?? -Self.doublings) * RatioScale.logarithm(2))
      }
      results.append(
        CapacityResult(
          variant: variant.name, factors: factors, factor: Estimate(of: factors, confidence: scenario.confidence),
          load: variant.world.constantLoad,
          difference: results.first.flatMap {
            BaselineDifference(factors, to: $0.factors, confidence: scenario.confidence)
          },
          unbounded: own.count { $0.holding == nil || $0.failing == nil }))
    }
    return results
  }
}

extension ArrivalDescription {
  /// So many times the load; users are whole, at least one.
  func multiplied(by factor: Double) -> ArrivalDescription {
    func points(_ points: [RatePoint]) -> [RatePoint] {
      points.map { point in
        var point = point
        point.rate *= factor
        return point
      }
    }
    return switch self {
    case .poisson(let rate): .poisson(rate: rate * factor)
    case .constant(let rate): .constant(rate: rate * factor)
    case .steps(let rates, let even): .steps(points(rates), even: even)
    case .ramp(let rates, let even): .ramp(points(rates), even: even)
    case .bursts(let low, let high, let meanLow, let meanHigh, let even):
      .bursts(low: low * factor, high: high * factor, meanLow: meanLow, meanHigh: meanHigh, even: even)
    case .closed(let users, let think, let requests):
      .closed(users: max(1, Int((Double(users) * factor).rounded())), think: think, requests: requests)
    case .trace: self
    }
  }
}

extension WorldDescription {
  /// All clients' requests per second, where each has one rate; nil otherwise.
  var constantLoad: Double? {
    var sum = 0.0
    for client in clients {
      switch client.arrivals {
      case .poisson(let rate), .constant(let rate): sum += rate
      default: return nil
      }
    }
    return sum
  }
}
