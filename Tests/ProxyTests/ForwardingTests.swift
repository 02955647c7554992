import Testing

@testable import Proxy

@Suite("forwarding", .serialized)
struct ForwardingTests {
  /// Goal: with `includeRequestAttemptCount` each try says which it is and of what kind, and what a client says of it does not get through;
  /// without, nothing is said.
  @Test func attemptCounts() async throws {
    let server = try await TestServer { seen in
      TestAnswer(status: seen.head.headers.first(name: "x-envoy-attempt-count") == "2" ? 200 : 503)
    }
    let mesh = RunningProxy.mesh(
      [server.address], route: "retry: {on: [5xx], attempts: 1, backoff: {base: 1ms, max: 2ms}}")
    let telling = try await RunningProxy(mesh, proxy: "    includeRequestAttemptCount: true")
    #expect(try await telling.get(headers: "x-weir-attempt: hedge 9\n").status == 200)
    await telling.stop()
    let silent = try await RunningProxy(mesh)
    #expect(try await silent.get().status == 503)
    await silent.stop()
    let counts = server.seen.map { $0.head.headers.first(name: "x-envoy-attempt-count") }
    let kinds = server.seen.map { $0.head.headers.first(name: "x-weir-attempt") }
    await server.stop()
    #expect(counts == ["1", "2", nil, nil] && kinds == [nil, "retry 1", nil, nil], "\(counts) \(kinds)")
  }
}
