// The bridge between the two worlds: what a simulation foretold and what real sockets did, side by side, and whether that is close
// enough.

import MeshCore
import Simulation
import Statistics

/// How far a measured figure may be from the simulated one: |measured − simulated| ≤ relative · simulated + absolute.
public struct Tolerance: Sendable, Hashable {
  /// A share of what was simulated.
  public var relative: Double
  /// In the metric's own unit: nanoseconds, or a fraction.
  public var absolute: Double

  /// A tolerance.
  public init(relative: Double = 0, absolute: Double = 0) {
    self.relative = relative
    self.absolute = absolute
  }

  /// Whether `measured` is close enough to `simulated`.
  public func admits(_ measured: Double, simulated: Double) -> Bool {
    (measured - simulated).magnitude <= relative * simulated.magnitude + absolute
  }

  /// What holds for `metric` where a scenario says nothing: 5 % of a latency, 10 % and 1 ms of its tail, half a point of the success
  /// rate, two points of a share.
  public static func standard(_ metric: Metric) -> Tolerance {
    switch metric {
    case .summary(.latencyP95), .summary(.latencyP99), .summary(.latencyP999), .summary(.latencyMaximum):
      Tolerance(relative: 0.1, absolute: 1e6)
    case .summary(.successRate): Tolerance(absolute: 0.005)
    case .share: Tolerance(absolute: 0.02)
    default: Tolerance(relative: 0.05)
    }
  }

  /// A tolerance for somebody else's proxy: of latencies at least 15 %, for what its rules leave open.
  var foreign: Tolerance { relative == 0 ? self : Tolerance(relative: max(relative, 0.15), absolute: absolute) }

  /// The tolerance of `metric` when a scenario says `given`: of latencies a share, on top of the millisecond that tails have; of success
  /// rate and shares the points themselves; of times `span`, if there is one, in place of all that.
  public static func stated(_ given: Double, span: TimeSpan? = nil, for metric: Metric) -> Tolerance {
    if let span { return Tolerance(absolute: Double(span.nanoseconds)) }
    if metric.unit == .fraction { return Tolerance(absolute: given) }
    return Tolerance(relative: given, absolute: standard(metric).absolute)
  }
}

/// What became of a comparison.
public enum ValidationVerdict: String, Sendable, Hashable {
  /// Both worlds agree within the tolerance.
  case holds
  /// They do not.
  case fails
  /// No run was fit to be compared.
  case void
}

/// A figure in both worlds.
public struct ValidationRow: Sendable, Hashable {
  /// The variant's name.
  public var variant: String
  /// The figure.
  public var metric: Metric
  /// The lab's, over as many replications as there were real runs; nil where there was nothing to measure.
  public var simulated: Estimate?
  /// The median of the real runs that count, or of all when none does; nil where there was nothing to measure.
  public var measured: Double?
  /// How far they may be apart.
  public var tolerance: Tolerance
  /// How many real runs count.
  public var runs: Int

  /// A row.
  public init(
    variant: String, metric: Metric, simulated: Estimate?, measured: Double?, tolerance: Tolerance, runs: Int
  ) {
    self.variant = variant
    self.metric = metric
    self.simulated = simulated
    self.measured = measured
    self.tolerance = tolerance
    self.runs = runs
  }

  /// Measured over simulated; nil where one of them is missing, or the latter 0.
  public var ratio: Double? {
    guard let measured, let simulated, simulated.mean != 0 else { return nil }
    return measured / simulated.mean
  }

  /// Whether they agree.
  public var verdict: ValidationVerdict {
    if runs == 0 { return .void }
    guard let measured, let simulated else { return .fails }
    return tolerance.admits(measured, simulated: simulated.mean) ? .holds : .fails
  }
}

/// A variant's latencies in both worlds.
public struct LatencyOverlay: Sendable {
  /// The variant's name.
  public var variant: String
  /// The lab's, all replications together.
  public var simulated: LatencyHistogram
  /// Those of all real runs that count, or of all when none does.
  public var measured: LatencyHistogram

  /// Two distributions.
  public init(variant: String, simulated: LatencyHistogram, measured: LatencyHistogram) {
    self.variant = variant
    self.simulated = simulated
    self.measured = measured
  }
}

/// A scenario in both worlds.
public struct Validation: Sendable {
  /// The scenario's name.
  public var scenario: String
  /// The proxy that ran.
  public var proxy: String
  /// The figures, variant by variant.
  public var rows: [ValidationRow]
  /// Latencies, variant by variant.
  public var overlays: [LatencyOverlay]
  /// The median cost of a hop that was added to the simulated side, nanoseconds.
  public var hopCost: Double
  /// What a reader of the figures has to know: runs that do not count, and why.
  public var notes: [String]

  /// A comparison.
  public init(
    scenario: String, proxy: String, rows: [ValidationRow], overlays: [LatencyOverlay] = [], hopCost: Double,
    notes: [String]
  ) {
    self.overlays = overlays
    self.scenario = scenario
    self.proxy = proxy
    self.rows = rows
    self.hopCost = hopCost
    self.notes = notes
  }

  /// Whether all figures agree.
  public var holds: Bool { rows.allSatisfy { $0.verdict == .holds } }
}

extension Scenario {
  /// What is compared of `variant`, in order: the usual figures, then what the scenario names besides, each with its tolerance; a wider
  /// one of latencies where somebody else's proxy runs.
  public func validated(_ variant: Variant, isForeign: Bool = false) -> [(metric: Metric, tolerance: Tolerance)] {
    let target = variant.targetService
    let endpoints = variant.world.services.first { $0.name == target }?.replicas.map(\.name) ?? []
    var metrics: [Metric] = [.summary(.latencyP50), .summary(.latencyP99), .summary(.successRate)]
    metrics += endpoints.map { .share(endpoint: $0) }
    for given in tolerances {
      if let metric = Metric(named: given.name), !metrics.contains(metric) { metrics.append(metric) }
    }
    return metrics.map { metric in
      let given = tolerances.first { Metric(named: $0.name) == metric }
      let own = given.map { Tolerance.stated($0.value, span: $0.span, for: metric) } ?? .standard(metric)
      return (metric, isForeign ? own.foreign : own)
    }
  }
}
