// Processor sharing against a brute-force fluid model.

import MeshCore
import Testing

@testable import Simulation

/// Serves all at the rate min(1, workers / n), from change to change. Times in milliseconds.
private func fluid(_ arrivals: [(at: Double, demand: Double)], workers: Double) -> [Double] {
  var left = arrivals.map(\.demand)
  var ends = [Double](repeating: -1, count: arrivals.count)
  var now = 0.0
  var next = 0
  while ends.contains(-1) {
    let running = (0..<next).filter { ends[$0] < 0 }
    let rate = running.isEmpty ? 0 : min(1, workers / Double(running.count))
    let arrival = next < arrivals.count ? arrivals[next].at : .infinity
    let finish = running.map { now + left[$0] / rate }.min() ?? .infinity
    let until = min(arrival, finish)
    for index in running {
      left[index] -= (until - now) * rate
      if left[index] < 1e-9 { ends[index] = until }
    }
    now = until
    if arrival <= finish { next += 1 }
  }
  return zip(ends, arrivals).map { $0 - $1.at }
}

@Suite("processor sharing")
struct SharingQueuesTests {
  /// Goal: two that share a worker each go at half speed, by hand.
  @Test("two share a worker")
  func two() throws {
    var scene = Scene(service("web") { $0.discipline = .processorSharing })
    scene.request(at: 0, demand: 10)
    scene.request(at: 5, demand: 2)
    #expect(alike(try scene.result().milliseconds, [12, 4], within: 1e-5))
  }

  /// Goal: any arrivals and demands end when the fluid model says, to the rounding of nanoseconds. Method: random scripts.
  @Test("random scripts agree with the fluid model", arguments: [1, 2, 3])
  func agreesWithFluid(workers: Int) throws {
    for seed in 0..<20 as Range<UInt64> {
      var random = RandomStream(state: seed &* 7919 &+ UInt64(workers))
      var scene = Scene(
        service("web") {
          $0.discipline = .processorSharing
          $0.workers = workers
          $0.queueLimit = 0
        })
      var arrivals: [(at: Double, demand: Double)] = []
      var time = 0.0
      for _ in 0..<40 {
        time += Double(random.below(8))
        arrivals.append((time, Double(1 + random.below(12))))
        scene.request(at: time, demand: arrivals[arrivals.count - 1].demand)
      }
      let expected = fluid(arrivals, workers: Double(workers))
      // Each end is rounded up to a nanosecond; forty of them add up.
      #expect(alike(try scene.result().milliseconds, expected, within: 1e-4))
    }
  }

  /// Goal: a pause stops the shared work too, and `mode: rate` slows it.
  @Test("pause and slow under processor sharing")
  func rates() throws {
    var scene = Scene(service("web") { $0.discipline = .processorSharing })
    scene.request(at: 0, demand: 10)
    scene.request(at: 0, demand: 10)
    scene.fault(.pause([FaultTarget(service: 0)], every: span(1_000), length: span(30)), at: 10, for: 500)
    #expect(alike(try scene.result().milliseconds, [50, 50], within: 1e-5))
    scene.world.faults = []
    scene.fault(.slow([FaultTarget(service: 0)], factor: 4, affectsRunning: true), at: 10, for: 20)
    // 5 ms each are done at 10 ms, 2.5 ms more at 30 ms, the last 2.5 ms take 5 ms.
    #expect(alike(try scene.result().milliseconds, [35, 35], within: 1e-5))
  }

  /// Goal: an attempt that is given up in the very instant in which it is done leaves its replica once. Method: two equal calls
  /// that end together, the first of which fails the caller, at a service that stops what nobody waits for.
  @Test("given up and done at the same instant", arguments: [CancelBehaviour.finish, .dropQueued, .stop])
  func givenUpWhenDone(behaviour: CancelBehaviour) throws {
    var scene = Scene(
      service("front", time: ms(1)) {
        $0.calls = [[CallDescription(target: "back", count: 4, isParallel: true)]]
      },
      service("back") {
        $0.discipline = .processorSharing
        $0.workers = 4
        $0.errorRate = 1
        $0.onCancel = behaviour
      })
    scene.request(at: 0)
    scene.request(at: 100)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [11, 11], within: 1e-5))
    #expect(result.successes == [0, 0])
  }
}
