// The notes a run leaves on figures that say less than they seem to: queues that grow without rest, requests without a route.

import MeshCore
import Testing

@testable import Simulation

@Suite("notes on a run")
struct SaturationTests {
  private let web = [FaultTarget(service: 0)]

  private func notes(
    rate: Double, queueLimit: Int? = nil, duration: Double = 100_000, _ change: (inout Scene) -> Void = { _ in }
  ) throws -> [String] {
    var scene = Scene(service("db", time: .exponential(mean: 10e6)) { $0.queueLimit = queueLimit })
    scene.client(.poisson(rate: rate))
    scene.run = RunDescription(duration: span(duration), drain: .seconds(600))
    change(&scene)
    return try scene.result().notes
  }

  /// Goal: what has a steady state gives no alarm, however busy it is, for as long as it recovers.
  @Test("a stable load", arguments: [50.0, 80, 90, 95])
  func stable(_ rate: Double) throws {
    for seed in 1...10 {
      #expect(try notes(rate: rate) { $0.seed = UInt64(seed) } == [])
    }
    #expect(
      try notes(rate: 50) { $0.fault(.slow(web, factor: 5, affectsRunning: false), at: 20_000, for: 10_000) } == [])
  }

  /// Goal: the note names the window in which the load became too much, not the first one without a pause.
  @Test("a load above 1")
  func saturated() throws {
    let from = { (second: Int) in "load ≥ 1 at db from \(second) s: figures depend on the duration" }
    #expect(try notes(rate: 130) == [from(0)])
    for seed in 1...10 {
      let notes = try notes(rate: 60) {
        $0.seed = UInt64(seed)
        $0.fault(.slow(web, factor: 3, affectsRunning: false), at: 50_000)
      }
      #expect(notes == [from(50)])
    }
  }

  /// Goal: a queue with a limit is no excuse before the limit is reached, and one from then on.
  @Test("queues with a limit")
  func limits() throws {
    #expect(try notes(rate: 130, queueLimit: 10) == [])
    #expect(try notes(rate: 130, queueLimit: 128) == [])
    #expect(
      try notes(rate: 130, queueLimit: 100_000) == ["load ≥ 1 at db from 0 s: figures depend on the duration"])
  }

  /// Goal: a client whose requests no route matches is told so: 404 is a success, and nothing else would show it.
  @Test("no route")
  func unrouted() throws {
    var scene = Scene(service("web"))
    scene.client(.constant(rate: 10))
    #expect(try scene.result().notes == [])
    scene.mesh.routes[0].match.path = .prefix("/api")
    let result = try scene.result()
    #expect(result.summary.successes == 100)
    #expect(result.notes == ["no route for web matches the requests of users: all are answered 404"])
  }

  /// Goal: an overload without end stops with a line that says when, how many wait and what to do, before memory runs out; the
  /// same load below the limit goes on. Method: 1000 requests/s against 100, and a limit that a test reaches.
  @Test("an endless overload ends with a line")
  func endlessOverload() throws {
    var scene = Scene(service("db"))
    scene.client(.constant(rate: 1000))
    scene.run = RunDescription(duration: .seconds(100), drain: .seconds(1000))
    var said = ""
    var world = World(scene.replication)
    world.mostWorks = 20_000
    do throws(SimulationError) {
      try world.run(nil)
    } catch {
      said = error.description
    }
    #expect(said.hasPrefix("too many requests at once: 2"))
    #expect(said.contains(" attempts wait or are under way at 2"))
    #expect(said.hasSuffix("lower the load, or give services a queue limit"))

    scene.run = RunDescription(duration: .seconds(20), drain: .seconds(1000))
    var bounded = World(scene.replication)
    bounded.mostWorks = 20_000
    try bounded.run(nil)
    #expect(bounded.measurement.answered == 20_000)
  }
}
