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

  /// Goal: connections to servers, of either kind, end when nobody has wanted them for as long as one may lie idle, not while they are
  /// used; and the next request opens another one.
  @Test(arguments: ["http1", "http2"]) func idleConnectionsEnd(_ transport: String) async throws {
    let server = try await TestServer(isHTTP2: transport == "http2")
    let mesh = RunningProxy.mesh([server.address]).replacingOccurrences(
      of: "protocol: http1", with: "protocol: \(transport)")
    let proxy = try await RunningProxy(mesh, proxy: "    idleTimeout: 1500ms")
    for _ in 0..<8 {
      #expect(try await proxy.get().status == 200)
      try await Task.sleep(nanoseconds: 250_000_000)
    }
    #expect(server.connections == 1)
    #expect(await server.isLeft() == 1)
    #expect(try await proxy.get().status == 200)
    #expect(server.connections == 2)
    await proxy.stop()
    await server.stop()
  }

  /// Goal: who is answered while still sending a body on a stream of HTTP/2 hears that no more of it is wanted, behind the answer and as no
  /// fault; the connection goes on, and a request that was whole is not reset.
  @Test func earlyAnswersStopUploads() async throws {
    let server = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([server.address]))
    let connection = try await RawConnection(port: proxy.port)
    @Sendable func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: String) -> String {
      let head = [0, 0, UInt8(payload.utf8.count), type, flags, 0, 0, 0, stream]
      return String(decoding: head, as: UTF8.self) + payload
    }
    /// Headers as literals that no table takes (RFC 7541, 6.2.2).
    func block(_ fields: [(String, String)]) -> String {
      func text(_ text: String) -> String { String(decoding: [UInt8(text.utf8.count)], as: UTF8.self) + text }
      return fields.map { "\0" + text($0.0) + text($0.1) }.joined()
    }
    func request(_ method: String, _ host: String, length: String? = nil) -> String {
      block(
        [(":method", method), (":scheme", "http"), (":authority", host), (":path", "/")]
          + (length.map { [("content-length", $0)] } ?? []))
    }
    let reset = frame(3, 0, 1, "\0\0\0\0")
    try await connection.send(raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, ""))
    // Nobody takes it, which is said at once.
    try await connection.send(raw: frame(1, 4, 1, request("POST", "nobody.test", length: "10")))
    let answer = await connection.receive { $0.contains(reset) }
    #expect(answer.contains("no route takes this request\n") && answer.hasSuffix(reset))
    try await connection.send(raw: frame(0, 0, 1, "late") + frame(1, 5, 3, request("GET", "web.test")))
    #expect(await connection.receive { $0.contains("ok") }.contains("ok"))
    // What is answered now was asked when all of that answer was out.
    try await connection.send(raw: frame(6, 0, 0, "pingpong"))
    let rest = await connection.receive { $0.contains(frame(6, 1, 0, "pingpong")) }
    #expect(rest.hasSuffix(frame(6, 1, 0, "pingpong")) && !rest.contains(frame(3, 0, 3, "\0\0\0\0")))
    // More at once than the codec remembers by itself: what is still on its way on any of them ends nothing.
    let streams = stride(from: UInt8(5), through: 105, by: 2)
    let heads = streams.map { frame(1, 4, $0, request("POST", "nobody.test", length: "10")) }.joined()
    try await connection.send(raw: heads)
    _ = await connection.receive { $0.contains(frame(3, 0, 105, "\0\0\0\0")) }
    try await connection.send(raw: streams.map { frame(0, 0, $0, "late") }.joined() + frame(6, 0, 0, "PINGPONG"))
    #expect(await connection.receive { $0.contains("PINGPONG") }.hasSuffix(frame(6, 1, 0, "PINGPONG")))
    #expect(!connection.isClosed)
    await connection.close()
    await proxy.stop()
    await server.stop()
  }
}
