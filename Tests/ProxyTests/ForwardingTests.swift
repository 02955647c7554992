import Foundation
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

  /// Goal: a stream that has ended is not reset besides: a server that counts resets, as many do against floods of them (NIO's allows 200 in 30
  /// seconds), keeps the connection however many requests it carries.
  @Test func streamsEndWithoutReset() async throws {
    let server = try await TestServer(isHTTP2: true)
    let mesh = RunningProxy.mesh([server.address]).replacingOccurrences(of: "protocol: http1", with: "protocol: http2")
    let proxy = try await RunningProxy(mesh)
    let connection = try await RawConnection(port: proxy.port)
    let count = 450
    try await connection.send((0..<count).map { "GET /\($0) HTTP/1.1\nHost: web.test\n\n" }.joined())
    let answers = await connection.receive { $0.components(separatedBy: "HTTP/1.1 ").count > count }
    #expect(answers.components(separatedBy: "HTTP/1.1 200 OK").count - 1 == count)
    #expect(server.connections == 1)
    await connection.close()
    await proxy.stop()
    await server.stop()
  }
}
