// Active health checks as a cluster says them.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading health checks")
struct HealthCheckReaderTests {
  private func read(
    _ settings: String, profile: String = "weir", beside: String = ""
  ) -> (check: HealthCheckDescription?, faults: [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{profile: \(profile), clusters: {web: {healthCheck: \(settings)\(beside)}}}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.clusters.first?.healthCheck, log.diagnostics?.lines ?? [])
  }

  private let common = "interval: 5s, timeout: 1s, unhealthyThreshold: 3, healthyThreshold: 2"

  // Goal: what is not said follows from what is, as in Envoy.
  @Test func defaults() throws {
    let (check, faults) = read("{http: {path: /health}, \(common)}")
    #expect(faults == [])
    var expected = HealthCheckDescription(
      .http, interval: .seconds(5), timeout: .seconds(1), unhealthyThreshold: 3, healthyThreshold: 2)
    expected.path = "/health"
    #expect(check == expected)
    let later = try #require(read("{grpc: {}, \(common), unhealthyInterval: 2s, noTrafficInterval: 7s}").check)
    #expect(later.question == .grpc && later.unhealthyEdgeInterval == .seconds(2))
    #expect(later.noTrafficHealthyInterval == .seconds(7) && later.healthyEdgeInterval == .seconds(5))
    #expect(read("{tcp: {}, \(common)}").check?.reusesConnection == false)
    #expect(read("{tcp: {}, \(common)}").check?.question == .tcp(awaitsAnswer: false))
    #expect(read("{tcp: {send: 00, receive: ['01']}, \(common)}").check?.question == .tcp(awaitsAnswer: true))
  }

  // Goal: Envoy's profile asks rarely before the first request and keeps who still passes; HAProxy's has rules and figures of its own.
  @Test func profiles() throws {
    let envoy = try #require(read("{http: /h, \(common)}", profile: "envoy").check)
    #expect(envoy.noTrafficInterval == .seconds(60) && envoy.noTrafficHealthyInterval == .seconds(60))
    #expect(envoy.keepsRemovedHosts && !envoy.ignoresNewHosts && envoy.form == .envoy)
    let (haproxy, faults) = read("{http: /h}", profile: "haproxy")
    #expect(faults == [])
    var expected = HealthCheckDescription(
      .http, form: .haproxy, interval: .seconds(2), timeout: .seconds(2), unhealthyThreshold: 3, healthyThreshold: 2)
    expected.expectedStatuses = [200..<400]
    expected.path = "/h"
    #expect(haproxy == expected)
    let (given, _) = read(
      "{http: /h, \(common), reuseConnection: false}",
      beside: ", ignoreNewHostsUntilFirstHc: true, ignoreHealthOnHostRemoval: false")
    #expect(given?.ignoresNewHosts == true && given?.keepsRemovedHosts == true && given?.reusesConnection == false)
  }

  // Goal: every field arrives.
  @Test func everyField() throws {
    let (check, faults) = read(
      "{http: {path: /h, host: a.test, expectedStatuses: [{start: 200, end: 300}, 418], retriableStatuses: [{start: 500, end: 504}]}, "
        + "\(common), initialJitter: 1s, intervalJitter: 2s, intervalJitterPercent: 30, unhealthyInterval: 4s, "
        + "unhealthyEdgeInterval: 6s, healthyEdgeInterval: 7s, noTrafficInterval: 8s, noTrafficHealthyInterval: 9s}")
    #expect(faults == [])
    var expected = HealthCheckDescription(
      .http, interval: .seconds(5), timeout: .seconds(1), unhealthyThreshold: 3, healthyThreshold: 2)
    (expected.path, expected.host) = ("/h", "a.test")
    expected.expectedStatuses = [200..<300, 418..<419]
    expected.retriableStatuses = [500..<504]
    expected.initialJitter = .seconds(1)
    expected.intervalJitter = .seconds(2)
    expected.intervalJitterPercent = 30
    expected.unhealthyInterval = .seconds(4)
    expected.unhealthyEdgeInterval = .seconds(6)
    expected.healthyEdgeInterval = .seconds(7)
    expected.noTrafficInterval = .seconds(8)
    expected.noTrafficHealthyInterval = .seconds(9)
    #expect(check == expected)
  }

  // Goal: one thing is asked, and what Envoy demands is demanded.
  @Test(arguments: [
    ("{interval: 5s, timeout: 1s, unhealthyThreshold: 3, healthyThreshold: 2}", "one of http, tcp, grpc"),
    ("{http: /h, grpc: {}, interval: 5s, timeout: 1s, unhealthyThreshold: 3, healthyThreshold: 2}", "http and grpc"),
    ("{http: /h, timeout: 1s, unhealthyThreshold: 3, healthyThreshold: 2}", "interval"),
    ("{http: /h, interval: 1s, unhealthyThreshold: 3, healthyThreshold: 2}", "timeout: missing"),
    (
      "{http: {path: /h, host: a.test, expectedStatuses: [{start: 300, end: 200}]}, interval: 5s, timeout: 1s, "
        + "unhealthyThreshold: 3, healthyThreshold: 2}", "after start"
    ),
  ]) func faults(_ settings: String, _ part: String) {
    let faults = read(settings).faults
    #expect(faults.count == 1 && faults.allSatisfy { $0.contains(part) }, "\(faults)")
  }
}
