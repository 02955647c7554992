// One replica's queue, workers and speeds, on small worlds whose truth is known by hand.

import MeshCore
import Testing

@testable import Simulation

@Suite("service")
struct ServiceTests {
  /// Goal: one worker serves in order of arrival; two workers serve two at a time.
  @Test("first come, first served")
  func fifo() throws {
    var scene = Scene(service("web"))
    scene.requests(at: 0, 1, 2, 3)
    #expect(alike(try scene.result().milliseconds, [10, 19, 28, 37]))
    scene.world.services[0].workers = 2
    #expect(alike(try scene.result().milliseconds, [10, 10, 18, 18]))
  }

  /// Goal: last come, first served does not interrupt, and takes the youngest of those that wait.
  @Test("last come, first served")
  func lifo() throws {
    var scene = Scene(service("web") { $0.discipline = .lifo })
    scene.requests(at: 0, 1, 2, 3)
    #expect(alike(try scene.result().milliseconds, [10, 39, 28, 17]))
  }

  /// Goal: `queue` counts who waits; who finds no place is answered 503 at once and counts as rejected.
  @Test("a full queue answers 503")
  func queueLimit() throws {
    var scene = Scene(service("web") { $0.queueLimit = 1 })
    scene.requests(at: 0, 1, 2, 12)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [10, 19, 0, 18]))
    #expect(result.successes == [1, 1, 0, 1])
    #expect(result.summary.rejected == 1)
    #expect(result.service("web").requests == 4)
    #expect(result.service("web").failures == 1)
    scene.world.services[0].queueLimit = 0
    #expect(try scene.result().successes == [1, 0, 0, 1])
  }

  /// Goal: `infinite` knows neither workers nor queue, and has no utilisation.
  @Test("infinite servers")
  func infinite() throws {
    var scene = Scene(
      service("web") {
        $0.discipline = .infinite
        $0.queueLimit = 0
      })
    scene.requests(at: 0, 1, 2, 3)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [10, 10, 10, 10]))
    #expect(result.endpoint("web-0").utilization == nil)
    #expect(result.service("web").utilization == nil)
  }

  /// Goal: `speed: 2` serves twice as fast; a replica's own time goes before its service's; a trace's demand before both.
  @Test("speeds and own times")
  func speeds() throws {
    var scene = Scene(service("web"))
    scene.world.services[0].replicas[0].speed = 2
    scene.requests(at: 0, 100)
    scene.request(at: 200, demand: 40)
    #expect(alike(try scene.result().milliseconds, [5, 5, 20]))
    scene.world.services[0].replicas[0].time = ms(30)
    #expect(alike(try scene.result().milliseconds, [15, 15, 20]))
  }

  /// Goal: a service takes `perConcurrent` longer for each request in service, itself included.
  @Test("service time grows with the requests in service")
  func perConcurrent() throws {
    var scene = Scene(
      service("web", time: ms(5)) {
        $0.workers = 4
        $0.perConcurrent = span(10)
      })
    scene.requests(at: 0, 1, 100)
    #expect(alike(try scene.result().milliseconds, [15, 25, 15]))
  }

  /// Goal: a young replica takes min(factor, over / age) times as long.
  @Test("cold start")
  func coldStart() throws {
    var scene = Scene(service("web") { $0.coldStart = ColdStartDescription(factor: 5, over: .seconds(8)) })
    scene.requests(at: 0, 1_000, 4_000, 8_000)
    #expect(alike(try scene.result().milliseconds, [50, 50, 20, 10]))
  }

  /// Goal: speeds are drawn anew every 500 ms and hold in between; each factor has its share. Method: at infinite servers a
  /// window's latencies are all 9 ms or all 3 ms.
  @Test("fluctuating speeds")
  func fluctuation() throws {
    var scene = Scene(
      service("web", time: ms(9)) {
        $0.discipline = .infinite
        $0.fluctuation = FluctuationDescription(every: span(500), factors: [1, 3])
      })
    scene.client(.constant(rate: 100))
    scene.run.duration = .seconds(200)
    scene.run.window = span(500)
    let result = try scene.result()
    let rows = result.timeline.prefix(400)
    // Requests that come within the last 9 ms of a window are answered in the next: one in fifty.
    var odd = 0
    for row in rows {
      let latency = row.latencyP50 ?? 0
      if abs(latency / 3e6 - 1) > 1e-3 && abs(latency / 9e6 - 1) > 1e-3 { odd += 1 }
    }
    #expect(odd == 0)
    let fast = rows.filter { ($0.latencyP50 ?? 0) < 4e6 }.count
    #expect(abs(Double(fast) - 200) < 4 * 10)
  }

  /// Goal: an antagonist takes its share of every period, at a drawn moment, and gives it back.
  @Test("antagonist")
  func antagonist() throws {
    var scene = Scene(
      service("web") { $0.antagonist = AntagonistDescription(share: 0.3, period: .seconds(1)) })
    scene.run.drain = .seconds(100)
    scene.request(at: 0, demand: 14_000)
    // Twenty periods leave 14 s; the last turn may come before or after the end of the work.
    let latency = try scene.result().milliseconds[0]
    #expect(latency > 19_000 && latency <= 20_300)
    scene.world.services[0].antagonist = AntagonistDescription(share: 1, period: .seconds(1))
    scene.world.clients = []
    scene.request(at: 0, demand: 100)
    #expect(try scene.result().summary.unanswered == 1)
  }

  /// Goal: base errors are answered 500 after the service time, in their share, and reach the callers.
  @Test("base errors")
  func baseErrors() throws {
    var scene = Scene(
      service("web") {
        $0.errorRate = 0.3
        $0.discipline = .infinite
      })
    scene.client(.constant(rate: 1_000))
    let result = try scene.result()
    #expect(result.summary.requests == 10_000)
    // Standard deviation 45.8.
    #expect(abs(Double(result.summary.failures) - 3_000) < 4 * 45.8)
    #expect(result.summary.latencyMean == 1e7)
    #expect(result.summary.rejected == 0)
  }

  /// Goal: utilisation and mean queue are the areas that can be drawn by hand.
  @Test("utilisation and queue")
  func utilisation() throws {
    var scene = Scene(service("web") { $0.workers = 2 })
    scene.run.duration = span(100)
    scene.requests(at: 0, 0, 0, 50)
    // Two at 0…10, one at 10…20, one at 50…60: 40 ms of 200; one waited 10 ms of 100.
    let result = try scene.result()
    #expect(abs((result.endpoint("web-0").utilization ?? 0) - 0.2) < 1e-12)
    #expect(abs((result.service("web").utilization ?? 0) - 0.2) < 1e-12)
    #expect(abs(result.service("web").queueMean - 0.1) < 1e-12)
  }

  /// Goal: utilisation stays a fraction when a service grows meanwhile.
  @Test("utilisation of a service that grows")
  func utilisationWhileScaling() throws {
    var scene = Scene(service("web"))
    scene.run.duration = span(1_000)
    scene.fault(.scale(service: 0, count: 4), at: 0)
    scene.client(.constant(rate: 390))
    let result = try scene.result()
    #expect((result.service("web").utilization ?? 2) <= 1)
    #expect((result.service("web").utilization ?? 0) > 0.9)
  }
}
