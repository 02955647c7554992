// Connections whose bytes go through as they are: TCP listeners, CONNECT, WebSocket.

import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Proxy

/// A server that says back what it hears, each connection's first bytes behind its own name; and ends when its client has.
final class EchoServer: Sendable {
  let port: Int
  private let channel: any Channel

  /// `greeting` is said when what has come ends an HTTP head, before anything is echoed.
  init(_ name: String, greeting: String? = nil) async throws {
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(name, greeting))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var address: String { "127.0.0.1:\(port)" }

  func stop() async { try? await channel.close() }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let name: String
    private var greeting: String?
    private var hasNamed = false
    private var head = ""

    init(_ name: String, _ greeting: String?) {
      self.name = name
      self.greeting = greeting
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var text = String(buffer: unwrapInboundIn(data))
      if let greeting {
        head += text
        guard let end = head.range(of: "\r\n\r\n") else { return }
        text = String(head[end.upperBound...])
        self.greeting = nil
        context.writeAndFlush(NIOAny(ByteBuffer(string: greeting)), promise: nil)
      }
      if text.isEmpty { return }
      if !hasNamed { text = "\(name):\(text)" }
      hasNamed = true
      context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let event = event as? ChannelEvent, event == .inputClosed {
        context.writeAndFlush(NIOAny(ByteBuffer(string: "|bye")), promise: nil)
        context.close(promise: nil)
      }
    }
  }
}

@Suite("tunnels", .serialized)
struct TunnelTests {
  private static let upgraded =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"

  /// Goal: a TCP listener's connections are spread over the endpoints by their balancer, bytes go both ways, an end on one side is an end
  /// of that direction alone, and what is open counts as load.
  @Test func passthrough() async throws {
    let (first, second) = (try await EchoServer("a"), try await EchoServer("b"))
    let proxy = try await RunningProxy(
      RunningProxy.mesh([first.address, second.address]), listener: ", protocol: tcp, cluster: web")
    var names: [String] = []
    var open: [RawConnection] = []
    for _ in 0..<4 {
      let connection = try await RawConnection(port: proxy.port)
      try await connection.send(raw: "hello")
      let heard = await connection.receive { $0.hasSuffix("hello") }
      names.append(String(heard.prefix(1)))
      open.append(connection)
    }
    #expect(names.sorted() == ["a", "a", "b", "b"])
    #expect(await proxy.server.endpointRows().map(\.inFlight) == [2, 2])
    for connection in open {
      await connection.halfClose()
      #expect(await connection.receive().hasSuffix(":hello|bye"))
    }
    let big = try await RawConnection(port: proxy.port)
    let text = String(repeating: "0123456789", count: 200_000)
    try await big.send(raw: text)
    let heard = await big.receive { $0.utf8.count >= text.utf8.count + 2 }
    #expect(heard.dropFirst(2) == text)
    await big.close()
    for _ in 0..<200 where await proxy.server.endpointRows().contains(where: { $0.inFlight > 0 }) {
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    #expect(await proxy.server.endpointRows().map(\.inFlight) == [0, 0])
    await proxy.stop()
    await first.stop()
    await second.stop()
  }

  /// Goal: a TCP connection whose endpoint refuses is closed; with TLS in front it is opened for who may, by identity.
  @Test func passthroughRefusals() async throws {
    let gone = try await EchoServer("gone")
    await gone.stop()
    let lost = try await RunningProxy(RunningProxy.mesh([gone.address]), listener: ", protocol: tcp, cluster: web")
    let connection = try await RawConnection(port: lost.port)
    #expect(await connection.receive() == "")
    await lost.stop()

    let certificates = try TestCertificates(["web", "client", "other"])
    let echo = try await EchoServer("a")
    let policy =
      certificates.proxy() + "\n    authorization: {default: deny, policies: [{name: a, identities: ['*/client']}]}"
    let proxy = try await RunningProxy(
      RunningProxy.mesh([echo.address]), listener: ", protocol: tcp, cluster: web", proxy: policy)
    let known = try await RawConnection(port: proxy.port, tls: certificates.client("client"))
    try await known.send(raw: "hello")
    #expect(await known.receive { $0.hasSuffix("hello") } == "a:hello")
    await known.close()
    let other = try await RawConnection(port: proxy.port, tls: certificates.client("other"))
    try? await other.send(raw: "hello")
    #expect(await other.receive() == "")
    await proxy.stop()
    await echo.stop()
    certificates.remove()
  }

  /// Goal: a WebSocket's handshake goes through, with bytes that came right behind it, and then both sides' bytes; the route's timeout does
  /// not end it.
  @Test func webSocket() async throws {
    let server = try await EchoServer("ws", greeting: Self.upgraded)
    let proxy = try await RunningProxy(RunningProxy.mesh([server.address], route: "timeout: 200ms"))
    let connection = try await RawConnection(port: proxy.port)
    let head =
      "GET /chat HTTP/1.1\nHost: web.test\nConnection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: k\n\n"
    try await connection.send(head + "early")
    let answer = await connection.receive { $0.hasSuffix("ws:early") }
    #expect(
      answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n") && answer.lowercased().contains("upgrade: websocket\r\n")
    )
    #expect(answer.hasSuffix("\r\n\r\nws:early"))
    try await Task.sleep(nanoseconds: 400_000_000)
    try await connection.send(raw: "late")
    #expect(await connection.receive { $0.hasSuffix("late") }.hasSuffix("ws:earlylate"))
    #expect(await proxy.server.endpointRows().map(\.inFlight) == [1])
    await connection.close()
    for _ in 0..<200 where await proxy.server.endpointRows().contains(where: { $0.inFlight > 0 }) {
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    #expect(await proxy.server.endpointRows().map(\.inFlight) == [0])
    await proxy.stop()
    await server.stop()
  }

  /// Goal: a server that does not change protocols answers as ever, and the connection ends behind its answer, since nothing more of it can
  /// be read; a server that changes them unasked is no server.
  @Test func refusedUpgrades() async throws {
    let plain = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([plain.address]))
    let kept = try await proxy.ask("GET / HTTP/1.1\nHost: web.test\nConnection: Upgrade\nUpgrade: websocket\n\n")
    #expect(kept.hasPrefix("HTTP/1.1 200") && kept.contains("connection: close") && kept.hasSuffix("ok"))
    let other = try await proxy.ask(
      "GET / HTTP/1.1\nHost: web.test\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk\n\n")
    #expect(other.hasPrefix("HTTP/1.1 200") && other.contains("connection: close"))
    #expect(plain.seen.map { $0.head.headers["upgrade"] } == [["websocket"], []])
    #expect(plain.seen.last?.head.headers["http2-settings"] == [])
    await proxy.stop()
    await plain.stop()

    let eager = try await EchoServer("ws", greeting: Self.upgraded)
    let second = try await RunningProxy(RunningProxy.mesh([eager.address]))
    #expect(try await second.get().status == 503)
    await second.stop()
    await eager.stop()
  }

  /// Goal: CONNECT opens a way to an endpoint of its route's cluster where that is allowed, and else none.
  @Test func connect() async throws {
    let echo = try await EchoServer("a")
    let careful = try await RunningProxy(RunningProxy.mesh([echo.address]))
    let refused = try await careful.ask("CONNECT web.test:443 HTTP/1.1\nHost: web.test:443\n\nhello")
    #expect(refused.hasPrefix("HTTP/1.1 405") && !refused.contains("hello"))
    await careful.stop()
    let proxy = try await RunningProxy(RunningProxy.mesh([echo.address]), proxy: "    allowConnect: true")
    let connection = try await RawConnection(port: proxy.port)
    try await connection.send("CONNECT web.test:443 HTTP/1.1\nHost: web.test:443\n\nhello")
    #expect(await connection.receive { $0.hasSuffix("hello") } == "HTTP/1.1 200 OK\r\n\r\na:hello")
    await connection.halfClose()
    #expect(await connection.receive().hasSuffix("hello|bye"))
    await proxy.stop()
    await echo.stop()
  }
}
