import Experiments
import MeshCore
import Simulation
import Synchronization
import SyntheticResults
import Testing

@Suite struct ExperimentRunnerTests {
  /// Results stand in the order of variants and replications, whatever the number of threads and whoever is first: later
  /// replications here end earlier.
  @Test(arguments: [1, 2, 7])
  func orderDoesNotDependOnThreads(jobs: Int) throws {
    let scenario = syntheticScenario(variants: ["a", "b", "c"], replications: 5)
    let runner = ExperimentRunner(jobs: jobs) { replication, _ in
      var spin: UInt64 = 0
      for step in 0..<(50_000 * UInt64(5 - replication.number)) { spin ^= step &* 31 }
      var result = syntheticResult(replication: replication.number)
      result.traceDigest = spin
      return result
    }
    let result = try runner.run(scenario)
    #expect(result.variants.map(\.variant.name) == ["a", "b", "c"])
    for variant in result.variants { #expect(variant.replications.map(\.replication) == [0, 1, 2, 3, 4]) }
  }

  /// Never more than `jobs` replications run at the same time.
  @Test func atMostSoManyThreads() throws {
    struct Count {
      var running = 0
      var most = 0
    }
    let count = Mutex(Count())
    let runner = ExperimentRunner(jobs: 2) { replication, _ in
      count.withLock { count in
        count.running += 1
        count.most = max(count.most, count.running)
      }
      var spin: UInt64 = 0
      for step in 0..<(200_000 as UInt64) { spin ^= step &* 31 }
      count.withLock { $0.running -= 1 }
      var result = syntheticResult(replication: replication.number)
      result.traceDigest = spin
      return result
    }
    _ = try runner.run(syntheticScenario(replications: 20))
    #expect(count.withLock { $0.most } <= 2)
  }

  /// An interrupt stops the monitors of running replications and leaves no result.
  @Test func interrupt() {
    let runner = ExperimentRunner(jobs: 2) { replication, monitor in
      while !monitor.isStopped {}
      return syntheticResult(replication: replication.number)
    }
    #expect(throws: ExperimentError.interrupted) {
      try runner.run(syntheticScenario(replications: 4), isInterrupted: { true })
    }
  }

  /// The failure that is told is the first in order, not the first in time.
  @Test func firstFailureInOrder() {
    struct Broken: Error, CustomStringConvertible { var description: String }
    let laterHasFailed = Atomic<Bool>(false)
    let runner = ExperimentRunner(jobs: 2) { replication, _ in
      if replication.number == 0 {
        while !laterHasFailed.load(ordering: .acquiring) {}
      } else {
        defer { laterHasFailed.store(true, ordering: .releasing) }
        throw Broken(description: "late")
      }
      throw Broken(description: "early")
    }
    #expect(throws: ExperimentError.failed(variant: "only", replication: 0, reason: "early")) {
      try runner.run(syntheticScenario(variants: ["only"], replications: 2))
    }
  }

  /// Progress ends at everything.
  @Test func progressEndsComplete() throws {
    var last: ExperimentProgress?
    let runner = ExperimentRunner(jobs: 1) { replication, _ in syntheticResult(replication: replication.number) }
    _ = try runner.run(syntheticScenario(replications: 3), report: { last = $0 })
    #expect(last?.fraction == 1)
    #expect(last?.completed == 6)
    #expect(last?.total == 6)
  }
}
