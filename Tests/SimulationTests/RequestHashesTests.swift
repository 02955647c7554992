import MeshCore
import Testing

@testable import Simulation

@Suite struct RequestHashesTests {
  private func scene(_ policies: [HashPolicyDescription]) -> Scene {
    var scene = Scene(service("web", replicas: 7, time: ms(1)), balancer: "ringHash")
    scene.mesh.routes[0].hashPolicies = policies
    return scene
  }

  private func shares(_ scene: Scene) throws -> [Int64] { try scene.result().endpoints.map(\.requests) }

  // Goal: the key stands in its header: a policy on that header places requests as no policy does, whatever the header is called, and a policy on
  // another one, which is the same in all requests, sends all to one replica.
  @Test func keyHeader() throws {
    func placed(_ policies: [HashPolicyDescription], keyHeader: String? = nil) throws -> [Int64] {
      var scene = scene(policies)
      scene.client(.constant(rate: 100)) { client in
        client.key = .uniform(keys: 1000)
        client.headers = [HeaderField(name: "x-fixed", value: "same")]
        if let keyHeader { client.keyHeader = keyHeader }
      }
      return try shares(scene)
    }
    let plain = try placed([])
    #expect(plain.count { $0 > 0 } == 7)
    #expect(try placed([.init(.header("x-weir-key"))]) == plain)
    #expect(try placed([.init(.header("x-user"))], keyHeader: "x-user") == plain)
    #expect(try placed([.init(.header("x-user")), .init(.header("nothing"))], keyHeader: "x-user") == plain)
    #expect(try placed([.init(.header("x-fixed"))]).count { $0 > 0 } == 1)
    let folded = try placed([.init(.header("x-fixed")), .init(.header("x-weir-key"))])
    #expect(folded != plain && folded.count { $0 > 0 } == 7)
    // Nothing is found: each request goes where chance has it.
    #expect(try placed([.init(.header("nothing"))]).count { $0 > 0 } == 7)
  }

  // Goal: each closed-loop user has an address of its own, an open loop has one, and so has each replica that calls.
  @Test func addresses() throws {
    var open = scene([.init(.sourceAddress)])
    open.client(.constant(rate: 100)) { $0.key = .uniform(keys: 1000) }
    #expect(try shares(open).count { $0 > 0 } == 1)
    var closed = scene([.init(.sourceAddress)])
    closed.client(.closed(users: 60, think: ms(10), requests: 600))
    #expect(try shares(closed).count { $0 > 0 } == 7)
    var calls = Scene(
      service("front", replicas: 40, time: ms(1)) { $0.calls = [[CallDescription(target: "back")]] },
      service("back", replicas: 7, time: ms(1)))
    calls.mesh.clusters[1].balancer = policy("ringHash")
    calls.mesh.routes[1].hashPolicies = [.init(.sourceAddress)]
    calls.client(.constant(rate: 100))
    let result = try calls.result()
    let back = result.endpoints.filter { $0.cluster == "back" }.map(\.requests)
    // 25 requests of each of 40 callers: whole callers go to one replica.
    #expect(back.count { $0 > 0 } == 7 && back.allSatisfy { $0 % 25 == 0 }, "\(back)")
  }

  // Goal: a cookie that is given to who has none is a session's: requests of one key keep to one replica, those of no session go anywhere.
  @Test func givenCookies() throws {
    let policies = [HashPolicyDescription(.cookie(name: "id", ttl: .zero, path: nil))]
    func used(_ key: KeyDescription?) throws -> Int {
      var scene = scene(policies)
      scene.client(.constant(rate: 100)) { $0.key = key }
      return try shares(scene).count { $0 > 0 }
    }
    #expect(try used(.constant("me")) == 1)
    #expect(try used(.uniform(keys: 1000)) == 7)
    #expect(try used(nil) == 7)
    var user = scene(policies)
    user.client(.closed(users: 1, think: ms(10), requests: 60))
    #expect(try shares(user).count { $0 > 0 } == 1)
  }

  // Goal: a trace's rows have paths of their own, and a policy on the query sees each one's.
  @Test func tracesHavePaths() throws {
    var scene = scene([.init(.queryParameter("id"))])
    let rows = (0..<200).map { number in
      var row = TraceRow(time: instant(Double(number) * 10))
      row.path = number < 100 ? "/a?id=\(number)" : "/b?id=5"
      return row
    }
    scene.client("users", .trace(rows, period: nil))
    let shares = try shares(scene)
    #expect(shares.count { $0 > 0 } == 7 && (shares.max() ?? 0) > 100, "\(shares)")
  }
}
