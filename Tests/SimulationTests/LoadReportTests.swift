// What replicas report of their load, and probes, in small worlds whose figures are known.

import DataPlane
import MeshCore
import Testing

@testable import Simulation

@Suite("load reports and probes")
struct LoadReportTests {
  private func scene(_ balancer: String, replicas: Int = 1) -> Scene {
    Scene(service("web", replicas: replicas), balancer: balancer)
  }

  /// Runs to `milliseconds` and says what a replica would report then.
  private func report(_ scene: Scene, at milliseconds: Double, of replica: Int32 = 0) -> LoadReport {
    var world = World(scene.replication)
    world.begin()
    let end = instant(milliseconds).nanoseconds
    while let event = world.wheel.next(until: min(end, world.horizon)) {
      world.now = event.time
      world.perform(event)
    }
    world.now = end
    return world.loadReport(of: replica)
  }

  // Goal: a replica that serves 10 ms of every 20 reports half its time, 50 answers a second, no errors.
  @Test func steadyLoadIsReported() {
    var scene = scene("clientSideWeightedRoundRobin")
    scene.client(at: (0..<400).map { Double($0) * 20 })
    let report = report(scene, at: 8000)
    #expect(abs(report.applicationUtilization - 0.5) < 0.02)
    #expect(abs(report.requestsPerSecond - 50) < 1.5)
    #expect(report.errorsPerSecond == 0)
    #expect(report.requestsInFlight == 0)
    #expect(report.expectedLatency == span(10))
  }

  // Goal: utilization counts against the allocation, above 1 where a replica uses more than that, never above its own workers.
  @Test(arguments: [(nil, nil, 0.5), (1, nil, 1.0), (4, nil, 0.25), (1, 1, 1.0), (nil, 1, 1.0), (2, 1, 0.5)])
  func utilizationGoesByAllocation(_ allocation: Int?, _ own: Int?, _ expected: Double) {
    var scene = scene("clientSideWeightedRoundRobin")
    scene.world.services[0].workers = 2
    scene.world.services[0].allocation = allocation
    scene.world.services[0].replicas[0].workers = own
    // A request of 10 ms every 10 ms keeps one worker busy.
    scene.client(at: (0..<800).map { Double($0) * 10 })
    #expect(abs(report(scene, at: 8000).applicationUtilization - expected) < 0.02)
  }

  // Goal: a replica's own number of workers is what serves, and what the figures of replica and service count against.
  @Test func replicasHaveWorkersOfTheirOwn() throws {
    var scene = Scene(service("web", replicas: 2) { $0.workers = 3 })
    scene.world.services[0].replicas[1].workers = 1
    // Turns: 0 and 1 get two each at the same instant.
    scene.requests(at: 0, 0, 0, 0)
    let result = try scene.result()
    #expect(alike(result.milliseconds.sorted(), [10, 10, 10, 20]))
    let (wide, narrow) = (result.endpoint("web-0").utilization ?? 0, result.endpoint("web-1").utilization ?? 0)
    #expect(abs(narrow - 3 * wide) < 1e-12 && wide > 0)
    #expect(abs((result.service("web").utilization ?? 0) - (3 * wide + narrow) / 4) < 1e-12)
  }

  // Goal: errors are reported as such.
  @Test func errorsAreReported() {
    var scene = scene("clientSideWeightedRoundRobin")
    scene.world.services[0].errorRate = 1
    scene.client(at: (0..<400).map { Double($0) * 20 })
    let report = report(scene, at: 8000)
    #expect(abs(report.errorsPerSecond - 50) < 1.5)
  }

  // Goal: what is in flight is counted, and the expected latency is that of requests that met as many.
  @Test func latencyGoesByRequestsInFlight() {
    var scene = scene("prequal")
    // Every second four at once: they meet 0, 1, 2, 3 and take 10, 20, 30, 40 ms.
    scene.client(at: (0..<6).flatMap { second in (0..<4).map { _ in Double(second) * 1000 } })
    for (time, inFlight) in [(5005.0, 4), (5015, 3), (5025, 2), (5035, 1), (5045, 0)] {
      let report = report(scene, at: time)
      #expect(report.requestsInFlight == inFlight)
      let met = min(inFlight, 3)
      #expect(report.expectedLatency == span(Double(met + 1) * 10), "\(inFlight) in flight")
    }
  }

  // Goal: the latency of a class is the lower median of its last eight.
  @Test func medianOfTheLastEight() {
    var random = RandomStream(state: 3)
    var memory = LatencyMemory(replicas: 2)
    var noted: [Int64] = []
    #expect(memory.expected(replica: 1, inFlight: 4) == 0)
    for _ in 0..<200 {
      noted.append(Int64(random.below(6)))
      memory.note(noted[noted.count - 1], replica: 1, inFlight: 5)
      let last = noted.suffix(8).sorted()
      #expect(memory.expected(replica: 1, inFlight: 5) == last[(last.count - 1) / 2])
      // The nearest class answers for one that has nothing.
      #expect(memory.expected(replica: 1, inFlight: 30) == last[(last.count - 1) / 2])
    }
    #expect(memory.expected(replica: 0, inFlight: 5) == 0)
  }

  // Goal: classes grow with the number and never exceed what there is room for.
  @Test func classesGrow() {
    let levels = (0...5000 as ClosedRange<Int32>).map(LatencyMemory.level)
    #expect(levels == levels.sorted())
    #expect(levels[15] == 15 && levels[16] == 16 && levels[19] == 16 && levels[20] == 17 && levels[31] == 19)
    #expect(LatencyMemory.level(.max) == LatencyMemory.classes - 1 && LatencyMemory.level(-1) == 0)
  }

  // Goal: an answer says how long its own service took, whatever it waited.
  @Test func serviceTimeIsReported() {
    var scene = scene("c3")
    scene.requests(at: 0, 1, 2)
    var world = World(scene.replication)
    world.begin()
    while let event = world.wheel.next(until: world.horizon) {
      world.now = event.time
      world.perform(event)
    }
    #expect(world.reports.count > 0)
    for index in 0..<world.reports.count { #expect(world.reports[Int32(index)].serviceTime == span(10)) }
  }

  // Goal: probes take the link's time there and back, are answered while all workers are busy, time out at a replica that
  // hangs, and the accounts are even whenever the run ends.
  @Test(arguments: [0, 0.5, 2, 40]) func probesTravel(_ delay: Double) throws {
    var scene = scene("prequal", replicas: 3)
    scene.client(at: (0..<300).map { Double($0) * 7 })
    if delay > 0 { scene.link(delay: delay) }
    scene.fault(.hang([FaultTarget(service: 0, replicas: [1])]), at: 700, for: 600)
    scene.fault(.crash([FaultTarget(service: 0, replicas: [2])]), at: 900, for: 300)
    scene.mesh.routes[0].timeout = .seconds(1)
    let result = try scene.result()
    #expect(result.client("users").requests == 300)
    // A run that is cut off in the middle of probes.
    scene.run = RunDescription(duration: .milliseconds(1001), drain: .zero)
    _ = try scene.result()
  }

  // Goal: probing keeps traffic off a replica that hangs or crashes, but for the requests that are out already and those that
  // try it without knowing.
  @Test func probesFindTheSlow() throws {
    var scene = scene("prequal", replicas: 4)
    scene.world.services[0].replicas[3].speed = 0.1
    scene.link(delay: 0.1)
    scene.client("users", .constant(rate: 100))
    let result = try scene.result()
    let shares = (0..<4).map { Double(result.endpoint("web-\($0)").requests) }
    #expect(shares[3] < 0.03 * shares.reduce(0, +), "\(shares)")
  }

  // Goal: weights follow reported utilization: of two replicas at speeds 1 and 3 the faster gets about three times as much.
  @Test func weightsFollowSpeed() throws {
    var scene = scene("clientSideWeightedRoundRobin", replicas: 2)
    scene.world.services[0].replicas[1].speed = 3
    scene.client("users", .constant(rate: 150))
    scene.run = RunDescription(duration: .seconds(60), drain: .seconds(60))
    let result = try scene.result()
    let (slow, fast) = (result.endpoint("web-0").requests, result.endpoint("web-1").requests)
    #expect(Double(fast) / Double(slow) > 2 && Double(fast) / Double(slow) < 3.2, "\(slow) \(fast)")
  }
}
