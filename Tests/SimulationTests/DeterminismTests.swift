// Same seed, same run; and variants meet the same traffic, whatever else is in the world.

import MeshCore
import Testing

@testable import Simulation

@Suite("determinism and common random numbers")
struct DeterminismTests {
  private func busy(_ balancer: String = "leastRequest") -> Scene {
    var scene = Scene(
      service("front", replicas: 3, time: .exponential(mean: 3e6)) {
        $0.calls = [[CallDescription(target: "back", count: 2, isParallel: true)]]
        $0.onCancel = .stop
      }, service("back", replicas: 4, time: .lognormal(location: 15, scale: 1)), balancer: balancer)
    scene.client(.poisson(rate: 150)) { $0.dataPlanes = [DataPlaneGroup(count: 2)] }
    scene.client("loop", .closed(users: 5, think: .exponential(mean: 20e6), requests: nil))
    scene.link(delay: 0.3, loss: 0.01, bandwidth: 1e9)
    scene.mesh.routes[0].timeout = span(100)
    scene.mesh.clusters[0].failureAccrual = .consecutive(ConsecutiveAccrualDescription(maxFailures: 3))
    scene.fault(.crash([FaultTarget(service: 0, replicas: [1])]), at: 1_000, for: 500, repeating: 1_500)
    scene.fault(.pause([FaultTarget(service: 1)], every: span(400), length: span(30)), at: 500)
    scene.fault(.scale(service: 1, count: 6), at: 2_000, for: 1_000)
    scene.fault(.errors([FaultTarget(service: 1)], rate: 0.1, status: 503, time: nil), at: 2_500, for: 300)
    scene.run = RunDescription(duration: .seconds(4), warmUp: .seconds(1))
    return scene
  }

  /// Goal: a run is a function of its scenario: digest, events, figures. Different decisions or seeds have other digests.
  @Test("same run, same digest")
  func digest() throws {
    let one = try busy().result()
    let two = try busy().result()
    #expect(one.traceDigest == two.traceDigest)
    #expect(one.eventCount == two.eventCount)
    #expect(one.summary == two.summary)
    #expect(one.endpoints == two.endpoints)
    #expect(one.timeline == two.timeline)
    #expect(one.events == two.events)
    #expect(one.services == two.services)
    #expect(try busy("roundRobin").result().traceDigest != one.traceDigest)
    var other = busy()
    other.seed = 2
    #expect(try other.result().traceDigest != one.traceDigest)
    var longer = busy()
    longer.mesh.routes[0].timeout = span(99)
    #expect(try longer.result().traceDigest != one.traceDigest)
  }

  /// A world without queues, in which every request's latency is what is drawn for it.
  private func drawn(_ balancer: String = "random") -> Scene {
    var scene = Scene(
      service("front", replicas: 5, time: .exponential(mean: 3e6)) {
        $0.calls = [[CallDescription(target: "back", count: 2), CallDescription(target: "back")]]
        $0.discipline = .infinite
        $0.errorRate = 0.1
      },
      service("back", replicas: 3, time: .exponential(mean: 5e6)) { $0.discipline = .infinite }, balancer: balancer)
    scene.client(.poisson(rate: 200)) { $0.dataPlanes = [DataPlaneGroup(count: 3)] }
    scene.fault(.delay([FaultTarget(service: 0)], .exponential(mean: 2e6)), at: 0)
    scene.fault(.errors([FaultTarget(service: 1)], rate: 0.2, status: 503, time: nil), at: 0)
    scene.run.duration = .seconds(4)
    return scene
  }

  private func figures(_ scene: Scene) throws -> RequestStatistics { try scene.result().client("users") }

  /// Goal: variants meet the very same requests, demands, errors and delays.
  @Test(
    "another balancer, the same traffic", arguments: ["roundRobin", "leastRequest", "peakEwma", "joinShortestQueue"])
  func balancers(name: String) throws {
    let plain = try figures(drawn())
    #expect(try figures(drawn(name)) == plain)
  }

  /// Goal: what else is in the world shifts nobody's draws: another client, a fault before the others, a service before the
  /// others that makes calls, accrual.
  @Test("additions shift nothing", arguments: 0..<5)
  func additions(way: Int) throws {
    let plain = try figures(drawn())
    var scene = drawn()
    switch way {
    case 0:
      var other = ClientDescription(name: "others", target: "front", arrivals: .poisson(rate: 300))
      other.dataPlanes = [DataPlaneGroup(count: 4)]
      scene.world.clients.insert(other, at: 0)
    case 1:
      for kind in [
        FaultKind.errors([FaultTarget(service: 1)], rate: 0, status: 500, time: nil),
        FaultKind.delay([FaultTarget(service: 1)], ms(0)), FaultKind.discoveryFrozen(service: nil),
      ] {
        scene.world.faults.insert(
          FaultDescription(at: instant(1), duration: nil, period: nil, kind: kind, summary: "more"), at: 0)
      }
    case 2:
      var more = Scene(
        service("more") { $0.calls = [[CallDescription(target: "back")]] }, scene.world.services[0],
        scene.world.services[1], balancer: "random")
      more.world.clients = scene.world.clients
      more.world.faults = scene.world.faults.map { fault in
        var fault = fault
        switch fault.kind {
        case .delay(_, let extra): fault.kind = .delay([FaultTarget(service: 1)], extra)
        case .errors(_, let rate, let status, let time, _):
          fault.kind = .errors([FaultTarget(service: 2)], rate: rate, status: status, time: time)
        default: break
        }
        return fault
      }
      more.run = scene.run
      scene = more
    case 3:
      scene.mesh.clusters[1].failureAccrual = .consecutive(ConsecutiveAccrualDescription(maxFailures: 1_000))
    default:
      scene.client("others", .closed(users: 3, think: ms(1), requests: nil))
    }
    #expect(try figures(scene) == plain)
  }

  /// Goal: how late a data plane hears of a change belongs to it, not to its place in the list.
  @Test("discovery jitter belongs to the data plane")
  func discoveryJitter() throws {
    func failures(_ others: Bool) throws -> Int64 {
      var scene = Scene(service("web", replicas: 2, time: ms(0.1)))
      if others { scene.client("others", .constant(rate: 1)) }
      scene.client(.constant(rate: 300))
      scene.mesh.clusters[0].discovery = DiscoveryDescription(jitter: .seconds(1))
      scene.fault(.scale(service: 0, count: 1), at: 1_000)
      scene.run.duration = .seconds(3)
      return try scene.result().client("users").failures
    }
    let alone = try failures(false)
    #expect(alone > 0)
    #expect(try failures(true) == alone)
  }

  /// Goal: two faults alike are two, not one: their draws differ.
  @Test("equal faults draw for themselves")
  func equalFaults() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.client(.constant(rate: 1_000))
    for _ in 0..<3 { scene.fault(.errors([FaultTarget(service: 0)], rate: 0.3, status: 500, time: nil), at: 0) }
    // 1 − 0.7³ of 10 000, standard deviation 47.
    #expect(abs(Double(try scene.result().summary.failures) - 6_570) < 4 * 47)
  }
}
