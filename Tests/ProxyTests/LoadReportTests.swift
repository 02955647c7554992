// What servers say of their load reaches balancers over real sockets.

import Foundation
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("load reports over sockets", .serialized)
struct LoadReportTests {
  /// A server that reports its load with each answer, to probes too.
  private func server(_ report: String, delay: Int64 = 0) async throws -> TestServer {
    try await TestServer { seen in
      var headers: HTTPHeaders = [:]
      headers.add(name: "endpoint-load-metrics", value: "TEXT " + report)
      let isProbe = seen.head.headers.first(name: "user-agent") == "weir-load-probe"
      return TestAnswer(headers: headers, delay: isProbe ? .zero : .milliseconds(delay))
    }
  }

  private func requests(_ server: TestServer) -> Int {
    server.seen.count { $0.head.headers.first(name: "user-agent") != "weir-load-probe" }
  }

  /// Goal: Prequal asks servers over their sockets, on the health check's path, and goes by what they say: who has many requests in flight
  /// gets next to nothing, though it answers as fast.
  @Test func prequal() async throws {
    let busy = try await server("named_metrics.requests_in_flight=50, named_metrics.expected_latency_ms=80")
    let calm = try await server("named_metrics.requests_in_flight=1, named_metrics.expected_latency_ms=5")
    let mesh = RunningProxy.mesh([busy.address, calm.address]).replacingOccurrences(
      of: "balancer: roundRobin", with: "balancer: prequal")
    let proxy = try await RunningProxy(mesh)
    for _ in 0..<100 { #expect(try await proxy.get().status == 200) }
    let probes = busy.seen.count - requests(busy) + calm.seen.count - requests(calm)
    #expect(probes > 50 && busy.seen.count > requests(busy), "\\(probes) probes")
    #expect(requests(calm) > 80, "\\(requests(calm)) of 100 to the calm one")
    await proxy.stop()
    await busy.stop()
    await calm.stop()
  }

  /// Goal: turns follow the utilization that answers report: with four times the requests per utilization come four times the turns.
  @Test func weightsByUtilization() async throws {
    let small = try await server("rps_fractional=100, application_utilization=0.8")
    let large = try await server("rps_fractional=100, application_utilization=0.2")
    let mesh = RunningProxy.mesh([small.address, large.address]).replacingOccurrences(
      of: "balancer: roundRobin",
      with: "balancer: {clientSideWeightedRoundRobin: {blackoutPeriod: 0s, weightUpdatePeriod: 100ms}}")
    let proxy = try await RunningProxy(mesh)
    for _ in 0..<20 { _ = try await proxy.get() }
    try await Task.sleep(nanoseconds: 300_000_000)
    let before = (requests(small), requests(large))
    for _ in 0..<200 { #expect(try await proxy.get().status == 200) }
    let (own, other) = (requests(small) - before.0, requests(large) - before.1)
    #expect(own + other == 200 && (35...45).contains(own), "\\(own) and \\(other)")
    await proxy.stop()
    await small.stop()
    await large.stop()
  }
}
