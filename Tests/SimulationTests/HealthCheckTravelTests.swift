// Health checks as they travel: what they meet on the way and at their replica, and how long that takes.

import MeshCore
import Testing

@testable import Simulation

@Suite("health checks in the lab")
struct HealthCheckTravelTests {
  private let web = [FaultTarget(service: 0)]

  private func scene(
    replicas: Int = 1, delay: Double = 3, _ question: HealthCheckDescription.Question = .http, tls: Bool = false,
    _ change: (inout HealthCheckDescription) -> Void = { _ in }
  ) -> Scene {
    var scene = Scene(service("web", replicas: replicas))
    var check = HealthCheckDescription(
      question, interval: span(100), timeout: span(50), unhealthyThreshold: 2, healthyThreshold: 2)
    check.reusesConnection = question == .http || question == .grpc
    change(&check)
    scene.mesh.clusters[0].healthCheck = check
    scene.mesh.clusters[0].usesTLS = tls
    scene.client(at: [900])
    if delay > 0 { scene.link(delay: delay) }
    scene.run.duration = .seconds(1)
    scene.run.drain = .seconds(1)
    return scene
  }

  private func told(_ result: ReplicationResult) -> [String] {
    result.events.filter { $0.event == "healthy" || $0.event == "unhealthy" }.map {
      "\(Double($0.time.nanoseconds) / 1e6) \($0.event) \($0.detail)"
    }
  }

  // Goal: the first check opens a connection, which takes a round trip, with TLS two; a TCP check is over when it stands; without
  // a link nothing takes time.
  @Test func roundTrips() throws {
    #expect(told(try scene().result()) == ["12.0 healthy passed: the first check"])
    #expect(told(try scene(tls: true).result()) == ["18.0 healthy passed: the first check"])
    #expect(told(try scene(.tcp(awaitsAnswer: false)).result()) == ["6.0 healthy passed: the first check"])
    #expect(told(try scene(.tcp(awaitsAnswer: true)).result()) == ["12.0 healthy passed: the first check"])
    #expect(told(try scene(delay: 0).result()) == ["0.0 healthy passed: the first check"])
  }

  // Goal: a crashed replica resets the connection that stood and refuses the next one, each of which counts; it is back two passes
  // after it. Checks after the first take one round trip, of whose end the next one's time counts.
  @Test func crash() throws {
    var scene = scene()
    scene.fault(.crash(web), at: 150, for: 200)
    // Checks begin at 0, 112, 218 (a connection refused at 224, since the crash closed it), 324 (refused at 330), 430 (a connection and an
    // answer at 442), 542 (548).
    #expect(
      told(try scene.result()) == [
        "12.0 healthy passed: the first check",
        "330.0 unhealthy failed: 2 checks in a row, last: connection refused",
        "548.0 healthy passed: 2 checks in a row",
      ])
  }

  // Goal: a status that a fault gives is an answer that is enough at once, unless it is to be tried again; gRPC knows no other than 200.
  @Test func statuses() throws {
    for question in [HealthCheckDescription.Question.http, .grpc] {
      var scene = scene(question)
      scene.fault(.errors(web, rate: 1, status: 503, time: nil), at: 100, for: 50)
      #expect(
        told(try scene.result()) == [
          "12.0 healthy passed: the first check", "118.0 unhealthy failed: 503, which is enough at once",
          "330.0 healthy passed: 2 checks in a row",
        ])
    }
    var scene = scene { $0.retriableStatuses = [503..<504] }
    scene.fault(.errors(web, rate: 1, status: 503, time: nil), at: 100)
    #expect(told(try scene.result()).last == "224.0 unhealthy failed: 2 checks in a row, last: 503")
  }

  // Goal: a hung replica takes connections and answers nothing: HTTP runs into its timeout, a TCP connection passes.
  @Test func hang() throws {
    var http = scene()
    http.fault(.hang(web), at: 100)
    #expect(told(try http.result()).last == "312.0 unhealthy failed: 2 checks in a row, last: timeout")
    var tcp = scene(.tcp(awaitsAnswer: false))
    tcp.fault(.hang(web), at: 100)
    #expect(told(try tcp.result()).count == 1)
  }

  // Goal: what a fault delays beyond the timeout is late, less is not; a pause holds the answer back until it ends.
  @Test func holdUps() throws {
    for (delay, isLate) in [(40.0, false), (45.0, true)] {
      var scene = scene()
      scene.fault(.delay(web, ms(delay)), at: 100)
      #expect(told(try scene.result()).count == (isLate ? 2 : 1))
    }
    var short = scene()
    short.fault(.pause(web, every: span(1000), length: span(40)), at: 110)
    #expect(told(try short.result()).count == 1)
    var long = scene { $0.unhealthyThreshold = 1 }
    long.fault(.pause(web, every: span(1000), length: span(60)), at: 110)
    #expect(told(try long.result())[1] == "162.0 unhealthy failed: 1 check in a row, last: timeout")
  }

  // Goal: a partition cuts off one data plane's checks and not the other's: each checks on its own.
  @Test func partition() throws {
    var scene = scene(delay: 0)
    scene.world.clients = []
    scene.client("here", at: [900])
    scene.client("there", at: [900])
    scene.link(delay: 3)
    scene.fault(.partition(from: .client(0), to: .service(0)), at: 100, for: 300)
    let result = try scene.result()
    let unhealthy = result.events.filter { $0.event == "unhealthy" }
    #expect(unhealthy.map(\.proxy) == ["here/0"])
    #expect(unhealthy.first?.detail == "failed: 2 checks in a row, last: timeout")
    #expect(result.events.filter { $0.event == "healthy" }.map(\.proxy) == ["here/0", "there/0", "here/0"])
  }

  // Goal: an expired certificate is seen by who opens a connection, not by who has one.
  @Test func certificate() throws {
    var kept = scene(tls: true)
    kept.fault(.certificateExpired(service: 0), at: 100)
    #expect(told(try kept.result()).count == 1)
    var anew = scene(tls: true) { $0.reusesConnection = false }
    anew.fault(.certificateExpired(service: 0), at: 100)
    #expect(told(try anew.result()).last?.hasSuffix("failed: 2 checks in a row, last: connection refused") == true)
  }

  // Goal: whoever is out for its checks gets no request, and the explanation says so; a check that waits in a crash goes with it.
  @Test func excludes() throws {
    var scene = scene(replicas: 2)
    scene.world.clients = []
    scene.client(at: (0..<20).map { 500 + Double($0) * 10 })
    scene.link(delay: 3)
    scene.fault(.errors([FaultTarget(service: 0, replicas: [1])], rate: 1, status: 500, time: nil), at: 100)
    let result = try scene.result()
    #expect(result.endpoint("web-1").requests == 0 && result.endpoint("web-0").successes == 20)
    let moment = try #require(try scene.replication.explain(.moment(instant(400))))
    #expect(
      moment.steps[0].endpoints.map(\.reasons) == [[], ["fails its health checks, last: 500"]])
    var paused = self.scene()
    paused.fault(.pause(web, every: span(1000), length: span(500)), at: 110)
    paused.fault(.crash(web), at: 120, for: 10)
    #expect(try paused.result().summary.requests == 1)
  }

  // Goal: a replica that is taken away stays with those data planes that keep who still passes, until it is gone and refuses.
  @Test(arguments: [true, false]) func scaledDown(_ isKept: Bool) throws {
    var scene = scene(replicas: 2) { $0.keepsRemovedHosts = isKept }
    scene.world.clients = []
    scene.client(at: (0..<40).map { 200 + Double($0) * 15 })
    scene.link(delay: 3)
    scene.fault(.scale(service: 0, count: 1), at: 205)
    let result = try scene.result()
    #expect((result.endpoint("web-1").requests > 2) == isKept)
    #expect((result.summary.failures > 0) == isKept)
    #expect(result.summary.requests == 40)
  }

  // Goal: a run of a number of requests ends when its last user waits for ever, however many checks go on; and checks do not change what
  // requests draw.
  @Test func standstill() throws {
    var scene = scene()
    scene.world.clients = []
    scene.client(.closed(users: 1, think: ms(1), requests: nil))
    scene.link(delay: 3)
    scene.run.requests = 50
    scene.fault(.hang(web), at: 100)
    let result = try scene.result()
    #expect(result.summary.unanswered == 1)
    var bare = Scene(service("web", replicas: 3, time: .exponential(mean: 5e6)))
    bare.client(.poisson(rate: 100))
    var checked = bare
    checked.mesh.clusters[0].healthCheck = HealthCheckDescription(
      .http, interval: span(10), timeout: span(50), unhealthyThreshold: 2, healthyThreshold: 2)
    #expect(try bare.result().summary == (try checked.result().summary))
  }
}
