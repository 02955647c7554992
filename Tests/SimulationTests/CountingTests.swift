// What is counted and when: warm-up, span, drain, windows, limits, and the audit at the end.

import MeshCore
import Testing

@testable import Simulation

@Suite("counting")
struct CountingTests {
  /// Goal: requests wanted in [warm-up, duration) count, wherever they end; throughput is answers in that span.
  @Test("warm-up and duration")
  func warmUp() throws {
    var scene = Scene(service("web", time: ms(150)) { $0.discipline = .infinite })
    scene.client(.constant(rate: 10))
    scene.run = RunDescription(duration: .seconds(3), warmUp: .seconds(1))
    let result = try scene.result()
    #expect(result.summary.requests == 20)
    #expect(result.summary.successes == 20)
    #expect(result.latency.count == 20)
    #expect(result.summary.throughput == 10)
    #expect(result.endpoint("web-0").requests == 20)
    #expect(result.timeline.map(\.requests) == [10, 10, 10, 0])
    #expect(result.timeline.map(\.successes) == [9, 10, 10, 1])
    #expect(result.timeline.map(\.inFlight) == [1, 1, 1, 0])
  }

  /// Goal: what is open at the end of the drain is a failure, cut there, and reported.
  @Test("unanswered")
  func unanswered() throws {
    var scene = Scene(service("web", time: ms(1_000)))
    scene.requests(at: 0, 100, 900)
    scene.run = RunDescription(duration: .seconds(1), drain: span(1_500))
    let result = try scene.result()
    #expect(alike(result.milliseconds, [1_000, 1_900, 1_600]))
    #expect(result.successes == [1, 1, 0])
    #expect(result.summary.unanswered == 1)
    #expect(result.simulated == span(2_500))
    #expect(result.notes == ["1 requests still wait at the end: 1 in service at web-0"])
    #expect(result.summary.failures == 1)
  }

  /// Goal: success means status, transport and `success.within`; nothing is cancelled by it.
  @Test("success within")
  func within() throws {
    var scene = Scene(service("web"))
    scene.requests(at: 0, 0, 0)
    for index in 0..<3 { scene.world.clients[index].successWithin = span(20) }
    let result = try scene.result()
    #expect(result.successes == [1, 1, 0])
    #expect(alike(result.milliseconds, [10, 20, 30]))
  }

  /// Goal: 404 is an answer below 500: a success, from nobody.
  @Test("no route")
  func noRoute() throws {
    var scene = Scene(service("web"))
    scene.request(at: 0, to: "elsewhere")
    let result = try scene.result()
    #expect(result.successes == [1])
    #expect(result.endpoint("web-0").requests == 0)
  }

  /// Goal: a window's row counts what happens from its first nanosecond up to, without, its last, also when the event was planned
  /// long before.
  @Test("windows at their bounds")
  func windows() throws {
    var scene = Scene(service("web", time: ms(2_500)) { $0.discipline = .infinite })
    scene.client(.constant(rate: 0.4))
    scene.run = RunDescription(duration: .seconds(10))
    let result = try scene.result()
    // Wanted at 0, 2.5, 5 and 7.5 s; answered at 2.5, 5, 7.5 and 10 s.
    #expect(result.timeline.prefix(10).map(\.requests) == [1, 0, 1, 0, 0, 1, 0, 1, 0, 0])
    #expect(result.timeline.map(\.successes) == [0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1])
  }

  /// Goal: a last window that is cut short shows what is open and who may be chosen at its own end.
  @Test("a last window that is cut short")
  func lastWindow() throws {
    var scene = Scene(service("web", time: ms(600)) { $0.discipline = .infinite })
    scene.client(.constant(rate: 4))
    scene.run = RunDescription(duration: span(1_800), drain: .zero)
    scene.fault(.scale(service: 0, count: 3), at: 1_500)
    let timeline = try scene.result().timeline
    #expect(timeline.map(\.requests) == [4, 4])
    // Wanted at 1.25, 1.5 and 1.75 s; the one of 1 s is answered.
    #expect(timeline.map(\.inFlight) == [2, 3])
    #expect(timeline.map(\.healthyEndpoints) == [1, 3])
  }

  /// Goal: with `requests` arrivals stop behind the last one, of all clients together, also when several come at once.
  @Test("a run of a number of requests")
  func requestLimit() throws {
    var scene = Scene(service("web"))
    scene.run.requests = 25
    scene.client("a", .constant(rate: 10))
    scene.client("b", .constant(rate: 10))
    scene.client("c", .constant(rate: 10))
    let result = try scene.result()
    #expect(result.summary.requests == 25)
    #expect(result.service("web").requests == 25)
    #expect(result.summary.successes == 25)
    #expect(result.timeline.map(\.requests).reduce(0, +) == 25)
    #expect(result.simulated < .seconds(3))
  }

  /// Goal: a run whose clients have fewer requests than it asks for ends with the last of them.
  @Test("a run that runs out of requests")
  func exhausted() throws {
    var scene = Scene(service("web"))
    scene.run.requests = 1_000
    scene.client(at: [0, 100, 200])
    scene.client("loop", .closed(users: 2, think: ms(5), requests: 7))
    let result = try scene.result()
    #expect(result.summary.requests == 10)
    #expect(result.simulated < .seconds(2))
    scene.world.clients = []
    #expect(try scene.result().summary.requests == 0)
  }

  /// Goal: a warm-up that is longer than a run of a number of requests leaves nothing to count and no odd figures.
  @Test("a run shorter than its warm-up")
  func shortRun() throws {
    var scene = Scene(service("web", time: ms(3_000)))
    scene.run.requests = 5
    scene.run.warmUp = .seconds(10)
    scene.client(.constant(rate: 10))
    let result = try scene.result()
    #expect(result.summary.requests == 0)
    #expect(result.summary.throughput == 0)
    #expect((result.endpoint("web-0").utilization ?? 0) == 0)
  }

  /// Goal: the audit is no ornament. Method: change one account after the run and ask it to finish.
  @Test("a tampered account fails the audit", arguments: 0..<10)
  func audit(way: Int) throws {
    var scene = Scene(service("front") { $0.calls = [[CallDescription(target: "back")]] }, service("back"))
    scene.client(.poisson(rate: 50))
    scene.fault(.hang([FaultTarget(service: 1)]), at: 1_900)
    scene.mesh.routes[0].timeout = .seconds(1)
    scene.run = RunDescription(duration: .seconds(2), drain: .zero)
    var world = World(scene.replication)
    try world.run(nil)
    switch way {
    case 1: world.measurement.sojourn += 1
    case 2: world.measurement.area -= 1
    case 3: world.measurement.open += 1
    case 4: world.replicas[Int32(1)].sojourn -= 1
    case 5: world.replicas[Int32(0)].waitingArea += 1
    case 6: world.replicas[Int32(0)].inService += 1
    case 7: world.orphans.append(.none)
    case 8: world.wheel.cancel(world.proxies[0].timers[0].event)
    case 9: for index in 0..<Int32(world.works.slotCount) { world.works[index].call = .none }
    default: break
    }
    var fault = ""
    do throws(SimulationError) {
      _ = try world.finish()
    } catch {
      if case .notConserved(let text) = error { fault = text }
    }
    #expect(fault.isEmpty == (way == 0))
  }

  /// Goal: closed loops without thinking time at infinitely fast servers are found out rather than run for ever.
  @Test("time that stands still is found out")
  func standsStill() throws {
    var scene = Scene(service("web", time: ms(0)))
    scene.client(.closed(users: 1, think: ms(0), requests: nil))
    // Twenty million events would take the tests too long: the watch has run for a while already.
    var world = World(scene.replication)
    world.instantEvents = 19_990_000
    do throws(SimulationError) {
      try world.run(nil)
      Issue.record("expected an error")
    } catch {
      guard case .timeStandsStill = error else {
        Issue.record("\(error)")
        return
      }
    }
  }
}
