// Fail-fast in the lab: how its trials travel, and what they find.

import MeshCore
import Testing

@testable import Simulation

@Suite("fail-fast in the lab")
struct FailFastTravelTests {
  private let first = [FaultTarget(service: 0, replicas: [0])]

  private func scene(tls: Bool = false, timeout: Double = 5000) -> Scene {
    var scene = Scene(service("web", replicas: 2))
    scene.mesh.clusters[0].failsFast = true
    scene.mesh.clusters[0].usesTLS = tls
    scene.mesh.clusters[0].connectTimeout = span(timeout)
    scene.client(at: (0..<100).map { Double($0) * 100 })
    scene.link(delay: 3)
    return scene
  }

  private func told(_ result: ReplicationResult) -> [String] {
    result.events.filter { $0.endpoint == "web-0" }.map {
      "\(Double($0.time.nanoseconds) / 1e6) \($0.event) \($0.detail)"
    }
  }

  // Goal: a crash costs the request whose connection broke and the one that is refused; the trial opens a connection, a round trip, after it is
  // over. Trials without end do not keep a run from ending.
  @Test func crash() throws {
    var scene = scene()
    scene.fault(.crash(first), at: 1050, for: 500)
    let result = try scene.result()
    #expect(
      told(result) == [
        "1206.0 ejected connection refused; a connection is tried in 1 s",
        "2212.0 returned a connection stands",
      ])
    #expect(result.clients[0].statistics.failures == 1)
    #expect(result.endpoint("web-0").ejected == 1006e6)
    var endless = self.scene()
    endless.fault(.crash(first), at: 1050)
    let last = try endless.result()
    #expect(last.clients[0].statistics.failures == 1)
    #expect(told(last).dropFirst().allSatisfy { $0.contains("probation connection refused again; the next one") })
  }

  // Goal: a partition is met by the connect timeout, of requests and of trials; an expired certificate shows in a trial's handshake.
  @Test func partitionAndCertificate() throws {
    var apart = scene(timeout: 200)
    apart.fault(.partition(from: .client(0), to: .replica(service: 0, number: 0)), at: 0, for: 1250)
    let lines = told(try apart.result())
    #expect(lines.count == 3, "\(lines)")
    #expect(lines.first == "200.0 ejected the connection did not open in time; a connection is tried in 1 s")
    // The trial's own message is sent again after 200 ms, when its time is over.
    #expect(
      lines.dropFirst().first?.hasPrefix("1400.0 probation the connection did not open in time again; the next") == true
    )
    #expect(lines.last?.hasSuffix(" returned a connection stands") == true)
    var expired = scene(tls: true)
    expired.fault(.certificateExpired(service: 0), at: 0, for: 500)
    // A round trip for the connection and one for the handshake, and that again for the trial.
    #expect(
      told(try expired.result()) == [
        "12.0 ejected connection refused; a connection is tried in 1 s", "1024.0 returned a connection stands",
      ])
  }
}
