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
