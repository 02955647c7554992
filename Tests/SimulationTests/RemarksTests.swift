// What answers say beside their status, from the replica that a fault makes say it to the data plane that heeds it.

import MeshCore
import Testing

@testable import Simulation

@Suite("remarks of answers")
struct RemarksTests {
  private let web = [FaultTarget(service: 0)]
  private let first = [FaultTarget(service: 0, replicas: [0])]

  // Goal: a Retry-After comes with the answers that the fault makes fail, and with no other: the retry waits for it.
  @Test func retryAfter() throws {
    func latency(_ retryAfter: TimeSpan?, longestReset: TimeSpan = .seconds(60), rate: Double = 1) throws -> Double {
      var scene = Scene(service("web"))
      scene.mesh.routes[0].retry = RetryDescription(on: ["5xx"], backoff: RetryBackoffDescription(base: .zero))
      scene.mesh.routes[0].retry?.longestReset = longestReset
      scene.fault(.errors(web, rate: rate, status: 503, time: ms(1), retryAfter: retryAfter), at: 0, for: 500)
      scene.request(at: 10)
      return try scene.result().milliseconds[0]
    }
    let waited = try latency(.seconds(2))
    #expect(waited >= 2011 && waited < 3011)
    #expect(try latency(nil) == 2 && latency(.seconds(2), longestReset: .zero) == 2)
    #expect(try latency(.seconds(2), longestReset: .seconds(1)) == 2)
    #expect(try latency(.seconds(2), rate: 0) == 10)
  }

  // Goal: being told such things changes nothing where nobody heeds them.
  @Test func unheeded() throws {
    var scene = Scene(service("web", replicas: 3))
    scene.client(.poisson(rate: 100))
    scene.fault(.errors(web, rate: 0.3, status: 503, time: nil), at: 0)
    let plain = try scene.result()
    scene.world.faults = []
    scene.fault(.errors(web, rate: 0.3, status: 503, time: nil, retryAfter: .seconds(3)), at: 0)
    #expect(try scene.result().traceDigest == plain.traceDigest)
  }

  private func leaving(_ question: HealthCheckDescription.Question) -> Scene {
    var scene = Scene(service("web", replicas: 2))
    var check = HealthCheckDescription(
      question, interval: span(1000), timeout: span(50), unhealthyThreshold: 3, healthyThreshold: 1)
    check.reusesConnection = true
    scene.mesh.clusters[0].healthCheck = check
    scene.client(at: (0..<60).map { Double($0) * 50 + 20 })
    scene.fault(.healthCheckFail(first), at: 100, for: 1500)
    scene.run.duration = .seconds(3)
    return scene
  }

  private func told(_ scene: Scene) throws -> [String] {
    try scene.result().events.filter { $0.endpoint == "web-0" && $0.time > .zero }.map {
      "\(Double($0.time.nanoseconds) / 1e6) \($0.event) \($0.detail)"
    }
  }

  // Goal: the first answer to a request after the fault's beginning takes its replica out, which is answered by no other; checks while it
  // lasts fail, and the first one after it lets it in. Requests are served all the same.
  @Test func healthCheckFail() throws {
    let scene = leaving(.http)
    #expect(
      try told(scene) == [
        "130.0 unhealthy failed: an answer asked for it, which is enough at once",
        "2000.0 healthy passed: 1 check in a row",
      ])
    let result = try scene.result()
    #expect(result.clients[0].statistics.failures == 0)
    let plain = try {
      var other = scene; other.world.faults = []; return try other.result()
    }()
    #expect(plain.endpoint("web-0").requests == 30 && result.endpoint("web-0").requests < 20)
  }

  // Goal: gRPC's checks fail by their status, TCP's know nothing of it; who checks nobody does not hear it.
  @Test func otherChecks() throws {
    #expect(try told(leaving(.grpc)).first == "130.0 unhealthy failed: an answer asked for it, which is enough at once")
    var deaf = leaving(.http)
    deaf.mesh.clusters[0].healthCheck = nil
    #expect(try told(deaf).isEmpty)
  }
}
