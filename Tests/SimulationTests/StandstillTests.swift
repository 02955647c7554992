// Runs of a number of requests in which nothing can happen any more: they end, and say who waits.

import MeshCore
import Testing

@testable import Simulation

@Suite("standstill")
struct StandstillTests {
  private let web = [FaultTarget(service: 0)]

  private func scene(users: Int = 3, think: Double = 5, _ change: (inout ServiceDescription) -> Void = { _ in })
    -> Scene
  {
    var scene = Scene(service("web", change))
    scene.run.requests = 1_000
    scene.client("loop", .closed(users: users, think: ms(think), requests: nil))
    return scene
  }

  private func expectEnd(_ scene: Scene, waiting: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let result = try scene.result()
    #expect(result.notes.count == 2, "\(result.notes)", sourceLocation: sourceLocation)
    #expect(result.notes.first?.hasPrefix("the run stood still after ") == true, sourceLocation: sourceLocation)
    #expect(result.notes.last?.contains(waiting) == true, "\(result.notes)", sourceLocation: sourceLocation)
    #expect(result.summary.unanswered == 3, sourceLocation: sourceLocation)
    #expect(result.simulated < .seconds(100), sourceLocation: sourceLocation)
  }

  /// Goal: a hang without a timeout swallows every user; the run ends as after its last request, whatever goes round.
  @Test("everybody waits at a hung replica")
  func hang() throws {
    var scene = scene()
    scene.fault(.hang(web), at: 100)
    try expectEnd(scene, waiting: "3 requests still wait at the end: 3 at web-0, which hangs")
    scene.fault(.slow(web, factor: 2, affectsRunning: true), at: 0, for: 10, repeating: 20)
    scene.fault(.pause(web, every: span(30), length: span(10)), at: 0)
    scene.fault(.restart(web, down: span(5)), at: 200, repeating: 300)
    scene.world.services[0].fluctuation = FluctuationDescription(every: span(70), factors: [1, 3])
    scene.world.services[0].antagonist = AntagonistDescription(share: 0.2, period: span(50))
    try expectEnd(scene, waiting: "3 requests still wait")
  }

  /// Goal: no window, whose end could be looked at, comes in the run.
  @Test("a window longer than any run")
  func longWindow() throws {
    var scene = scene()
    scene.run.window = TimeSpan(nanoseconds: .max)
    scene.run.warmUp = span(50)
    scene.fault(.hang(web), at: 100)
    try expectEnd(scene, waiting: "3 at web-0, which hangs")
  }

  /// Goal: a worker that waits for ever for what it has called.
  @Test("a called service hangs")
  func calledServiceHangs() throws {
    var scene = Scene(service("web") { $0.calls = [[CallDescription(target: "db")]] }, service("db"))
    scene.run.requests = 1_000
    scene.client("loop", .closed(users: 3, think: ms(5), requests: nil))
    scene.fault(.hang([FaultTarget(service: 1)]), at: 100)
    try expectEnd(scene, waiting: "2 in the queue of web-0, 1 at db-0, which hangs, called by web-0")
  }

  /// Goal: a partition to the end lets no message through, however often it is sent again.
  @Test("a partition to the end")
  func partition() throws {
    var scene = scene()
    scene.link(delay: 1)
    // Requests on the way and in service, and answers, get lost; connections that are open stay silent.
    scene.fault(.partition(from: .client(0), to: .service(0)), at: 100)
    try expectEnd(scene, waiting: "3 requests still wait")
  }

  /// Goal: service that is held for ever, or takes longer than any run, is no progress.
  @Test("service that never ends")
  func endlessService() throws {
    var scene = scene { $0.antagonist = AntagonistDescription(share: 1, period: span(50)) }
    try expectEnd(scene, waiting: "2 in the queue of web-0, 1 in service at web-0")
    scene.world.services[0].antagonist = nil
    scene.fault(.slow(web, factor: 1e15, affectsRunning: true), at: 0)
    try expectEnd(scene, waiting: "2 in the queue of web-0, 1 in service at web-0")
    scene.world.faults = []
    scene.world.services[0].time = .constant(9e18)
    try expectEnd(scene, waiting: "2 in the queue of web-0, 1 in service at web-0")
  }

  /// Goal: a long pause, a long thought and a long warm-up are no standstill.
  @Test("waiting for something that comes")
  func patience() throws {
    var scene = scene { $0.antagonist = AntagonistDescription(share: 0.999, period: .seconds(3_600)) }
    scene.run.requests = 200
    scene.run.window = span(100)
    scene.fault(.pause(web, every: .seconds(2_000), length: .seconds(1_000)), at: 0)
    let held = try scene.result()
    #expect(held.summary.successes == 200)
    #expect(held.notes.isEmpty)
    var thinking = self.scene(users: 1, think: 1e9)
    thinking.run.requests = 3
    thinking.run.warmUp = span(1)
    thinking.run.window = .seconds(1_000)
    #expect(try thinking.result().summary.successes == 3)
  }

  /// Goal: when everything has crashed, users are refused at once and the run ends with its last request.
  @Test("everything crashed")
  func crashed() throws {
    var scene = scene()
    scene.fault(.crash(web), at: 0)
    let result = try scene.result()
    #expect(result.summary.requests == 1_000)
    #expect(result.summary.failures == 1_000)
    #expect(result.notes.isEmpty)
    scene.world.faults = []
    scene.fault(.scale(service: 0, count: 0), at: 0)
    #expect(try scene.result().summary.rejected == 1_000)
  }
}
