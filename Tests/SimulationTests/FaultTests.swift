// Faults, one by one, on worlds small enough to follow with a pencil.

import MeshCore
import Testing

@testable import Simulation

@Suite("faults")
struct FaultTests {
  private let web = [FaultTarget(service: 0)]

  /// Goal: a crash resets what is queued and running, refuses after one round trip, and leaves a fresh replica.
  @Test("crash over a link")
  func crash() throws {
    var scene = Scene(service("web"))
    // In service, queued and on the way when the crash comes; refused; after it. They share a connection.
    scene.client(at: [0, 92, 94, 99, 150, 250])
    scene.link(delay: 3)
    scene.fault(.crash(web), at: 100, for: 100)
    scene.run.window = span(1)
    let result = try scene.result()
    let ends = result.timeline.filter { $0.successes + $0.failures > 0 }
    // Resets are back at 103; who was on the way is reset at 102 and back at 105; refused at 156; the last pays for a
    // connection anew and is answered at 272.
    #expect(ends.map { $0.time.nanoseconds / 1_000_000 } == [22, 103, 105, 156, 272])
    #expect(ends.map(\.successes) == [1, 0, 0, 0, 1])
    #expect(ends.map(\.failures) == [0, 2, 1, 1, 0])
    // The two that had reached the replica when it crashed: one in a worker's hands, one in the queue.
    #expect(result.summary.rejected == 3)
  }

  /// Goal: without a link a crash refuses at once, and only the listed replicas.
  @Test("crash without a link")
  func crashOfOne() throws {
    var scene = Scene(service("web", replicas: 2, time: ms(1)))
    scene.client(.constant(rate: 100))
    scene.run.duration = .seconds(1)
    scene.fault(.crash([FaultTarget(service: 0, replicas: [1])]), at: 495)
    let result = try scene.result()
    #expect(result.endpoint("web-1").failures == 25)
    #expect(result.endpoint("web-0").failures == 0)
    #expect(result.summary.successes == 75)
  }

  /// Goal: an expired crash within a longer one changes nothing; the replica is up when the last one ends.
  @Test("overlapping crashes")
  func overlappingCrashes() throws {
    var scene = Scene(service("web"))
    scene.requests(at: 150, 250, 350, 450)
    scene.fault(.crash(web), at: 100, for: 300)
    scene.fault(.crash(web), at: 200, for: 100)
    #expect(try scene.result().successes == [0, 0, 0, 1])
  }

  /// Goal: a hung replica takes what comes and never answers; callers run into their timeout.
  @Test("hang")
  func hang() throws {
    var scene = Scene(service("web"))
    scene.requests(at: 95, 150, 2_000)
    scene.fault(.hang(web), at: 100, for: 100)
    scene.mesh.routes[0].timeout = .seconds(1)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [1_000, 1_000, 10]))
    #expect(result.summary.timeouts == 2)
    scene.mesh.routes[0].timeout = nil
    scene.run = RunDescription(duration: .seconds(3), drain: .seconds(5))
    let patient = try scene.result()
    #expect(patient.summary.unanswered == 2)
    #expect(alike(patient.milliseconds, [7_905, 7_850, 10]))
    #expect(patient.notes == ["2 requests still wait at the end: 2 lost at or on the way to web-0"])
  }

  /// Goal: `slow` stretches what begins meanwhile, all of it; `mode: rate` slows what runs, while it lasts; slows multiply.
  @Test("slow")
  func slow() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.requests(at: 95, 110, 250)
    scene.fault(.slow(web, factor: 20, affectsRunning: false), at: 100, for: 100)
    #expect(alike(try scene.result().milliseconds, [10, 200, 10]))
    scene.world.faults = []
    scene.fault(.slow(web, factor: 20, affectsRunning: true), at: 100, for: 100)
    // 5 ms before, 5 ms at a twentieth; then 90 ms give 4.5 ms, and 5.5 ms are left.
    #expect(alike(try scene.result().milliseconds, [105, 95.5, 10], within: 1e-5))
    scene.world.faults = []
    scene.fault(.slow(web, factor: 2, affectsRunning: false), at: 100, for: 100)
    scene.fault(.slow(web, factor: 3, affectsRunning: false), at: 50, for: 100)
    #expect(alike(try scene.result().milliseconds, [30, 60, 10]))
  }

  /// Goal: a delay holds requests up before they take a worker; a crash meanwhile resets them too.
  @Test("delay")
  func delay() throws {
    var scene = Scene(service("web") { $0.workers = 2 })
    scene.requests(at: 100, 100, 300)
    scene.fault(.delay(web, ms(30)), at: 50, for: 100)
    #expect(alike(try scene.result().milliseconds, [40, 40, 10]))
    scene.fault(.crash(web), at: 110, for: 10)
    let result = try scene.result()
    #expect(result.successes == [0, 0, 1])
    #expect(alike(result.milliseconds, [10, 10, 10]))
  }

  /// Goal: a hang that begins while a request is held up swallows it as well.
  @Test("delay, then hang")
  func delayThenHang() throws {
    var scene = Scene(service("web"))
    scene.request(at: 100)
    scene.fault(.delay(web, ms(30)), at: 50)
    scene.fault(.hang(web), at: 110)
    scene.mesh.routes[0].timeout = .seconds(1)
    #expect(alike(try scene.result().milliseconds, [1_000]))
  }

  /// Goal: failing answers have the given status, take the service time or the given one, and overlap as 1 − Π(1 − p).
  @Test("errors")
  func errors() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.requests(at: 0)
    scene.fault(.errors(web, rate: 1, status: 503, time: nil), at: 0)
    let plain = try scene.result()
    #expect(alike(plain.milliseconds, [10]))
    #expect(plain.summary.failures == 1)
    #expect(plain.summary.rejected == 0)
    scene.world.faults = []
    scene.fault(.errors(web, rate: 1, status: 500, time: ms(0)), at: 0)
    scene.fault(.slow(web, factor: 20, affectsRunning: false), at: 0)
    scene.world.services[0].perConcurrent = span(7)
    #expect(alike(try scene.result().milliseconds, [0]))
    scene.world.services[0].perConcurrent = .zero
    scene.world.faults = []
    scene.world.clients = []
    scene.client(.constant(rate: 1_000))
    scene.fault(.errors(web, rate: 0.5, status: 500, time: nil), at: 0)
    scene.fault(.errors(web, rate: 0.5, status: 500, time: nil), at: 0)
    // 7500 of 10 000, standard deviation 43.
    #expect(abs(Double(try scene.result().summary.failures) - 7_500) < 4 * 43)
    scene.world.services[0].errorRate = 0.2
    #expect(abs(Double(try scene.result().summary.failures) - 8_000) < 4 * 40)
  }

  /// Goal: a request that a fault answers makes no calls, whatever its status.
  @Test("failing answers make no calls", arguments: [429, 503])
  func errorsMakeNoCalls(status: Int) throws {
    var scene = Scene(service("front") { $0.calls = [[CallDescription(target: "back")]] }, service("back"))
    scene.request(at: 0)
    scene.fault(.errors(web, rate: 1, status: status, time: nil), at: 0)
    let result = try scene.result()
    #expect(result.service("back").requests == 0)
    #expect(alike(result.milliseconds, [10]))
    #expect(result.summary.failures == 1)
  }

  /// Goal: a pause stops work in progress, comes back every so often, and ends with its fault.
  @Test("pause")
  func pause() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.requests(at: 1_010, 1_095, 1_310, 1_095)
    scene.fault(.pause(web, every: span(100), length: span(50)), at: 1_000, for: 300)
    #expect(alike(try scene.result().milliseconds, [50, 60, 10, 60]))
    scene.world.faults = []
    scene.fault(.pause(web, every: span(100), length: span(50)), at: 1_000, for: 20)
    #expect(alike(try scene.result().milliseconds, [20, 10, 10, 10]))
  }

  /// Goal: each round of a repeated pause keeps its own time; what was planned in the round before is forgotten.
  @Test("repeated pause")
  func repeatedPause() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    // Rounds begin at 1000 and 1170; pauses at 1000, 1100, 1170, 1270, of 20 ms.
    scene.fault(.pause(web, every: span(100), length: span(20)), at: 1_000, for: 150, repeating: 170)
    scene.requests(at: 1_005, 1_105, 1_175, 1_205, 1_275)
    #expect(alike(try scene.result().milliseconds, [25, 25, 25, 10, 25]))
    // The end of a round cuts its pause; the next round's pause begins later and lasts its whole time.
    scene.world.faults = []
    scene.fault(.pause(web, every: span(100), length: span(50)), at: 1_000, for: 20, repeating: 40)
    scene.world.clients = []
    scene.requests(at: 1_005, 1_045)
    #expect(alike(try scene.result().milliseconds, [25, 25]))
  }

  /// Goal: a restarted replica is down for its time and starts fresh, cold again.
  @Test("restart")
  func restart() throws {
    var scene = Scene(
      service("web") { $0.coldStart = ColdStartDescription(factor: 3, over: span(1_000)) })
    scene.requests(at: 2_000, 4_095, 4_120, 4_160, 6_000)
    scene.fault(.restart(web, down: span(50)), at: 4_100)
    let result = try scene.result()
    #expect(result.successes == [1, 0, 0, 1, 1])
    #expect(alike(result.milliseconds, [10, 5, 0, 30, 10]))
  }

  /// Goal: rounds of a restart that overlap each have their end, and the replica is back only when no round keeps it down.
  @Test("overlapping rounds of a restart")
  func overlappingRestarts() throws {
    var scene = Scene(service("web"))
    scene.run = RunDescription(duration: .seconds(1))
    scene.requests(at: 50, 150, 250, 350, 450)
    scene.fault(.restart(web, down: span(250)), at: 100, repeating: 100)
    #expect(try scene.result().successes == [1, 0, 0, 0, 0])
    var world = World(scene.replication)
    try world.run(nil)
    // At 1 s: rounds of 100 … 900 have begun, those up to 700 have ended.
    let state = world.faults.states[Int32(0)]
    let down = world.faults.restarts[Int32(0)]
    #expect(state.isActive)
    #expect(state.roundsActive == 2)
    #expect(down == 2)
  }

  /// Goal: `repeat` counts start to start, with and without a length of its own for `restart`.
  @Test("repeat")
  func repeated() throws {
    var scene = Scene(service("web"))
    scene.run.duration = .seconds(2)
    scene.fault(.slow(web, factor: 3, affectsRunning: false), at: 100, for: 50, repeating: 200)
    scene.requests(at: 110, 160, 310, 360, 1_920)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [30, 10, 30, 10, 30]))
    #expect(Array(result.instants(of: "faultBegan").prefix(3)) == [100, 300, 500])
    #expect(Array(result.instants(of: "faultEnded").prefix(3)) == [150, 350, 550])
    scene.world.faults = []
    scene.fault(.restart(web, down: span(50)), at: 100, repeating: 200)
    #expect(try scene.result().successes == [0, 1, 0, 1, 0])
    scene.world.faults = []
    scene.fault(.crash(web), at: 100, for: 200, repeating: 200)
    #expect(try scene.result().successes == [0, 0, 0, 0, 0])
  }

  /// Goal: what comes in the very nanosecond of a fault's beginning meets it; of its end, not.
  @Test("a fault holds from its first instant up to, without, its last")
  func bounds() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.requests(at: 99.999999, 100, 199.999999, 200)
    scene.fault(.slow(web, factor: 3, affectsRunning: false), at: 100, for: 100)
    #expect(alike(try scene.result().milliseconds, [10, 30, 30, 10]))
  }
}

@Suite("memberships")
struct MembershipTests {
  /// Goal: growth and shrinkage are seen `delay` later; who is gone refuses what still comes; numbering goes on.
  @Test("scale with a late discovery")
  func scale() throws {
    var scene = Scene(service("web"))
    scene.client(.constant(rate: 300))
    scene.run = RunDescription(duration: .seconds(4), window: span(100))
    scene.world.services[0].time = ms(1)
    scene.fault(.scale(service: 0, count: 3), at: 1_000, for: 1_000)
    scene.mesh.clusters[0].discovery = DiscoveryDescription(delay: span(500))
    let result = try scene.result()
    let expected =
      [Int64](repeating: 1, count: 15) + [Int64](repeating: 3, count: 10) + [Int64](repeating: 1, count: 15)
    #expect(result.timeline.prefix(40).map(\.healthyEndpoints) == expected)
    // Half a second of requests, two thirds of which go to those that have gone.
    #expect(abs(result.summary.failures - 100) <= 1)
    #expect(result.endpoint("web-1").requests > 0)
    #expect(result.endpoint("web-2").requests > 0)
    #expect(result.instants(of: "scaled") == [1_000, 2_000])
    // The first gets 1000, the others 100 each.
    #expect(abs((result.summary.imbalance ?? 0) - 1_000.0 / 400) < 0.02)
  }

  /// Goal: who drains finishes what he has.
  @Test("scaling down drains")
  func drains() throws {
    var scene = Scene(service("web", replicas: 2))
    scene.client(at: [95, 96, 97, 98, 150, 160])
    scene.fault(.scale(service: 0, count: 1), at: 100)
    let result = try scene.result()
    #expect(result.summary.successes == 6)
    #expect(result.endpoint("web-1").requests == 2)
  }

  /// Goal: of overlapping scales the latest holds; when it ends, the one that still lasts does.
  @Test("overlapping scales")
  func overlapping() throws {
    var scene = Scene(service("web"))
    scene.client(.constant(rate: 10))
    scene.run = RunDescription(duration: .seconds(4), window: span(500))
    scene.fault(.scale(service: 0, count: 3), at: 250, for: 3_000)
    scene.fault(.scale(service: 0, count: 5), at: 750, for: 1_000)
    #expect(try scene.result().timeline.prefix(8).map(\.healthyEndpoints) == [3, 5, 5, 3, 3, 3, 1, 1])
  }

  /// Goal: nobody hears of a change while discovery is frozen; afterwards the latest is heard.
  @Test("frozen discovery")
  func frozen() throws {
    var scene = Scene(service("web"))
    scene.client(.constant(rate: 10))
    scene.run = RunDescription(duration: .seconds(4), window: span(500))
    scene.fault(.scale(service: 0, count: 3), at: 750)
    scene.fault(.scale(service: 0, count: 4), at: 1_250)
    scene.fault(.discoveryFrozen(service: nil), at: 600, for: 1_500)
    #expect(try scene.result().timeline.prefix(8).map(\.healthyEndpoints) == [1, 1, 1, 1, 4, 4, 4, 4])
  }

  /// Goal: frozen discovery of one service leaves the others' alone.
  @Test("frozen discovery of one service")
  func frozenOfOne() throws {
    for (frozen, seen) in [(0, [1, 1, 1, 1, 3, 3]), (1, [1, 3, 3, 3, 3, 3])] {
      var scene = Scene(service("web"), service("db"))
      scene.client(.constant(rate: 10))
      scene.run = RunDescription(duration: .seconds(4), window: span(500))
      scene.fault(.scale(service: 0, count: 3), at: 750)
      scene.fault(.discoveryFrozen(service: frozen), at: 600, for: 1_500)
      #expect(try scene.result().timeline.prefix(6).map { Int($0.healthyEndpoints) } == seen)
    }
  }

  /// Goal: a service without endpoints answers 503, and comes back.
  @Test("scaled to nothing")
  func nothing() throws {
    var scene = Scene(service("web"))
    scene.requests(at: 50, 150, 250)
    scene.fault(.scale(service: 0, count: 0), at: 100, for: 100)
    let result = try scene.result()
    #expect(result.successes == [1, 0, 1])
    #expect(result.summary.rejected == 1)
  }

  /// Goal: an endpoint that leaves while it is ejected is ejected no longer.
  @Test("an ejected endpoint that leaves")
  func ejectedLeaves() throws {
    var scene = Scene(service("web", replicas: 2) { $0.discipline = .infinite })
    scene.client(.constant(rate: 100))
    scene.run.duration = .seconds(4)
    scene.mesh.clusters[0].failureAccrual = .consecutive(
      ConsecutiveAccrualDescription(
        maxFailures: 3, minPenalty: .seconds(30), jitterRatio: 0))
    scene.fault(.errors([FaultTarget(service: 0, replicas: [1])], rate: 1, status: 500, time: ms(0)), at: 0, for: 1_000)
    scene.fault(.scale(service: 0, count: 1), at: 1_000, for: 1_000)
    let result = try scene.result()
    let ejected = result.instants(of: "ejected")
    #expect(ejected.count == 1)
    let length = 1_000 - (ejected.first ?? 0)
    #expect(abs(result.endpoint("web-1").ejected / 1e6 - length) < 1e-6)
    // Back as a new endpoint: half of the requests of the last two seconds are its own.
    #expect(abs(result.endpoint("web-1").requests - 103) <= 1)
  }
}
