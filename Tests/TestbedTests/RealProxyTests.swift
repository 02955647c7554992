import DataPlane
import Foundation
import MeshCore
import Simulation
import Testing

@testable import Testbed

@Suite("real proxy", .serialized)
struct RealProxyTests {
  /// Goal: detection counts from the first fault's beginning to the first removal after it; what comes before is none.
  @Test func watch() {
    let clock = RunClock()
    let fault = FaultDescription(
      at: Timestamp(nanoseconds: 5_000_000_000), duration: nil, period: nil, kind: .crash([]), summary: "a crash")
    let watch = FaultWatch([fault], clock: clock)
    watch.putOut(at: Timestamp(nanoseconds: 6_000_000_000))
    #expect(watch.detection == nil, "the clock does not run")
    clock.begin()
    watch.putOut(at: Timestamp(nanoseconds: 4_999_999_999))
    #expect(watch.detection == nil)
    watch.putOut(at: Timestamp(nanoseconds: 5_250_000_000))
    watch.putOut(at: Timestamp(nanoseconds: 5_100_000_000))
    #expect(watch.detection == .milliseconds(250))
    #expect(FaultWatch([], clock: clock).detection == nil)
  }

  /// Goal: the proxy's accrual puts a crashed server out about when the lab's does, and tries are counted by kind as in the lab.
  @Test func detection() async throws {
    let test = try TestScenario.web(
      "replicas: 2, time: 5ms, discipline: infinite", arrivals: "constant: 100/s", run: "duration: 1500ms",
      more: """
          faults: [{at: 507ms, service: web, replicas: [1], crash: true}]
        mesh:
          clusters:
            web:
              protocol: http1
              balancer: roundRobin
              failureAccrual: {consecutive: {maxFailures: 5, minPenalty: 10s, maxPenalty: 10s, jitterRatio: 0}}
          routes: [{match: web, retry: {on: [connect-failure, reset], attempts: 4, backoff: {base: 1ms, max: 2ms}}}]
        """)
    let simulated = try Replication(
      world: test.variant.world, mesh: test.variant.mesh, run: test.variant.run, seed: 3, number: 0
    ).simulate()
    let lab = try #require(simulated.detectionTime)
    let run = try await RealRun.run(test.variant, seed: 3, replication: 0)
    let real = try #require(run.value(of: .detectionTime, in: test.variant))
    // What a busy machine holds up shifts requests against each other: a retry may then meet the crashed server too, and is not seen by any.
    #expect(abs(real - lab) < 400e6, "\(real) \(lab)")
    #expect(simulated.summary.retries == 5 && (1...5).contains(run.retries), "\(run.retries)")
    #expect(run.hedges == 0 && run.load.successes == run.load.requests)
  }
}
