// Calls that replicas make: lists, groups, counts, failures, and who holds a worker meanwhile.

import MeshCore
import Testing

@testable import Simulation

@Suite("call graph")
struct CallGraphTests {
  private func scene(_ calls: [[CallDescription]]) -> Scene {
    var scene = Scene(
      service("front", time: ms(1)) { $0.calls = calls },
      service("a", time: ms(2)) { $0.discipline = .infinite },
      service("b", time: ms(3)) { $0.discipline = .infinite })
    scene.request(at: 0)
    return scene
  }

  private func latency(_ calls: [[CallDescription]]) throws -> Double { try scene(calls).result().milliseconds[0] }

  /// Goal: groups run one after another, the calls of a group at once, copies as `parallel` says.
  @Test("lists, groups and counts")
  func shapes() throws {
    let a = CallDescription(target: "a")
    let b = CallDescription(target: "b")
    let single = try latency([[a], [b]])
    #expect(single == 6)
    let group = try latency([[a, b]])
    #expect(group == 4)
    let copies = try latency([[CallDescription(target: "a", count: 3)]])
    #expect(copies == 7)
    let parallel = try latency([[CallDescription(target: "a", count: 3, isParallel: true)]])
    #expect(parallel == 3)
    // Copies of a sequential call within a group: 2 × 2 ms beside 3 ms, then another 2 ms.
    let mixed = try latency([[CallDescription(target: "a", count: 2), b], [a]])
    #expect(mixed == 7)
  }

  /// Goal: calls of calls add up, and every service counts what it gets.
  @Test("nested calls")
  func nested() throws {
    var scene = Scene(
      service("front", time: ms(1)) { $0.calls = [[CallDescription(target: "middle", count: 2)]] },
      service("middle", time: ms(2)) { $0.calls = [[CallDescription(target: "leaf", count: 3, isParallel: true)]] },
      service("leaf", time: ms(4)) { $0.workers = 2 })
    scene.request(at: 0)
    let result = try scene.result()
    // 1 + 2 × (2 + 2 rounds of 4).
    #expect(alike(result.milliseconds, [21]))
    #expect(result.service("middle").requests == 2)
    #expect(result.service("leaf").requests == 6)
    #expect(result.summary.requests == 1)
  }

  /// Goal: a failed call ends the list with 500, an ignored one does not.
  @Test("onError")
  func onError() throws {
    var failing = scene([[CallDescription(target: "a", count: 3)], [CallDescription(target: "b")]])
    failing.world.services[1].errorRate = 1
    let failed = try failing.result()
    #expect(alike(failed.milliseconds, [3]))
    #expect(failed.successes == [0])
    #expect(failed.service("a").requests == 1)
    #expect(failed.service("b").requests == 0)
    #expect(failed.service("front").failures == 1)
    failing.world.services[0].calls[0][0].onError = .ignore
    let ignored = try failing.result()
    #expect(alike(ignored.milliseconds, [10]))
    #expect(ignored.successes == [1])
    #expect(ignored.service("a").requests == 3)
  }

  /// Goal: a failure in a group gives the others up at once; what they go on with is wasted.
  @Test("a failed group gives its other calls up")
  func groupFails() throws {
    var group = scene([[CallDescription(target: "a"), CallDescription(target: "b")]])
    group.world.services[1].errorRate = 1
    group.world.services[2].time = ms(100)
    let result = try group.result()
    #expect(alike(result.milliseconds, [3]))
    #expect(result.service("b").abandoned == 1)
    #expect(result.service("b").wastedWork == 1e8)
    group.world.services[2].onCancel = .stop
    let stopped = try group.result()
    #expect(stopped.service("b").abandoned == 1)
    #expect(stopped.service("b").wastedWork == 2e6)
  }

  /// Goal: calls of one group may fail at the same instant, whether they are turned away, find nobody or reach a dead replica.
  @Test("calls that fail together", arguments: [0, 1, 2])
  func failTogether(way: Int) throws {
    var group = scene([
      [CallDescription(target: "a", count: 3, isParallel: true), CallDescription(target: "b", count: 2)]
    ])
    switch way {
    case 0:
      group.fault(.scale(service: 1, count: 0), at: 0)
      group.fault(.scale(service: 2, count: 0), at: 0)
    case 1:
      group.world.services[1].discipline = .fifo
      group.world.services[1].queueLimit = 0
    default: group.fault(.crash([FaultTarget(service: 1)]), at: 0)
    }
    group.request(at: 50)
    group.request(at: 50)
    let result = try group.result()
    #expect(result.successes == [0, 0, 0])
    // The front's one worker serves the last two one after the other.
    #expect(alike(result.milliseconds, way == 1 ? [1, 1, 2] : [1, 1, 2]))
  }

  /// Goal: a host that no route takes is answered 404, which is no failure of the list.
  @Test("a call without a route")
  func noRoute() throws {
    let result = try scene([[CallDescription(target: "nowhere", count: 2, isParallel: true)]]).result()
    #expect(alike(result.milliseconds, [1]))
    #expect(result.successes == [1])
  }

  /// Goal: the chain s → t of 10 ms and 5 ms at 50/s. Held, s is an M/G/1 queue with 15 ms and second moment 350 ms²:
  /// 15 + 35 = 50 ms. Not held, two M/M/1 queues: 20 + 6.667 ms.
  @Test("worker held or not", arguments: [(true, 50.0), (false, 26.667)])
  func chain(holds: Bool, expected: Double) throws {
    var scene = Scene(
      service("s", time: .exponential(mean: 10e6)) {
        $0.calls = [[CallDescription(target: "t")]]
        $0.holdsWorker = holds
      },
      service("t", time: .exponential(mean: 5e6)))
    scene.client(.poisson(rate: 50))
    scene.run = RunDescription(duration: .seconds(2_000), warmUp: .seconds(20))
    let result = try scene.result()
    #expect(abs((result.summary.latencyMean ?? 0) / 1e6 / expected - 1) < 0.05)
    let utilization = result.endpoint("s-0").utilization ?? 0
    #expect(abs(utilization - (holds ? 0.75 : 0.5)) < 0.02)
  }

  /// Goal: the caller's deadline reaches its calls when the server stops what nobody waits for.
  @Test("a stopped caller gives its calls up", arguments: [CancelBehaviour.finish, .stop])
  func stoppedCaller(behaviour: CancelBehaviour) throws {
    var scene = Scene(
      service("front", time: ms(1)) {
        $0.calls = [[CallDescription(target: "a", count: 2, isParallel: true)]]
        $0.onCancel = behaviour
      },
      service("a", time: ms(100)) { $0.onCancel = behaviour })
    scene.mesh.routes[0].timeout = span(20)
    scene.request(at: 0)
    scene.request(at: 30)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [20, 20]))
    #expect(result.summary.timeouts == 2)
    #expect(result.service("front").abandoned == 2)
    if behaviour == .stop {
      #expect(result.service("front").wastedWork == 2e6)
      #expect(result.service("a").abandoned == 4)
      // Of each pair one was in service, for 19 ms.
      #expect(result.service("a").wastedWork == 38e6)
    } else {
      // The first holds the only worker until 201 ms, the second is served after its caller has gone.
      #expect(result.service("front").wastedWork == 2e6)
      #expect(result.service("a").abandoned == 0)
      #expect(result.service("a").requests == 4)
    }
  }

  /// Goal: a calling service has one data plane per replica, with that replica's state; `proxies: shared` one for all.
  @Test("data planes of callers", arguments: [false, true])
  func callersDataPlanes(isShared: Bool) throws {
    var scene = Scene(
      service("front", replicas: 2, time: ms(1)) {
        $0.calls = [[CallDescription(target: "back")]]
        $0.sharesDataPlane = isShared
      },
      service("back", time: ms(1)) { $0.errorRate = 1 })
    scene.mesh.clusters[1].failureAccrual = .consecutive(ConsecutiveAccrualDescription(maxFailures: 3, jitterRatio: 0))
    scene.client(.constant(rate: 100))
    scene.run.duration = span(900)
    let result = try scene.result()
    let proxies = result.events.filter { $0.event == "ejected" }.map(\.proxy).sorted()
    #expect(proxies == (isShared ? ["front"] : ["front-0", "front-1"]))
  }
}
