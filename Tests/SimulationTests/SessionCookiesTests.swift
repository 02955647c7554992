import MeshCore
import Testing

@testable import Simulation

@Suite struct SessionCookiesTests {
  private func scene(_ session: StatefulSessionDescription?) -> Scene {
    var scene = Scene(service("web", replicas: 5, time: ms(1)))
    scene.mesh.routes[0].statefulSession = session
    return scene
  }

  /// How many replicas got anything.
  private func used(_ scene: Scene) throws -> Int { try scene.result().endpoints.count { $0.requests > 0 } }

  // Goal: a closed-loop user without keys is a session, one of ten is served by one replica; without sessions turns go round.
  @Test func usersAreSessions() throws {
    for (session, expected) in [(nil, 5), (StatefulSessionDescription(), 1)] {
      var scene = scene(session)
      scene.client(.closed(users: 1, think: ms(10), requests: 50))
      #expect(try used(scene) == expected)
    }
  }

  // Goal: requests of one key keep to one replica through whichever data plane they come; requests of no session do not.
  @Test func keysAreSessionsAcrossDataPlanes() throws {
    var sticky = scene(StatefulSessionDescription())
    sticky.client(.constant(rate: 10)) { client in
      client.key = .constant("me")
      client.dataPlanes = [DataPlaneGroup(count: 4)]
    }
    #expect(try used(sticky) == 1)
    var loose = scene(StatefulSessionDescription())
    loose.client(.constant(rate: 10))
    #expect(try used(loose) == 5)
  }

  // Goal: a client keeps one cookie of each name for each host, as browsers do: what one route's cookie names is nothing to a route
  // that calls its cookie otherwise or has another host, and is shared by one of the same host that calls it alike.
  @Test func cookiesGoByHostAndName() {
    func route(_ host: String, _ name: String) -> RouteDescription {
      var route = RouteDescription(match: RouteMatch(host: host), split: [WeightedCluster(cluster: 0)])
      route.statefulSession = StatefulSessionDescription(cookie: name)
      return route
    }
    var cookies = SessionCookies([route("web", "a"), route("web", "b"), route("api", "a"), route("web", "a")])
    let session = ClientSession(client: 0, key: 7)
    for (route, endpoint) in [(0, 4), (1, 5), (2, 6)] as [(Int32, Int32)] {
      #expect(cookies.begin(call: 1, route: route, session, at: 0) == -1)
      cookies.sent(call: 1, to: endpoint)
      cookies.answered(call: 1, at: 0)
    }
    for (route, endpoint) in [(0, 4), (1, 5), (2, 6), (3, 4)] as [(Int32, Int32)] {
      #expect(cookies.begin(call: 1, route: route, session, at: 0) == endpoint)
    }
  }

  // Goal: through an aggregate that spills over no session is found, and strict ones fail, as in Envoy, whose aggregates have no
  // endpoints of their own; where the first cluster that works takes all, that cluster finds its own (gRPC).
  @Test(arguments: [(FailoverRule.spillOver, false), (.spillOver, true), (.firstUsable, false), (.firstUsable, true)])
  func aggregatesFindSessions(_ failover: FailoverRule, _ isStrict: Bool) throws {
    var scene = Scene(
      service("web", replicas: 5, time: ms(1)), service("spare", replicas: 3, time: ms(1)), balancer: "random")
    for cluster in 0..<2 { scene.mesh.clusters[cluster].layers = LayersDescription() }
    scene.mesh.aggregates = [AggregateDescription(name: "all", clusters: [0, 1], failover: failover)]
    scene.mesh.routes[0].split = [WeightedCluster(cluster: 2)]
    scene.mesh.routes[0].statefulSession = StatefulSessionDescription(isStrict: isStrict)
    scene.client(.closed(users: 1, think: ms(10), requests: 50))
    let result = try scene.result()
    let used = result.endpoints.count { $0.requests > 0 }
    #expect(used == (failover == .firstUsable || isStrict ? 1 : 5))
    #expect(result.successes == [failover == .spillOver && isStrict ? 1 : 50])
  }

  // Goal: who drains keeps its sessions where they are let go there, and gets nobody else's; elsewhere it is not listed.
  @Test(arguments: [false, true]) func drainingKeepsSessions(_ isAccepted: Bool) throws {
    // web-1 is used first, and drains from 1 s on, with work until 5.1 s.
    var scene = Scene(service("web", replicas: 2, time: ms(1)) { $0.workers = 4 })
    scene.world.services[0].replicas[0].priority = 1
    scene.mesh.clusters[0].layers = LayersDescription()
    scene.mesh.routes[0].statefulSession = StatefulSessionDescription()
    if isAccepted { scene.mesh.clusters[0].overrideHostStatus = [.healthy, .draining] }
    let requests = [(0, 1), (100, 5_000), (2_000, 1), (3_000, 1), (7_000, 1)]
      .map { TraceRow(time: instant($0.0), demand: span($0.1)) }
    scene.client("me", .trace(requests, period: nil)) { $0.key = .constant("me") }
    scene.client("others", at: (0..<20).map { 2_100 + Double($0) * 10 })
    scene.fault(.scale(service: 0, count: 1), at: 1_000)
    let result = try scene.result()
    #expect(result.endpoint("web-1").requests == (isAccepted ? 4 : 2))
    #expect(result.endpoint("web-0").requests == (isAccepted ? 21 : 23))
    #expect(result.successes == [5, 20])
  }

  // Goal: a cookie holds from when it was set, not from its last use; then the balancer chooses anew.
  @Test func cookiesExpire() {
    var route = RouteDescription(match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)])
    route.statefulSession = StatefulSessionDescription(ttl: TimeSpan(nanoseconds: 100))
    var cookies = SessionCookies([route])
    let session = ClientSession(client: 0, key: 7)
    #expect(cookies.isOn && cookies.begin(call: 2, route: 0, session, at: 0) == -1)
    cookies.sent(call: 2, to: 4)
    cookies.answered(call: 2, at: 10)
    #expect(cookies.begin(call: 0, route: 0, session, at: 60) == 4)
    cookies.sent(call: 0, to: 4)
    cookies.answered(call: 0, at: 70)
    #expect(cookies.begin(call: 0, route: 0, session, at: 109) == 4)
    cookies.sent(call: 0, to: 1)
    #expect(cookies.begin(call: 1, route: 0, session, at: 110) == -1)
    #expect(cookies.begin(call: 1, route: 0, ClientSession(client: 1, key: 7), at: 50) == -1)
    // Who was served elsewhere than named is told so; who was never sent anywhere is not.
    cookies.answered(call: 0, at: 120)
    cookies.answered(call: 1, at: 121)
    #expect(cookies.begin(call: 1, route: 0, session, at: 130) == 1)
    cookies.beginWithout(call: 1)
    cookies.sent(call: 1, to: 3)
    cookies.answered(call: 1, at: 131)
    #expect(cookies.begin(call: 1, route: 0, session, at: 132) == 1)
    #expect(cookies.begin(call: 1, route: -1, session, at: 132) == -1)
    #expect(!SessionCookies([]).isOn)
  }
}
