// What an experiment has found, before anybody compares or writes it.

import Simulation

/// All replications of one variant.
public struct VariantResult: Sendable {
  /// The variant.
  public var variant: Variant
  /// Its replications, by number.
  public var replications: [ReplicationResult]

  /// A variant's results.
  public init(variant: Variant, replications: [ReplicationResult]) {
    self.variant = variant
    self.replications = replications
  }

  /// `metric` in each replication, nil where there was nothing to measure.
  public func values(of metric: Metric) -> [Double?] { replications.map { metric.value(in: $0, of: variant) } }

  /// The latencies of all replications together.
  public var pooledLatency: LatencyHistogram {
    guard var pooled = replications.first?.latency else { return LatencyHistogram() }
    for replication in replications.dropFirst() { pooled.add(replication.latency) }
    return pooled
  }
}

/// A note of one or more replications of a variant.
public struct ResultNote: Sendable, Hashable {
  /// The variant's name.
  public var variant: String
  /// The note.
  public var text: String
  /// In how many replications.
  public var replications: Int

  /// A note.
  public init(variant: String, text: String, replications: Int) {
    self.variant = variant
    self.text = text
    self.replications = replications
  }
}

/// A scenario and what came of it.
public struct ExperimentResult: Sendable {
  /// The scenario.
  public var scenario: Scenario
  /// Its variants' results, the baseline first.
  public var variants: [VariantResult]

  /// An experiment's results.
  public init(scenario: Scenario, variants: [VariantResult]) {
    self.scenario = scenario
    self.variants = variants
  }

  /// The result of the variant called `name`.
  public func variant(named name: String) -> VariantResult? { variants.first { $0.variant.name == name } }

  /// What readers of the figures have to know, variant by variant, equal notes told once.
  public var notes: [ResultNote] {
    var notes: [ResultNote] = []
    for result in variants {
      let name = result.variant.name
      for text in result.replications.flatMap(\.notes) {
        if let known = notes.firstIndex(where: { $0.variant == name && $0.text == text }) {
          notes[known].replications += 1
        } else {
          notes.append(ResultNote(variant: name, text: text, replications: 1))
        }
      }
    }
    return notes
  }
}
