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

  /// Runs all replications of all variants of `scenario`; with a precision as many as it needs, with a warm-up to be found that first.
  ///
  /// The calling thread waits; several times a second it asks `isInterrupted` and tells `report` how far things are.
  /// - Throws: `ExperimentError`.
  public func run(
    _ scenario: Scenario, isInterrupted: () -> Bool = { false }, report: (ExperimentProgress) -> Void = { _ in }
  ) throws -> ExperimentResult {
    var scenario = scenario
    if scenario.findsWarmUp {
      let pilot = WarmUpPilot(scenario)
      let series = try run(pilot.tasks, isInterrupted: isInterrupted, report: report) { pilot.series($1) }
      pilot.settle(&scenario, series)
    }
    var results = scenario.variants.map { VariantResult(variant: $0, replications: []) }
    var count = 0
    var next = scenario.replications
    while true {
      let numbers = count..<next
      let tasks = scenario.variants.flatMap { variant in
        numbers.map { ReplicationTask(variant, seed: scenario.seed, number: $0) }
      }
      let new = try run(tasks, isInterrupted: isInterrupted, report: report) { $1 }
      for place in results.indices {
        results[place].replications += new[(place * numbers.count)..<((place + 1) * numbers.count)]
      }
      count = next
      guard let more = scenario.precision?.next(after: count, results, confidence: scenario.confidence) else { break }
      next = more
    }
    scenario.replications = count
    scenario.notes += scenario.precision?.notes(results, confidence: scenario.confidence) ?? []
    return ExperimentResult(scenario: scenario, variants: results)
  }

  /// Runs `tasks` and gives what `reduce` makes of each result, in the order of the tasks. It is called by several threads at a time, with
  /// the task's place, as soon as a result is there.
  ///
  /// - Throws: `ExperimentError`; what `reduce` throws is a failure of its task.
  public func run<Output: Sendable>(
    _ tasks: [ReplicationTask], isInterrupted: () -> Bool = { false },
    report: (ExperimentProgress) -> Void = { _ in },
    reduce: @escaping @Sendable (Int, ReplicationResult) throws -> Output
  ) throws -> [Output] {
    let work = Work<Output>(tasks)
    let finished = DispatchSemaphore(value: 0)
    let threads = min(jobs, tasks.count)
    for number in 0..<threads {
      // A serial queue of its own gives each worker a thread of its own, however many cores there are.
      DispatchQueue(label: "weir.worker.\(number)").async { [simulate] in
        while work.runNext(simulate, reduce) {}
        finished.signal()
      }
    }
    var running = threads
    while running > 0 {
      if finished.wait(timeout: .now() + .milliseconds(50)) == .success { running -= 1 }
      if isInterrupted() { work.stop() }
      report(work.progress)
    }
    return try work.outputs()
  }
}

/// One replication to be run, and of what.
public struct ReplicationTask: Sendable {
  /// The variant's name, for messages.
  public var variant: String
  /// What is to be run.
  public var replication: Replication

  /// Replication `number` of `variant`.
  public init(_ variant: Variant, seed: UInt64, number: Int) {
    self.variant = variant.name
    replication = Replication(
      world: variant.world, mesh: variant.mesh, run: variant.run, seed: seed, number: number)
  }
}

/// Tasks, being worked off in order.
private final class Work<Output: Sendable>: Sendable {
  private struct State {
    var next = 0
    var completed = 0
    var outputs: [Output?]
    var failure: (task: Int, reason: String)?
  }

  private let tasks: [ReplicationTask]
  private let monitors: [RunMonitor]
  private let state: Mutex<State>
  private let isStopped = Atomic<Bool>(false)

  init(_ tasks: [ReplicationTask]) {
    self.tasks = tasks
    monitors = tasks.map { _ in RunMonitor() }
    state = Mutex(State(outputs: Array(repeating: nil, count: tasks.count)))
  }

  /// Runs one more; false when none is left.
  func runNext(
    _ simulate: ExperimentRunner.Simulate, _ reduce: @Sendable (Int, ReplicationResult) throws -> Output
  ) -> Bool {
    let taken = state.withLock { state -> Int? in
      // After a failure nothing new begins. What began earlier goes on: an earlier task may fail too, and the first one counts.
      guard state.next < tasks.count, state.failure == nil, !isStopped.load(ordering: .relaxed) else { return nil }
      state.next += 1
      return state.next - 1
    }
    guard let taken else { return false }
    do {
      let output = try reduce(taken, simulate(tasks[taken].replication, monitors[taken]))
      state.withLock { state in
        state.outputs[taken] = output
        state.completed += 1
      }
    } catch {
      state.withLock { state in
        if let known = state.failure, known.task < taken { return }
        state.failure = (taken, String(describing: error))
      }
    }
    return true
  }

  func stop() {
    if isStopped.exchange(true, ordering: .relaxed) { return }
    for monitor in monitors { monitor.stop() }
  }

  var progress: ExperimentProgress {
    var done = 0.0
    var simulated = TimeSpan.zero
    var requests: Int64 = 0
    let (isComplete, completed) = state.withLock { state in (state.outputs.map { $0 != nil }, state.completed) }
    for (index, monitor) in monitors.enumerated() {
      simulated = simulated + monitor.simulated
      requests += monitor.requests
      done += isComplete[index] ? 1 : tasks[index].replication.run.fraction(of: monitor)
    }
    return ExperimentProgress(
      fraction: tasks.isEmpty ? 1 : done / Double(tasks.count), simulated: simulated, requests: requests,
      completed: completed, total: tasks.count)
  }

  func outputs() throws -> [Output] {
    if isStopped.load(ordering: .relaxed) { throw ExperimentError.interrupted }
    return try state.withLock { state in
      if let failure = state.failure {
        throw ExperimentError.failed(
          variant: tasks[failure.task].variant, replication: tasks[failure.task].replication.number,
          reason: failure.reason)
      }
      return state.outputs.compactMap { $0 }
    }
  }
}

extension RunDescription {
  /// How much of a run is done, by requests where their number is given and else by time.
  fileprivate func fraction(of monitor: RunMonitor) -> Double {
    let share =
      if let requests {
        Double(monitor.requests) / Double(max(1, requests))
      } else {
        monitor.simulated.seconds / max(1e-9, duration.seconds)
      }
    return min(1, max(0, share))
  }
}
