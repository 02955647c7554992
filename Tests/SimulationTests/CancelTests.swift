// Timeouts, and what becomes of work that nobody waits for any more.

import MeshCore
import Testing

@testable import Simulation

@Suite("abandoned work")
struct CancelTests {
  private func scene(_ behaviour: CancelBehaviour) -> Scene {
    var scene = Scene(service("web", time: ms(100)) { $0.onCancel = behaviour })
    scene.mesh.routes[0].timeout = span(20)
    scene.requests(at: 0, 5)
    scene.request(at: 190, demand: 5)
    return scene
  }

  /// Goal: the caller sees 504 at the timeout; the server finishes, drops what waits, or stops, and says what was wasted.
  @Test("finish, drop what waits, stop")
  func behaviours() throws {
    let finish = try scene(.finish).result()
    #expect(alike(finish.milliseconds, [20, 20, 15]))
    #expect(finish.summary.timeouts == 2)
    #expect(finish.service("web").abandoned == 2)
    #expect(finish.service("web").wastedWork == 200e6)
    let drop = try scene(.dropQueued).result()
    #expect(alike(drop.milliseconds, [20, 20, 5]))
    #expect(drop.service("web").abandoned == 2)
    #expect(drop.service("web").wastedWork == 100e6)
    let stop = try scene(.stop).result()
    #expect(alike(stop.milliseconds, [20, 20, 5]))
    #expect(stop.service("web").abandoned == 2)
    #expect(stop.service("web").wastedWork == 25e6)
  }

  /// Goal: wasted work is service given, not time gone by. Method: stop two that share a worker, and one that is slowed.
  @Test("wasted work counts service")
  func wasted() throws {
    var sharing = Scene(
      service("web", time: ms(100)) {
        $0.discipline = .processorSharing
        $0.onCancel = .stop
      })
    sharing.mesh.routes[0].timeout = span(20)
    sharing.requests(at: 0, 0)
    #expect(abs(try sharing.result().service("web").wastedWork - 20e6) < 10)
    var slowed = scene(.stop)
    slowed.world.clients = []
    slowed.request(at: 0)
    slowed.fault(.slow([FaultTarget(service: 0)], factor: 4, affectsRunning: true), at: 10, for: 5)
    #expect(abs(try slowed.result().service("web").wastedWork - 16.25e6) < 10)
  }

  /// Goal: a late answer is nobody's: one answer a request, no attempt left over, http1 connections are not used again.
  @Test("late answers")
  func lateAnswers() throws {
    var scene = Scene(service("web", time: ms(100)) { $0.discipline = .infinite })
    scene.mesh.routes[0].timeout = span(50)
    scene.mesh.clusters[0].transport = .http1
    scene.client(at: [0, 300])
    scene.link(delay: 3)
    let result = try scene.result()
    #expect(result.summary.timeouts == 2)
    #expect(result.summary.latencyMaximum == 50e6)
    #expect(result.endpoint("web-0").failures == 2)
    #expect(result.endpoint("web-0").latencyMean == 50e6)
    #expect(result.service("web").abandoned == 2)
  }

  /// Goal: a crash takes along what nobody waited for, and counts it.
  @Test("abandoned, then crashed")
  func abandonedThenCrashed() throws {
    var scene = scene(.finish)
    scene.fault(.crash([FaultTarget(service: 0)]), at: 50, for: 10)
    let result = try scene.result()
    #expect(result.service("web").abandoned == 2)
    #expect(result.service("web").wastedWork == 50e6)
    #expect(alike(result.milliseconds, [20, 20, 5]))
  }

  /// Goal: a request given up while it waits for its connection is never sent.
  @Test("given up while connecting")
  func whileConnecting() throws {
    var scene = scene(.finish)
    scene.link(delay: 15)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [20, 20, 20]))
    #expect(result.service("web").requests == 0)
  }

  /// Goal: a timeout frees the balancer's count at once: join-shortest-queue goes back to a hung endpoint every time.
  @Test("a timeout frees the count in flight")
  func freesInFlight() throws {
    var scene = Scene(service("web", replicas: 2, time: ms(1)), balancer: "joinShortestQueue")
    scene.mesh.routes[0].timeout = span(20)
    scene.client(.constant(rate: 10))
    scene.run.duration = .seconds(20)
    scene.fault(.hang([FaultTarget(service: 0, replicas: [1])]), at: 0)
    let result = try scene.result()
    // 200 requests, each to one of two idle endpoints by chance.
    #expect(abs(result.endpoint("web-1").requests - 100) < 30)
    #expect(result.summary.timeouts == result.endpoint("web-1").requests)
  }
}
