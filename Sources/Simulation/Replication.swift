// The door to the simulation: one call runs one replication of one variant.

import DataPlane
import LoadBalancing
import MeshCore
import Synchronization

/// How far a run has come, readable from another thread while it runs, and a way to stop it.
public final class RunMonitor: Sendable {
  private let simulatedNanoseconds = Atomic<Int64>(0)
  private let answeredRequests = Atomic<Int64>(0)
  private let stopRequested = Atomic<Bool>(false)

  /// A monitor of a run that has not begun.
  public init() {}

  /// How far the simulated clock is.
  public var simulated: TimeSpan { TimeSpan(nanoseconds: simulatedNanoseconds.load(ordering: .relaxed)) }

  /// How many client requests have been answered.
  public var requests: Int64 { answeredRequests.load(ordering: .relaxed) }

  /// Whether the run has been asked to stop.
  public var isStopped: Bool { stopRequested.load(ordering: .relaxed) }

  /// Asks the run to stop soon; its result is then of no use.
  public func stop() { stopRequested.store(true, ordering: .relaxed) }

  func update(simulated: Timestamp, requests: Int64) {
    simulatedNanoseconds.store(simulated.nanoseconds, ordering: .relaxed)
    answeredRequests.store(requests, ordering: .relaxed)
  }
}

/// One replication of one variant.
public struct Replication: Sendable {
  /// What is out there.
  public var world: WorldDescription
  /// What is deployed.
  public var mesh: MeshDescription
  /// How long it runs.
  public var run: RunDescription
  /// The scenario's seed.
  public var seed: UInt64
  /// The replication's number, from 0.
  public var number: Int
  /// The policies that the mesh may name, registered or one's own.
  public var policies = PolicyRegistry.policies

  /// A replication of checked descriptions.
  public init(world: WorldDescription, mesh: MeshDescription, run: RunDescription, seed: UInt64, number: Int) {
    self.world = world
    self.mesh = mesh
    self.run = run
    self.seed = seed
    self.number = number
  }
}

extension Replication {
  /// Runs it.
  ///
  /// - Parameter monitor: Where to tell how far it is, and where to look whether to stop.
  /// - Throws: `SimulationError.stopped` when the monitor asked to stop, `tooManyOpen` in an endless overload, `timeStandsStill` when events follow each other
  ///   without time passing, `notConserved` when the run's accounts are not even (a fault of Weir's own).
  public func simulate(monitor: RunMonitor? = nil) throws(SimulationError) -> ReplicationResult {
    var world = World(self)
    try world.run(monitor)
    return try world.finish()
  }
}
