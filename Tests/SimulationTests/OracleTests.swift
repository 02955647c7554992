// The oracle against an obvious recomputation: after every event of a run, the work it tells is added up anew from all requests.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane
@testable import Simulation

@Suite("oracle")
struct OracleTests {
  /// Nanoseconds of service that a replica has left of everything it holds, from the requests alone.
  private func workLeft(_ world: inout World, _ replica: Int32) -> Double {
    var sum: Double = 0
    for index in 0..<Int32(world.works.slotCount)
    where world.works.isOccupied(index) && world.works[index].replica == replica {
      let work = world.works[index]
      switch work.phase {
      case .waiting: sum += Double(work.demand) * (work.isDecided ? 1 : world.replicas[replica].stretch)
      case .inService: sum += Double(world.serviceLeft(index))
      default: break
      }
    }
    return sum
  }

  /// Runs a scene and compares after every event, and a little later, what the data planes have been told. Returns how often there
  /// was work to compare.
  private func compare(_ scene: Scene, sourceLocation: SourceLocation = #_sourceLocation) -> Int {
    var world = World(scene.replication)
    var seen = 0
    world.begin()
    while let event = world.wheel.next(until: world.horizon) {
      world.now = event.time
      world.perform(event)
      for replica in 0..<Int32(world.replicas.count) {
        let expected = workLeft(&world, replica)
        for proxy in 0..<world.proxyCount {
          guard let slot = world.proxies[proxy].plane.clusters[0].endpoints.slot(of: EndpointIdentity(replica)) else {
            continue
          }
          let rank = world.proxies[proxy].plane.clusters[0].rank(slot: slot, at: Timestamp(nanoseconds: world.now))
          guard let told = rank else {
            Issue.record("the oracle's policy compares nothing", sourceLocation: sourceLocation)
            return seen
          }
          let held = Double(world.replicas[replica].inService)
          if abs(told - expected) > 1 + 1.5 * held {
            let place = "\(replica) at \(world.now): told \(told), is \(expected), after \(event.kind)"
            Issue.record("\(place)", sourceLocation: sourceLocation)
            return seen
          }
          seen += expected > 0 ? 1 : 0
        }
      }
      if world.hasStopped && world.measurement.open == 0 && world.works.occupiedCount == 0 { break }
    }
    return seen
  }

  private func scene(_ discipline: Discipline, _ behaviour: CancelBehaviour) -> Scene {
    var scene = Scene(
      service("web", replicas: 3, time: .exponential(mean: 9e6)) {
        $0.workers = 2
        $0.discipline = discipline
        $0.onCancel = behaviour
        $0.replicas[0].speed = 0.7
      }, balancer: "leastWorkLeft")
    scene.client(.poisson(rate: 500))
    scene.run = RunDescription(duration: .seconds(1), drain: .seconds(1))
    return scene
  }

  /// Goal: whatever the discipline, timeouts, speeds and faults do, the oracle tells what is really left.
  @Test("what is told is what is left", arguments: [Discipline.fifo, .lifo, .processorSharing, .infinite])
  func truth(discipline: Discipline) {
    for behaviour in [CancelBehaviour.finish, .dropQueued, .stop] {
      var scene = scene(discipline, behaviour)
      #expect(compare(scene) > 500)
      scene.mesh.routes[0].timeout = span(12)
      scene.world.services[0].perConcurrent = .microseconds(300)
      scene.world.services[0].fluctuation = FluctuationDescription(every: span(70), factors: [1, 1.3])
      scene.world.services[0].antagonist = AntagonistDescription(share: 0.2, period: span(90))
      scene.world.services[0].coldStart = ColdStartDescription(factor: 3, over: span(50))
      scene.fault(.slow([FaultTarget(service: 0, replicas: [1])], factor: 3, affectsRunning: true), at: 100, for: 200)
      scene.fault(.slow([FaultTarget(service: 0)], factor: 1.7, affectsRunning: false), at: 200, for: 200)
      scene.fault(.pause([FaultTarget(service: 0)], every: span(50), length: span(7)), at: 300, for: 100)
      scene.fault(.crash([FaultTarget(service: 0, replicas: [2])]), at: 400, for: 100)
      scene.fault(.hang([FaultTarget(service: 0, replicas: [0])]), at: 550, for: 50)
      scene.fault(.errors([FaultTarget(service: 0)], rate: 0.3, status: 500, time: ms(2)), at: 600, for: 100)
      scene.fault(.restart([FaultTarget(service: 0, replicas: [1])], down: span(30)), at: 700)
      scene.fault(.scale(service: 0, count: 1), at: 750, for: 40)
      #expect(compare(scene) > 500)
    }
  }

  /// Goal: a replica that calls others has no work of its own left meanwhile.
  @Test("calling is not work")
  func calling() {
    var scene = Scene(
      service("web", replicas: 2, time: .exponential(mean: 4e6)) { $0.calls = [[CallDescription(target: "db")]] },
      service("db", replicas: 2), balancer: "leastWorkLeft")
    scene.client(.poisson(rate: 120))
    scene.mesh.routes[0].timeout = span(40)
    scene.world.services[0].onCancel = .stop
    scene.run = RunDescription(duration: .seconds(2), drain: .seconds(1))
    #expect(compare(scene) > 300)
  }

  /// Goal: of two endpoints the one with less left is chosen, also when it is the one that began with more, or is the slower one.
  @Test("the choice follows what is left")
  func choice() throws {
    // The first has 20 ms of work at half speed: 40 ms. The second has 30 ms. Both are told the truth, so 1 ms later the third
    // request goes to the second.
    var scene = Scene(
      service("web", replicas: 2) { $0.replicas[0].speed = 0.5 }, balancer: "leastWorkLeft")
    scene.fault(.scale(service: 0, count: 1), at: 0)
    scene.request(at: 1, demand: 20)
    scene.fault(.scale(service: 0, count: 2), at: 2)
    scene.request(at: 3, demand: 30)
    scene.request(at: 4, demand: 1)
    let result = try scene.result()
    #expect(alike(result.milliseconds, [40, 30, 30]))
    #expect(result.endpoint("web-1").requests == 2)
  }
}
