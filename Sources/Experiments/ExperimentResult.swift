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

/// A note of the scenario, or of one or more replications of a variant.
public struct ResultNote: Sendable, Hashable {
  /// The variant's name; nil when it is said of the scenario.
  public var variant: String?
  /// The note, as the first replication that has it says it.
  public var text: String
  /// In how many replications.
  public var replications: Int
  /// Whether other replications say the same with other figures.
  public var varies: Bool

  /// A note.
  public init(variant: String?, text: String, replications: Int, varies: Bool = false) {
    self.variant = variant
    self.text = text
    self.replications = replications
    self.varies = varies
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

  /// What readers of the figures have to know: the scenario's notes, then variant by variant. What several replications say,
  /// if only with other figures, is told once.
  public var notes: [ResultNote] {
    var notes = scenario.notes.map { ResultNote(variant: nil, text: $0, replications: scenario.replications) }
    for result in variants {
      let name = result.variant.name
      let first = notes.count
      for replication in result.replications {
        for text in replication.notes {
          let sense = Self.withoutFigures(text)
          if let known = notes[first...].firstIndex(where: { Self.withoutFigures($0.text) == sense }) {
            notes[known].replications += 1
            if notes[known].text != text { notes[known].varies = true }
          } else {
            notes.append(ResultNote(variant: name, text: text, replications: 1))
          }
        }
      }
    }
    return notes
  }

  /// The words of `text` without its numbers.
  private static func withoutFigures(_ text: String) -> [Substring] {
    text.split(separator: " ").filter { !$0.allSatisfy(\.isNumber) }
  }
}
