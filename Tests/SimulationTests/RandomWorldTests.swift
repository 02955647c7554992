// Worlds made at random, with everything in them at once: whatever happens, the accounts are even.

import MeshCore
import Testing

@testable import Simulation

/// Draws worlds. Small numbers everywhere, so that queues fill, timeouts strike and instants coincide.
struct WorldMaker {
  var random: RandomStream

  mutating func pick<Choice>(_ choices: Choice...) -> Choice { choices[random.below(choices.count)] }

  mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

  mutating func milliseconds(_ bound: Int) -> Double { Double(random.below(bound)) }

  mutating func time() -> DistributionDescription {
    pick(ms(0), ms(3), ms(10), .exponential(mean: 5e6), .uniform(minimum: 1e6, maximum: 9e6, step: 1e6))
  }

  mutating func service(_ name: String) -> ServiceDescription {
    SimulationTests.service(name, replicas: 1 + random.below(3), time: time()) { service in
      service.workers = 1 + random.below(3)
      service.queueLimit = pick(nil, 0, 2, 20)
      service.discipline = pick(.fifo, .lifo, .processorSharing, .infinite)
      service.errorRate = pick(0, 0, 0.1)
      service.holdsWorker = chance(50)
      service.onCancel = pick(.finish, .dropQueued, .stop)
      service.responseSize = pick(0, 1_000)
      service.perConcurrent = pick(.zero, .zero, span(1))
      if chance(15) { service.fluctuation = FluctuationDescription(every: span(70), factors: [1, 3]) }
      if chance(15) { service.coldStart = ColdStartDescription(factor: 4, over: span(300)) }
      if chance(15) { service.antagonist = AntagonistDescription(share: pick(0.2, 1), period: span(100)) }
      service.sharesDataPlane = chance(30)
      if chance(25) {
        service.codel = ControlledDelayDescription()
        service.codel?.sloughs = chance(50)
        service.codel?.isAdaptive = chance(50)
        service.codel?.interval = pick(span(10), span(100))
      }
    }
  }

  mutating func calls(to targets: [String]) -> [[CallDescription]] {
    (0..<random.below(3)).map { _ in
      (0..<1 + random.below(2)).map { _ in
        CallDescription(
          target: targets[random.below(targets.count)], count: 1 + random.below(3), isParallel: chance(50),
          onError: pick(.fail, .ignore))
      }
    }
  }

  mutating func targets(_ services: Int) -> [FaultTarget] {
    [FaultTarget(service: random.below(services), replicas: chance(50) ? nil : [random.below(2)])]
  }

  mutating func kind(_ services: Int) -> FaultKind {
    switch random.below(14) {
    case 0: return .crash(targets(services))
    case 1: return .hang(targets(services))
    case 2, 3: return .slow(targets(services), factor: pick(0.5, 4), affectsRunning: chance(60))
    case 4: return .delay(targets(services), time())
    case 5: return .errors(targets(services), rate: pick(0.3, 1), status: pick(500, 503, 429), time: pick(nil, ms(0)))
    case 6, 7: return .pause(targets(services), every: span(40), length: span(1 + milliseconds(30)))
    case 8: return .partition(from: pick(.client(0), .service(0)), to: .service(random.below(services)))
    case 9: return .loss(from: nil, to: pick(nil, .service(0)), rate: pick(0.2, 1))
    case 10, 11: return .scale(service: random.below(services), count: random.below(5))
    case 12: return .restart(targets(services), down: span(milliseconds(80)))
    default: return pick(.discoveryFrozen(service: nil), .certificateExpired(service: random.below(services)))
    }
  }

  mutating func scene() -> Scene {
    var front = service("front")
    var middle = service("middle")
    let leaf = service("leaf")
    front.calls = calls(to: ["middle", "leaf", "nowhere"])
    middle.calls = calls(to: ["leaf"])
    var scene = Scene(
      front, middle, leaf,
      balancer: pick(
        "roundRobin", "leastRequest", "peakEwma", "leastWorkLeft", "prequal", "c3",
        "clientSideWeightedRoundRobin"))
    for index in 0..<3 {
      scene.mesh.clusters[index].transport = pick(.http1, .http2, .tcp)
      scene.mesh.clusters[index].usesTLS = chance(30)
      scene.mesh.clusters[index].connectTimeout = pick(span(20), .seconds(5))
      scene.mesh.clusters[index].discovery = pick(
        DiscoveryDescription(), DiscoveryDescription(delay: span(30), jitter: span(40)))
      if chance(50) {
        scene.mesh.clusters[index].failureAccrual = .consecutive(
          ConsecutiveAccrualDescription(
            maxFailures: 2, minPenalty: span(50), maxPenalty: span(200)))
      }
      scene.mesh.routes[index].timeout = pick(nil, span(15), span(100))
      if chance(30) {
        scene.mesh.routes[index].retry = RetryDescription(
          on: pick(["5xx"], ["connect-failure", "reset", "503"]), attempts: pick(1, 3),
          perTryTimeout: pick(nil, span(12)),
          backoff: pick(RetryBackoffDescription(base: .zero, maximum: .zero), RetryBackoffDescription()),
          budget: pick(nil, RetryBudgetDescription()), hostSelectionRetries: pick(0, 2))
      }
      if chance(40) {
        scene.mesh.clusters[index].circuitBreaker = CircuitBreakerDescription(
          maxConnections: pick(nil, 0, 1, 3), maxPendingRequests: pick(nil, 0, 1, 5), maxRequests: pick(nil, 0, 2, 8),
          maxRetries: pick(nil, 1), retryBudget: pick(nil, RetryShareDescription()))
      }
      if chance(25) {
        let placement = TokenAwareDescription(replicationFactor: 2, readRepairChance: pick(0, 0.3, 1))
        scene.mesh.clusters[index].layers = LayersDescription(tokenAware: placement)
      }
    }
    if chance(30) {
      scene.mesh.inbound = [
        InboundDescription(service: pick("middle", "leaf"), total: pick(nil, 60), perIdentity: pick(nil, 20))
      ]
    }
    scene.client("open", pick(.poisson(rate: 150), .constant(rate: 200))) { client in
      client.dataPlanes = [DataPlaneGroup(count: 1 + random.below(3))]
      client.requestSize = 500
    }
    scene.client(
      "loop", .closed(users: 1 + random.below(20), think: pick(ms(1), .exponential(mean: 10e6)), requests: nil))
    if chance(70) { scene.link(delay: pick(0, 1, 3), loss: pick(0, 0.05), bandwidth: pick(nil, 8e6)) }
    if chance(40) {
      scene.world.links.append(
        LinkDescription(from: .service(0), to: .service(2), delay: .exponential(mean: 1e6), loss: pick(0, 0.02)))
    }
    if chance(30) { scene.world.hop = HopDescription(outbound: .exponential(mean: 1e6), inbound: ms(0.5)) }
    for _ in 0..<random.below(7) {
      let kind = kind(3)
      let isRepeated = chance(40)
      let length = 1 + milliseconds(200)
      scene.fault(
        kind, at: milliseconds(900), for: chance(80) || isRepeated ? length : nil,
        repeating: isRepeated ? length + milliseconds(100) : nil)
    }
    scene.seed = random.next()
    scene.run = RunDescription(
      duration: .seconds(1), requests: chance(20) ? 100 : nil, warmUp: pick(.zero, span(200)),
      drain: pick(.zero, .seconds(2)), window: span(50))
    return scene
  }
}

@Suite("random worlds")
struct RandomWorldTests {
  /// Goal: nothing is lost, answered twice or left armed, whatever strikes; a run can be repeated to the bit. Method: the audit at
  /// the end of each run, and sums that must agree.
  @Test("the accounts of random worlds are even", arguments: 0..<6)
  func even(batch: Int) throws {
    for number in 0..<10 {
      let seed = UInt64(batch * 1_000 + number)
      var maker = WorldMaker(random: RandomStream(state: seed))
      let scene = maker.scene()
      let result: ReplicationResult
      do {
        result = try scene.result()
      } catch {
        Issue.record("world \(seed): \(error)")
        continue
      }
      let summary = result.summary
      let rows = result.timeline
      var sound = summary.successes + summary.failures == summary.requests
      sound = sound && result.latency.count == summary.requests && summary.unanswered <= summary.failures
      sound = sound && summary.timeouts + summary.rejected <= summary.failures
      sound = sound && rows.map(\.requests).reduce(0, +) >= summary.requests
      sound = sound && result.endpoints.allSatisfy { $0.successes <= $0.requests }
      sound = sound && result.endpoints.allSatisfy { $0.utilization.map { $0 >= 0 && $0 <= 1.000_001 } ?? true }
      sound = sound && result.services.allSatisfy { $0.queueMean >= 0 && $0.wastedWork >= 0 && $0.failures >= 0 }
      sound = sound && zip(rows, rows.dropFirst()).allSatisfy { $0.time < $1.time }
      #expect(sound, "world \(seed)")
      if number == 0 { #expect(try scene.result().traceDigest == result.traceDigest, "world \(seed)") }
    }
  }
}
