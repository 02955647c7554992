// Pools of connections under a circuit breaker: who travels, waits or is turned away, to the millisecond.

import MeshCore
import Testing

@testable import Simulation

@Suite("pools")
struct PoolTests {
  /// Requests of one client at the given milliseconds, to a service that takes 10 ms and has room for all. Returns each one's latency by
  /// its answer's status: what was turned away has taken no time.
  private func scene(
    _ instants: [Double], _ transport: ClusterProtocol = .http1, _ breaker: CircuitBreakerDescription,
    delay: Double? = nil, replicas: Int = 1
  ) -> Scene {
    var scene = Scene(service("web", replicas: replicas) { $0.discipline = .infinite })
    scene.mesh.clusters[0].transport = transport
    scene.mesh.clusters[0].circuitBreaker = breaker
    scene.client("users", at: instants)
    if let delay { scene.link(delay: delay) }
    return scene
  }

  /// Goal: an http1 pool of one connection serves one after another; who finds the waiting places taken is turned away, counted, and
  /// no attempt of the endpoint's.
  @Test func oneConnection() throws {
    let result = try scene([0, 1, 2, 3], breakerOf(connections: 1, pending: 2)).result()
    #expect(result.summary.successes == 3 && result.summary.rejected == 1)
    #expect(result.summary.refusals.breakerOverflow == 1)
    // 10, then 9 + 10, then 18 + 10.
    #expect(alike([(result.summary.latencyMaximum ?? 0) / 1e6], [28], within: 0.01))
    #expect(result.endpoint("web-0").requests == 3)
    #expect(result.instants(of: "breakerOpened") == [1, 3])
    #expect(result.instants(of: "breakerClosed") == [1_002, 1_003])
  }

  private func breakerOf(
    connections: Int32? = nil, pending: Int32? = nil, requests: Int32? = nil
  ) -> CircuitBreakerDescription {
    CircuitBreakerDescription(maxConnections: connections, maxPendingRequests: pending, maxRequests: requests)
  }

  private func scene(_ instants: [Double], _ breaker: CircuitBreakerDescription) -> Scene {
    scene(instants, .http1, breaker)
  }

  /// Goal: an endpoint's own limit makes requests wait for its connections, whatever room the cluster has; other endpoints' go on.
  @Test func limitOfOneEndpoint() throws {
    var breaker = CircuitBreakerDescription()
    breaker.maxConnectionsPerHost = 1
    let one = try scene([0, 1, 2], .http1, breaker).result()
    // 10, then 9 + 10, then 18 + 10.
    #expect(one.summary.successes == 3 && alike([(one.summary.latencyMaximum ?? 0) / 1e6], [28], within: 0.01))
    let three = try scene([0, 1, 2], .http1, breaker, replicas: 3).result()
    #expect(alike([(three.summary.latencyMaximum ?? 0) / 1e6], [10], within: 0.01))
    breaker.maxConnectionsPerHost = 2
    let two = try scene([0, 1, 2], .http1, breaker).result()
    #expect(alike([(two.summary.latencyMaximum ?? 0) / 1e6], [18], within: 0.01))
  }

  /// Goal: each pool may have a first connection, whatever the limit.
  @Test func firstConnections() throws {
    let result = try scene([0, 0, 0], .http1, breakerOf(connections: 1), replicas: 3).result()
    #expect(result.summary.successes == 3 && alike([(result.summary.latencyMaximum ?? 0) / 1e6], [10], within: 0.01))
  }

  /// Goal: without a waiting place nobody is served who needs a connection; one that is open needs none.
  @Test func noWaitingPlace() throws {
    #expect(try scene([0, 5], breakerOf(pending: 0)).result().summary.successes == 0)
    var linked = scene([0, 1, 20, 31], .http2, breakerOf(pending: 1), delay: 1)
    // The second finds one who waits for the connection; later ones find it open.
    #expect(try linked.result().summary.refusals.breakerOverflow == 1)
    linked.mesh.clusters[0].circuitBreaker = breakerOf(pending: 2)
    #expect(try linked.result().summary.successes == 4)
  }

  /// Goal: the limit of requests counts those on connections, whatever the protocol, and strikes those that have waited for one too.
  @Test(arguments: [ClusterProtocol.http1, .http2]) func requests(transport: ClusterProtocol) throws {
    let result = try scene([0, 1, 2, 11, 12], transport, breakerOf(requests: 2)).result()
    #expect(result.summary.successes == 4 && result.summary.refusals.breakerOverflow == 1)
    // Both wait for their connections, which open at 2 ms: the second has no room then.
    let waited = try scene([0, 0], transport, breakerOf(requests: 1), delay: 1).result()
    #expect(waited.summary.successes == 1 && waited.summary.refusals.breakerOverflow == 1)
    #expect(waited.endpoint("web-0").requests == 1)
  }

  /// Goal: on a tunnel requests are not limited, and each has a connection of its own, which closes.
  @Test func tunnels() throws {
    let result = try scene([0, 1, 2, 30], .tcp, breakerOf(connections: 2, requests: 1)).result()
    // The third waits for the first one's end.
    #expect(result.summary.successes == 4 && alike([(result.summary.latencyMaximum ?? 0) / 1e6], [18], within: 0.01))
  }

  /// Goal: an answer that is given up closes its http1 connection, and who waits has the next one.
  @Test func timeout() throws {
    var scene = scene([0, 1], breakerOf(connections: 1))
    scene.world.services[0].time = .constant(30e6)
    scene.mesh.routes[0].timeout = .milliseconds(20)
    let result = try scene.result()
    // The second is on its way at 20 ms, and given up at 21.
    #expect(result.summary.timeouts == 2 && result.endpoint("web-0").requests == 2)
  }

  /// Goal: connections of a replica that crashes are gone, and those who wait for one hear of it.
  @Test(arguments: [ClusterProtocol.http1, .http2, .tcp]) func crash(transport: ClusterProtocol) throws {
    for delay in [nil, 1.0] {
      var scene = scene(
        [0, 1, 2, 100, 101], transport, breakerOf(connections: 1, pending: 5, requests: 9), delay: delay)
      scene.fault(.crash([FaultTarget(service: 0)]), at: 5, for: 50)
      let result = try scene.result()
      #expect(result.summary.successes == 2 && result.summary.failures == 3)
      #expect(result.summary.refusals.breakerOverflow == 0)
    }
  }

  /// Goal: limits that never strike change nothing of what happens, whatever lies between and whatever strikes. Method: random worlds
  /// with and without; where waits for connections end in other orders only sums are held.
  @Test(arguments: 0..<8 as Range<UInt64>) func wideLimits(seed: UInt64) throws {
    var random = RandomStream(state: mix64(seed &+ 5))
    var scene = Scene(
      service("web", replicas: 3, time: .exponential(mean: 8e6)) { $0.workers = 2 }, balancer: "leastRequest")
    scene.client(.poisson(rate: 500))
    scene.seed = seed
    scene.run = RunDescription(duration: .seconds(4))
    scene.mesh.clusters[0].transport = [.http1, .http2][random.below(2)]
    scene.mesh.routes[0].timeout = random.below(2) == 0 ? nil : .milliseconds(40)
    if random.below(2) == 0 { scene.fault(.crash([FaultTarget(service: 0, replicas: [1])]), at: 1_000, for: 500) }
    let bare = try scene.result()
    scene.mesh.clusters[0].circuitBreaker = breakerOf(connections: 100_000, pending: 100_000, requests: 100_000)
    let limited = try scene.result()
    #expect(limited.summary == bare.summary && limited.latency.mean == bare.latency.mean)
  }

  /// Goal: more than the limit is never at a service, and what is turned away and what is served are all there are.
  @Test(arguments: [(ClusterProtocol.http1, 5), (.http2, 5), (.http1, 1)] as [(ClusterProtocol, Int32)])
  func overload(transport: ClusterProtocol, limit: Int32) throws {
    var scene = Scene(service("web", replicas: 2, time: .exponential(mean: 10e6)) { $0.discipline = .infinite })
    scene.client(.poisson(rate: 2_000))
    scene.mesh.clusters[0].transport = transport
    scene.mesh.clusters[0].circuitBreaker = breakerOf(requests: limit)
    let result = try scene.result()
    let overflow = result.summary.refusals.breakerOverflow
    #expect(result.summary.successes + overflow == result.summary.requests && overflow > 0)
    // An Erlang loss system: load 20 at so many servers.
    var blocking = 1.0
    for servers in 1...Int(limit) { blocking = 20 * blocking / (Double(servers) + 20 * blocking) }
    let share = Double(overflow) / Double(result.summary.requests)
    #expect(abs(share - blocking) < 0.02)
  }
}
