// Real servers, and the load generator before them without a proxy between.

import Foundation
import MeshConfiguration
import MeshCore
import NIOPosix
import Simulation
import Testing

@testable import Testbed

@Suite("backend", .serialized)
struct BackendTests {
  /// Goal: without a proxy the lab and real sockets agree request by request: each latency is at least what the lab says, and seldom much
  /// more. Method: one server with one worker, whose latencies are Lindley's recursion over the lab's arrivals and demands.
  @Test func latencies() async throws {
    let test = try TestScenario.web(
      "time: {exponential: {mean: 5ms}}", arrivals: "poisson: 80/s", run: "duration: 2s")
    let simulated = try Replication(
      world: test.variant.world, mesh: test.variant.mesh, run: test.variant.run, seed: 3, number: 0
    ).simulate()
    let lab = try #require(simulated.summary.latencyP50)
    var isOnTime = false
    for _ in 0..<5 where !isOnTime {
      let clock = RunClock()
      let backend = try Backend(test.variant, seed: 3, clock: clock)
      let address = try #require(try await backend.start().first)
      let result = try await LoadGenerator(test.variant, seed: 3, to: address.address, clock: clock).send()
      let counts = await backend.counts()
      await backend.stop()
      #expect(result.requests == Int(simulated.summary.requests) && result.successes == result.requests)
      #expect(
        counts == [
          BackendCount(service: "web", replica: "web-0", requests: result.requests, successes: result.requests)
        ])
      let real = try #require(result.latency.quantile(0.5))
      // A thousandth is the histograms' own grain. A machine that does other things may be late now and then, not five times.
      #expect(real >= lab * 0.998, "\(real) \(lab)")
      isOnTime = real < lab + 8e6
      #expect(result.percentiles.contains("Value"))
    }
    #expect(isOnTime)
  }

  /// Goal: a link's delay is waited for in the servers, there and back, a replica's own before its service's, and takes no worker meanwhile.
  @Test func linkDelay() async throws {
    let test = try TestScenario.web(
      "replicas: 2, time: 1ms", arrivals: "constant: 20/s", run: "duration: 500ms",
      more: "  links: [{from: users, to: web, delay: 5ms}, {from: users, to: web-1, delay: 40ms}]")
    for (replica, least) in [(0, 11e6), (1, 81e6)] {
      let clock = RunClock()
      let backend = try Backend(test.variant, seed: 3, selection: Backend.Selection(replica: replica), clock: clock)
      let address = try #require(try await backend.start().first)
      let result = try await LoadGenerator(test.variant, seed: 3, to: address.address, clock: clock).send()
      await backend.stop()
      let median = try #require(result.latency.quantile(0.5))
      #expect(result.successes == 10 && median >= least * 0.998 && median < least + 25e6, "\(replica): \(median)")
    }
  }

  /// Goal: a full queue answers 503 at once, `errors` of the service answer 500, and both exactly as often as in the lab where nothing
  /// hangs on time.
  @Test func errors() async throws {
    let test = try TestScenario.web(
      "replicas: 1, time: 5ms, discipline: infinite, errors: 30%", arrivals: "constant: 100/s", run: "duration: 1s",
      more: "  faults: [{at: 0s, service: web, errors: 20%, status: 503}]")
    let clock = RunClock()
    let backend = try Backend(test.variant, seed: 3, clock: clock)
    let address = try #require(try await backend.start().first)
    let result = try await LoadGenerator(test.variant, seed: 3, to: address.address, clock: clock).send()
    await backend.stop()
    let simulated = try Replication(
      world: test.variant.world, mesh: test.variant.mesh, run: test.variant.run, seed: 3, number: 0
    ).simulate().summary
    #expect(result.requests == 100 && result.requests - result.successes == Int(simulated.failures))
    #expect(result.clients[0].statuses.keys.sorted() == [200, 500, 503])
    let full = try TestScenario.web(
      "replicas: 1, time: 300ms, queue: 1", arrivals: "constant: 100/s", run: "duration: 100ms")
    let other = RunClock()
    let small = try Backend(full.variant, seed: 3, clock: other)
    let place = try #require(try await small.start().first)
    let refused = try await LoadGenerator(full.variant, seed: 3, to: place.address, clock: other).send()
    await small.stop()
    #expect(refused.clients[0].statuses == [200: 2, 503: 8])
  }

  /// Goal: a crash refuses connections and resets what it had, and the replica is back at the same port when it is over.
  @Test func crash() async throws {
    let test = try TestScenario.web(
      "replicas: 1, time: 5ms, discipline: infinite", arrivals: "constant: 50/s", run: "duration: 1500ms",
      more: "  faults: [{at: 500ms, for: 500ms, service: web, crash: true}]")
    let clock = RunClock()
    let backend = try Backend(test.variant, seed: 3, clock: clock)
    let address = try #require(try await backend.start().first)
    let result = try await LoadGenerator(test.variant, seed: 3, to: address.address, clock: clock).send()
    await backend.stop()
    let statuses = result.clients[0].statuses
    #expect(result.requests == 75 && statuses.keys.sorted() == [0, 200])
    #expect((15...40).contains(statuses[0] ?? 0), "\(statuses)")
  }

  /// Goal: a closed loop asks as often as users come round, who think as in the lab; a hung server leaves all of them unanswered.
  @Test func closedLoop() async throws {
    let test = try TestScenario.web(
      "replicas: 1, time: 10ms, discipline: infinite", arrivals: "closed: {users: 4, think: 30ms}", run: "duration: 1s")
    let clock = RunClock()
    let backend = try Backend(test.variant, seed: 3, clock: clock)
    let address = try #require(try await backend.start().first)
    let result = try await LoadGenerator(test.variant, seed: 3, to: address.address, clock: clock).send()
    await backend.stop()
    // 25 rounds a user at best; a late timer makes them fewer.
    #expect((40...100).contains(result.requests) && result.successes == result.requests, "\(result.requests)")
    let hung = try TestScenario.web(
      "replicas: 1, time: 10ms", arrivals: "constant: 20/s", run: "duration: 500ms, drain: 200ms",
      more: "  faults: [{at: 0s, service: web, hang: true}]")
    let other = RunClock()
    let silent = try Backend(hung.variant, seed: 3, clock: other)
    let place = try #require(try await silent.start().first)
    let unanswered = try await LoadGenerator(hung.variant, seed: 3, to: place.address, clock: other).send()
    await silent.stop()
    #expect(unanswered.clients[0].unanswered == 10 && unanswered.successes == 0)
  }

  /// Goal: what cannot be served for real is refused with a line each, and so is a replica that is not there.
  @Test func refusals() throws {
    let test = try TestScenario.web(
      "time: 5ms, discipline: processorSharing, coldStart: {factor: 5, over: 10s}", arrivals: "poisson: 80/s",
      more: "  faults: [{at: 1s, service: web, scale: 3}]")
    do {
      _ = try Backend(test.variant, seed: 3)
      Issue.record("served for real")
    } catch let error as TestbedError {
      #expect(error.lines.count == 3 && error.lines[0].hasPrefix("world.services.web.discipline"))
    }
    let plain = try TestScenario.web("time: 5ms", arrivals: "poisson: 80/s")
    #expect(throws: TestbedError.self) {
      try Backend(plain.variant, seed: 3, selection: Backend.Selection(service: "db"))
    }
  }
}
