// A scenario as read and checked: everything an experiment needs, nothing optional by doubt.

import MeshCore
import Simulation

/// A scenario with its variants resolved.
public struct Scenario: Sendable {
  /// Its name: letters, digits, '-'.
  public var name: String
  /// What it shows, in a sentence.
  public var about: String
  /// The seed of all its streams.
  public var seed: UInt64
  /// How many replications; with a `precision` how many at first, and in a result how many there were.
  public var replications: Int
  /// What decides how many more there are; nil where their number is given.
  public var precision: PrecisionGoal?
  /// Whether the warm-up is found before the runs that count.
  public var findsWarmUp = false
  /// The level of its intervals, 0…1.
  public var confidence: Double
  /// What is compared, the baseline first.
  public var variants: [Variant]
  /// What is expected.
  public var expectations: [Expectation]
  /// A 64-bit digest of everything that affects results (the file after `set`, the files it names).
  public var digest: UInt64
  /// What a reader of its figures has to know, one line each: defaults of a profile that the lab does not act on yet.
  public var notes: [String]
  /// The grid of `weir sweep`.
  public var sweep: [SweepAxis]
  /// How close real sockets have to come, by metric, in the order of the file: a share of a latency, points of a rate or share.
  public var tolerances: [MetricTolerance]

  /// A scenario.
  public init(
    name: String, about: String, seed: UInt64, replications: Int, confidence: Double, variants: [Variant],
    expectations: [Expectation], digest: UInt64, notes: [String] = [], sweep: [SweepAxis] = [],
    tolerances: [MetricTolerance] = []
  ) {
    self.name = name
    self.about = about
    self.seed = seed
    self.replications = replications
    self.confidence = confidence
    self.variants = variants
    self.expectations = expectations
    self.digest = digest
    self.notes = notes
    self.sweep = sweep
    self.tolerances = tolerances
  }
}

/// How far a metric may be off between simulation and reality.
public struct MetricTolerance: Sendable, Hashable {
  /// The metric's name.
  public var name: String
  /// From 0, as written; 0 where a span is given.
  public var value: Double
  /// In place of a share: how far a time may be off.
  public var span: TimeSpan?

  /// A tolerance.
  public init(name: String, value: Double, span: TimeSpan? = nil) {
    self.name = name
    self.value = value
    self.span = span
  }
}

/// A path and the values it takes in a sweep.
public struct SweepAxis: Sendable, Hashable {
  /// The dotted path.
  public var path: String
  /// The values, as YAML.
  public var values: [String]

  /// An axis of the grid.
  public init(path: String, values: [String]) {
    self.path = path
    self.values = values
  }
}

/// One way the scenario is set up.
public struct Variant: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// What is out there.
  public var world: WorldDescription
  /// What is deployed.
  public var mesh: MeshDescription
  /// How long it runs.
  public var run: RunDescription

  /// A variant.
  public init(name: String, world: WorldDescription, mesh: MeshDescription, run: RunDescription) {
    self.name = name
    self.world = world
    self.mesh = mesh
    self.run = run
  }
}

/// What a metric's value is measured in.
public enum MetricUnit: Sendable, Hashable {
  /// A latency, in nanoseconds inside and milliseconds in files.
  case time
  /// A fraction from 0 to 1.
  case fraction
  /// A plain number, or a rate per second.
  case number
}

/// A bound of an expectation.
public enum ExpectationBound: Sendable, Hashable {
  /// At most.
  case maximum(Double)
  /// At least.
  case minimum(Double)
  /// |value − target| ≤ within · target.
  case equals(target: Double, within: Double)
}

/// A figure that has to be as expected.
public struct Expectation: Sendable, Hashable {
  /// The metric's name (`latency.p99`, `share.web-3`).
  public var metric: String
  /// The variant's name.
  public var variant: String
  /// When given, the figure is the ratio to this variant's.
  public var ratioTo: String?
  /// The bound. Latencies are nanoseconds, and plain ratios with `ratioTo`.
  public var bound: ExpectationBound
  /// The bound as written, for tables.
  public var text: String

  /// An expectation.
  public init(metric: String, variant: String, ratioTo: String?, bound: ExpectationBound, text: String) {
    self.metric = metric
    self.variant = variant
    self.ratioTo = ratioTo
    self.bound = bound
    self.text = text
  }
}
