// What `--trace` asks for: how each variant's first replication went in time.

import MeshConfiguration
import MeshCore
import Simulation

extension Timestamp {
  /// A moment of a run such as `12.5s`; nil when `text` is none.
  public init?(momentOfRun text: String) {
    guard let span = try? Quantity.span(text), span >= .zero else { return nil }
    self = Timestamp.zero + span
  }
}

extension Scenario {
  /// Simulates a variant's first replication again and tells how it went.
  ///
  /// - Parameter variant: One of a result's, where a warm-up was found; else the scenario's own.
  /// - Throws: `SimulationError`; `ExperimentError.interrupted` when `isInterrupted` says so meanwhile.
  public func trace(
    _ variant: Variant, _ scope: TraceScope, isInterrupted: () -> Bool = { false }
  ) throws -> ReplicationTrace {
    do throws(SimulationError) {
      return try ReplicationTask(variant, seed: seed, number: 0).replication.trace(scope, isStopped: isInterrupted)
    } catch {
      if error == .stopped { throw ExperimentError.interrupted }
      throw error
    }
  }
}
