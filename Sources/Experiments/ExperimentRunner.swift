// Runs every replication of every variant, several at a time.
//
// A replication is a pure function of its description, so the results are put in place by number and do not depend on how
// many threads there are or which of them is first. The threads are plain ones and the caller waits beside them: it stays free to
// show progress and to hear an interrupt, which a task on a full cooperative pool would not.

import Dispatch
import MeshCore
import Simulation
import Synchronization

/// Why an experiment has no result.
public enum ExperimentError: Error, Hashable, CustomStringConvertible {
  /// Somebody asked it to stop.
  case interrupted
  /// A replication went wrong: the first one in the order of variants and replications.
  case failed(variant: String, replication: Int, reason: String)

  public var description: String {
    switch self {
    case .interrupted: "interrupted"
    case .failed(let variant, let replication, let reason): "variant \(variant), replication \(replication): \(reason)"
    }
  }
}

/// How far an experiment is.
public struct ExperimentProgress: Sendable, Hashable {
  /// The share of the work that is done, 0…1.
  public var fraction: Double
  /// Simulated time, all replications together.
  public var simulated: TimeSpan
  /// Client requests answered, all replications together.
  public var requests: Int64
  /// Replications that are complete.
  public var completed: Int
  /// All replications.
  public var total: Int

  /// A state of progress.
  public init(fraction: Double, simulated: TimeSpan, requests: Int64, completed: Int, total: Int) {
    self.fraction = fraction
    self.simulated = simulated
    self.requests = requests
    self.completed = completed
    self.total = total
  }
}

/// Runs scenarios.
public struct ExperimentRunner: Sendable {
  /// Runs one replication; it returns soon, with a result of no use or an error, once its monitor is stopped.
  public typealias Simulate = @Sendable (Replication, RunMonitor) throws -> ReplicationResult

  /// How many replications run at a time, at least 1.
  public let jobs: Int
  private let simulate: Simulate

  /// A runner that simulates with `simulate`.
  public init(jobs: Int, simulate: @escaping Simulate) {
    self.jobs = max(1, jobs)
    self.simulate = simulate
  }

  /// Runs all replications of all variants of `scenario`.
  ///
  /// The calling thread waits; several times a second it asks `isInterrupted` and tells `report` how far things are.
  /// - Throws: `ExperimentError`.
  public func run(
    _ scenario: Scenario, isInterrupted: () -> Bool = { false }, report: (ExperimentProgress) -> Void = { _ in }
  ) throws -> ExperimentResult {
    let work = Work(scenario)
    let finished = DispatchSemaphore(value: 0)
    let threads = min(jobs, work.items.count)
    for number in 0..<threads {
      // A serial queue of its own gives each worker a thread of its own, however many cores there are.
      DispatchQueue(label: "weir.worker.\(number)").async { [simulate] in
        while work.runNext(simulate) {}
        finished.signal()
      }
    }
    var running = threads
    while running > 0 {
      if finished.wait(timeout: .now() + .milliseconds(50)) == .success { running -= 1 }
      if isInterrupted() { work.stop() }
      report(work.progress)
    }
    return try work.result(of: scenario)
  }
}

/// The replications of a scenario, being worked off in order.
private final class Work: Sendable {
  struct Item: Sendable {
    var variant: Int
    var replication: Replication
    var monitor = RunMonitor()
  }

  private struct State {
    var next = 0
    var completed = 0
    var results: [ReplicationResult?]
    var failure: (item: Int, reason: String)?
  }

  let items: [Item]
  private let state: Mutex<State>
  private let isStopped = Atomic<Bool>(false)

  init(_ scenario: Scenario) {
    var items: [Item] = []
    for (index, variant) in scenario.variants.enumerated() {
      for number in 0..<scenario.replications {
        items.append(
          Item(
            variant: index,
            replication: Replication(
              world: variant.world, mesh: variant.mesh, run: variant.run, seed: scenario.seed, number: number)))
      }
    }
    self.items = items
    self.state = Mutex(State(results: Array(repeating: nil, count: items.count)))
  }

  /// Runs one more replication; false when none is left.
  func runNext(_ simulate: ExperimentRunner.Simulate) -> Bool {
    let taken = state.withLock { state -> Int? in
      // After a failure nothing new begins. What began earlier goes on: an earlier item may fail too, and the first one counts.
      guard state.next < items.count, state.failure == nil, !isStopped.load(ordering: .relaxed) else { return nil }
      state.next += 1
      return state.next - 1
    }
    guard let taken else { return false }
    let item = items[taken]
    do {
      let result = try simulate(item.replication, item.monitor)
      state.withLock { state in
        state.results[taken] = result
        state.completed += 1
      }
    } catch {
      state.withLock { state in
        if let known = state.failure, known.item < taken { return }
        state.failure = (taken, String(describing: error))
      }
    }
    return true
  }

  func stop() {
    if isStopped.exchange(true, ordering: .relaxed) { return }
    for item in items { item.monitor.stop() }
  }

  var progress: ExperimentProgress {
    var done = 0.0
    var simulated = TimeSpan.zero
    var requests: Int64 = 0
    let (isComplete, completed) = state.withLock { state in (state.results.map { $0 != nil }, state.completed) }
    for (index, item) in items.enumerated() {
      simulated = simulated + item.monitor.simulated
      requests += item.monitor.requests
      done += isComplete[index] ? 1 : item.fraction
    }
    return ExperimentProgress(
      fraction: items.isEmpty ? 1 : done / Double(items.count), simulated: simulated, requests: requests,
      completed: completed, total: items.count)
  }

  func result(of scenario: Scenario) throws -> ExperimentResult {
    if isStopped.load(ordering: .relaxed) { throw ExperimentError.interrupted }
    return try state.withLock { state in
      if let failure = state.failure {
        let item = items[failure.item]
        throw ExperimentError.failed(
          variant: scenario.variants[item.variant].name, replication: item.replication.number, reason: failure.reason)
      }
      var results = scenario.variants.map { VariantResult(variant: $0, replications: []) }
      for (item, result) in zip(items, state.results) {
        if let result { results[item.variant].replications.append(result) }
      }
      return ExperimentResult(scenario: scenario, variants: results)
    }
  }
}

extension Work.Item {
  /// How much of it is done, by requests where their number is given and else by time.
  fileprivate var fraction: Double {
    let share =
      if let requests = replication.run.requests {
        Double(monitor.requests) / Double(max(1, requests))
      } else {
        monitor.simulated.seconds / max(1e-9, replication.run.duration.seconds)
      }
    return min(1, max(0, share))
  }
}
