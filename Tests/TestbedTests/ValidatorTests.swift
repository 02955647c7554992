// Both worlds side by side, in a form short enough for a test. Machines that run tests are busy, so the bounds are wide and runs that the
// validator calls void are looked at all the same.

import Experiments
import Foundation
import MeshCore
import Simulation
import Testing

@testable import Testbed

@Suite("validator", .serialized)
struct ValidatorTests {
  private static let mesh = """
    mesh:
      clusters:
        web: {service: web, protocol: PROTOCOL, balancer: roundRobin}
      routes:
        - match: {host: web}
          split: [{to: web}]
    """

  private func compare(_ test: TestScenario) async throws -> [String: ValidationRow] {
    let validation = try await Validator(test.scenario, runs: 1, attempts: 1).run()
    #expect(validation.hopCost > 0)
    return Dictionary(validation.rows.map { ("\($0.variant) \($0.metric.name)", $0) }, uniquingKeysWith: { $1 })
  }

  /// Whether both worlds have a figure, and no further apart than `relative` and `absolute` allow.
  private func agree(_ row: ValidationRow?, relative: Double = 0, absolute: Double) throws -> Bool {
    let row = try #require(row)
    let (measured, simulated) = (try #require(row.measured), try #require(row.simulated).mean)
    return Tolerance(relative: relative, absolute: absolute).admits(measured, simulated: simulated)
  }

  /// Goal: a slow replica among fast ones gets by turns as much as they, over HTTP/1.1 and HTTP/2, and latencies are the lab's.
  @Test(arguments: ["http1", "http2"])
  func heterogeneous(transport: String) async throws {
    let test = try TestScenario.web(
      "replicas: [{name: a}, {name: b, speed: 0.25}], time: 10ms", arrivals: "constant: 30/s", run: "duration: 2s",
      more: Self.mesh.replacingOccurrences(of: "PROTOCOL", with: transport))
    var isOnTime = false
    for _ in 0..<5 where !isOnTime {
      let rows = try await compare(test)
      #expect(rows.count == 5)
      #expect(try agree(rows["base share.a"], absolute: 0.02) && agree(rows["base share.b"], absolute: 0.02))
      #expect(try agree(rows["base successRate"], absolute: 0.001))
      // The slow half takes 40 ms, so a replica that forgot its speed would be 30 ms off. A machine that does other things may be late
      // now and then, not five times.
      isOnTime =
        try agree(rows["base latency.p99"], relative: 0.1, absolute: 15e6)
        && agree(rows["base latency.p50"], relative: 0.1, absolute: 30e6)
    }
    #expect(isOnTime)
  }

  /// Goal: what makes requests stick is the same in both worlds: users whose name stands in a header of their own keep to one of two versions,
  /// and within it, by the cookie of their session, to one replica.
  @Test func sticky() async throws {
    let test = try TestScenario(
      """
      scenario: real
      seed: 3
      run: {duration: 3s}
      world:
        services:
          old: {replicas: [{name: a}, {name: b}, {name: c}], time: 5ms}
          new: {replicas: [{name: d}, {name: e}], time: 5ms}
        clients:
          users:
            target: web
            arrivals: {constant: 50/s}
            request: {key: {uniform: {keys: 7}}, keyHeader: x-user}
      mesh:
        clusters:
          old: {service: old, protocol: http1, balancer: roundRobin}
          new: {service: new, protocol: http1, balancer: roundRobin}
        routes:
          - match: {host: web}
            split: [{to: old}, {to: new}]
            splitBy: key
            hashPolicy: [{header: x-user}]
            statefulSession: {}
      validate: {tolerance: {traffic.new: 1%}}
      """)
    let rows = try await compare(test)
    var shares: [Double] = []
    for figure in ["share.a", "share.b", "share.c", "traffic.new"] {
      let row = rows["base \(figure)"]
      #expect(try agree(row, absolute: 1e-9), "\(figure)")
      shares.append(row?.simulated?.mean ?? 0)
    }
    // Seven users: turns alone would give all replicas alike.
    #expect(Set(shares.prefix(3)).count > 1 && abs(shares[3] - 0.5) > 0.02, "\(shares)")
  }

  /// Goal: faults and retries are the same in both worlds: which first attempts fail, to the request, and what retries make of it.
  @Test func retries() async throws {
    let test = try TestScenario.web(
      "replicas: 2, time: 5ms", arrivals: "constant: 50/s", run: "duration: 2s",
      more: """
          faults: [{at: 0s, service: web, errors: 40%, status: 503}]
        \(Self.mesh.replacingOccurrences(of: "PROTOCOL", with: "http1"))
        variants:
          - name: none
          - {name: retry, set: {mesh.routes.0.retry: {on: [5xx], attempts: 3, backoff: {base: 1ms, max: 2ms}}}}
        """)
    let rows = try await compare(test)
    // Without retries the very requests that fail in the lab fail over sockets.
    #expect(try agree(rows["none successRate"], absolute: 1e-9))
    #expect(try agree(rows["retry successRate"], absolute: 0.05))
    #expect(try #require(rows["retry successRate"]?.measured) > #require(rows["none successRate"]?.measured) + 0.2)
  }

  /// Goal: a generator that lagged makes a run void, and so do processors that others had; a void run is judged by nobody.
  @Test func voidRuns() throws {
    var run = RealRun(load: LoadResult(clients: ["users"]), counts: [], starved: 0.005)
    for _ in 0..<100 { run.load.lag.record(900_000) }
    #expect(run.fault == nil)
    run.starved = 0.02
    #expect(run.fault?.contains("2.00 % of the processors' time") == true)
    for _ in 0..<10 { run.load.lag.record(3_000_000) }
    #expect(run.fault?.contains("lagged") == true)
    let row = ValidationRow(
      variant: "base", metric: .summary(.latencyP50), simulated: nil, measured: 1, tolerance: Tolerance(), runs: 0)
    #expect(row.verdict == .void)
    #expect(Validator.median([3, 1, 2]) == 2 && Validator.median([4, 1]) == 2.5 && Validator.median([]) == nil)
  }

  /// Goal: a void run is made again, as often as may be, and that with the least lag is kept where all were void.
  @Test func repetition() async {
    var fit = RealRun(load: LoadResult(clients: ["users"]), counts: [], starved: 0)
    fit.retries = 7
    let void = RealRun(load: LoadResult(clients: ["users"]), counts: [], starved: 0.5)
    for (faulty, most, made) in [(0, 3, 1), (1, 3, 2), (2, 3, 3), (9, 3, 3), (9, 1, 1)] {
      var (calls, heard) = (0, 0)
      let run = await Validator.undisturbed(atMost: most) {
        calls += 1
        return calls > faulty ? fit : void
      } onVoid: { _ in
        heard += 1
      }
      #expect(calls == made && heard == min(faulty, made) && (run.retries == 7) == (faulty < made))
    }
    var calls: Int64 = 0
    let least = await Validator.undisturbed(atMost: 4) {
      calls += 1
      var late = void
      late.load.lag.record(calls == 2 ? 1_500_000 : 5_000_000 * calls)
      return late
    } onVoid: { _ in
    }
    #expect(calls == 4 && least.load.lagP99 < 2e6)
  }

  /// Goal: what a host takes away is told apart from idle time, of all processors together; guests' time is not counted twice.
  @Test func stolenTime() throws {
    let before = try #require(ProcessorTimes(text: "cpu  100 0 50 800 10 0 0 40 30 0\ncpu0 1 1 1 1 1 1 1 1\n"))
    let after = try #require(ProcessorTimes(text: "cpu  150 0 60 830 10 0 0 50 60 0\n"))
    #expect(after.stolenShare(since: before) == 0.1)
    #expect(before.stolenShare(since: before) == 0 && before.stolenShare(since: after) == 0)
    #expect(ProcessorTimes(text: "intr 1 2") == nil && ProcessorTimes(text: "cpu  1 2 3 4") == nil)
  }

  /// Goal: what cannot be compared is refused before anything runs.
  @Test func refusals() throws {
    let test = try TestScenario.web(
      "replicas: 2, time: 5ms", arrivals: "constant: 50/s",
      more: "  links: [{from: users, to: web, delay: 1ms, loss: 1%}]\nvalidate: {tolerance: {throughput: 5%}}")
    do {
      _ = try Validator(test.scenario)
      Issue.record("compared")
    } catch let error as TestbedError {
      #expect(error.lines.count == 2 && error.lines[0].hasPrefix("world.links"), "\(error.lines)")
    }
  }
}
