// A client and a server of another hand, grpc-swift-2, with the proxy between them: unary calls and all kinds of streams, with metadata,
// trailers and statuses, and gRPC's health service as health check.

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import MeshConfiguration
import Testing

@testable import Proxy

/// Texts as messages.
struct TextCoder: MessageSerializer, MessageDeserializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: String) throws -> Bytes { Bytes(Array(message.utf8)) }

  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> String {
    bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}

/// One call for each kind.
struct EchoService: RegistrableRPCService {
  static func method(_ name: String) -> MethodDescriptor {
    MethodDescriptor(fullyQualifiedService: "weir.test.Echo", method: name)
  }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let coder = TextCoder()
    // One message for all that have come.
    router.registerHandler(forMethod: Self.method("Join"), deserializer: coder, serializer: coder) { request, _ in
      var texts: [String] = []
      for try await text in request.messages { texts.append(text) }
      let (joined, count) = (texts.joined(separator: "+"), texts.count)
      let asked = Array(request.metadata[stringValues: "x-asked"]).joined()
      if joined == "fail" { throw RPCError(code: .outOfRange, message: "no further", metadata: ["x-why": "end"]) }
      return StreamingServerResponse(metadata: ["x-heard": "\(asked)"]) { writer in
        try await writer.write(joined)
        return ["x-count": "\(count)"]
      }
    }
    // A message for each that has come, at once.
    router.registerHandler(forMethod: Self.method("Each"), deserializer: coder, serializer: coder) { request, _ in
      StreamingServerResponse { writer in
        for try await text in request.messages { try await writer.write("\(text)!") }
        return [:]
      }
    }
    // Many messages for one.
    router.registerHandler(forMethod: Self.method("Many"), deserializer: coder, serializer: coder) { request, _ in
      StreamingServerResponse { writer in
        for try await text in request.messages {
          for number in 0..<200 { try await writer.write("\(number)" + String(repeating: text, count: 1000)) }
        }
        return [:]
      }
    }
    // gRPC's health service, for one service: SERVING is field 1 with the value 1.
    router.registerHandler(
      forMethod: MethodDescriptor(fullyQualifiedService: "grpc.health.v1.Health", method: "Check"),
      deserializer: coder, serializer: coder
    ) { request, _ in
      var asked = ""
      for try await text in request.messages { asked = text }
      let answer = asked == "\u{0a}\u{04}echo" ? "\u{08}\u{01}" : "\u{08}\u{02}"
      return StreamingServerResponse { writer in
        try await writer.write(answer)
        return [:]
      }
    }
  }
}

@Suite("gRPC through the proxy", .serialized)
struct GRPCTests {
  private func withEcho(_ body: @Sendable @escaping (_ port: Int) async throws -> Void) async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
    let server = GRPCServer(transport: transport, services: [EchoService()])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.serve() }
      let port = try await transport.listeningAddress.ipv4?.port ?? 0
      try await body(port)
      server.beginGracefulShutdown()
      try await group.waitForAll()
    }
  }

  private func withClient(
    _ port: Int, _ body: @Sendable @escaping (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void
  ) async throws {
    try await withGRPCClient(
      transport: try .http2NIOPosix(
        target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext,
        config: .defaults { $0.http2.authority = "web.test" })
    ) { try await body($0) }
  }

  private static func failure(of response: ClientResponse<String>) -> RPCError? {
    do {
      _ = try response.message
      return nil
    } catch {
      return error as? RPCError
    }
  }

  private static func mesh(_ port: Int, cluster: String = "") -> String {
    RunningProxy.mesh(["127.0.0.1:\(port)"], cluster: cluster).replacingOccurrences(
      of: "protocol: http1", with: "protocol: http2")
  }

  /// Goal: a unary call goes through with metadata both ways, the message, trailers, and a failure with its status and its own trailers.
  @Test func unary() async throws {
    try await withEcho { port in
      let proxy = try await RunningProxy(Self.mesh(port))
      try await withClient(proxy.port) { client in
        try await client.unary(
          request: ClientRequest(message: "hello", metadata: ["x-asked": "yes"]),
          descriptor: EchoService.method("Join"), serializer: TextCoder(), deserializer: TextCoder(), options: .defaults
        ) { response in
          #expect((try? response.message) == "hello")
          #expect(Array(response.metadata[stringValues: "x-heard"]) == ["yes"])
          #expect(Array(response.trailingMetadata[stringValues: "x-count"]) == ["1"])
        }
        try await client.unary(
          request: ClientRequest(message: "fail"), descriptor: EchoService.method("Join"), serializer: TextCoder(),
          deserializer: TextCoder(), options: .defaults
        ) { response in
          let error = Self.failure(of: response)
          #expect(error?.code == .outOfRange && error?.message == "no further")
          #expect(error.map { Array($0.metadata[stringValues: "x-why"]) } == ["end"])
        }
      }
      await proxy.stop()
    }
  }

  /// Goal: streams of the client, of the server, and of both go through, message by message: in a stream of both each answer comes before
  /// the next question.
  @Test func streams() async throws {
    try await withEcho { port in
      let proxy = try await RunningProxy(Self.mesh(port))
      try await withClient(proxy.port) { client in
        let joined = try await client.clientStreaming(
          request: StreamingClientRequest { writer in for number in 0..<50 { try await writer.write("\(number)") } },
          descriptor: EchoService.method("Join"), serializer: TextCoder(), deserializer: TextCoder(), options: .defaults
        ) { try $0.message }
        #expect(joined == (0..<50).map(String.init).joined(separator: "+"))

        let many = try await client.serverStreaming(
          request: ClientRequest(message: "x"), descriptor: EchoService.method("Many"), serializer: TextCoder(),
          deserializer: TextCoder(), options: .defaults
        ) { response in
          var sizes: [Int] = []
          for try await text in response.messages { sizes.append(text.utf8.count) }
          return sizes
        }
        #expect(many == (0..<200).map { 1000 + String($0).utf8.count })

        let (heard, told) = AsyncStream<String>.makeStream()
        let exchange = try await client.bidirectionalStreaming(
          request: StreamingClientRequest { writer in
            var answers = heard.makeAsyncIterator()
            for number in 0..<20 {
              try await writer.write("\(number)")
              #expect(await answers.next() == "\(number)!")
            }
          },
          descriptor: EchoService.method("Each"), serializer: TextCoder(), deserializer: TextCoder(), options: .defaults
        ) { response in
          var count = 0
          for try await text in response.messages {
            told.yield(text)
            count += 1
          }
          told.finish()
          return count
        }
        #expect(exchange == 20)
      }
      await proxy.stop()
    }
  }

  /// Goal: an endpoint whose health service says that it serves is used, one that does not know the service is not.
  @Test func healthService() async throws {
    try await withEcho { port in
      for (service, isReady) in [("echo", true), ("other", false)] {
        let check =
          "healthCheck: {grpc: {serviceName: \(service)}, interval: 100ms, timeout: 1s, unhealthyThreshold: 1, healthyThreshold: 1}"
        let proxy = try await RunningProxy(Self.mesh(port, cluster: check))
        for _ in 0..<100 where await proxy.server.endpointRows().first?.isReady != isReady {
          try await Task.sleep(nanoseconds: 20_000_000)
        }
        #expect(await proxy.server.endpointRows().map(\.isReady) == [isReady])
        try await Task.sleep(nanoseconds: 300_000_000)
        #expect(await proxy.server.endpointRows().map(\.isReady) == [isReady])
        await proxy.stop()
      }
    }
  }

  /// Goal: what the proxy answers itself is a status of gRPC.
  @Test func localAnswers() async throws {
    let proxy = try await RunningProxy(Self.mesh(1))
    try await withClient(proxy.port) { client in
      try await client.unary(
        request: ClientRequest(message: "hello"), descriptor: EchoService.method("Join"), serializer: TextCoder(),
        deserializer: TextCoder(), options: .defaults
      ) { response in
        let error = Self.failure(of: response)
        #expect(error?.code == .unavailable)
      }
    }
    await proxy.stop()
  }
}
