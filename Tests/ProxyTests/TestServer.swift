// A server that answers as a test says, on a port of its own.

import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// What a server saw.
struct SeenRequest: Sendable {
  var head: HTTPRequestHead
  var body: String
}

/// What it answers.
struct TestAnswer: Sendable {
  var status = 200
  var body = "ok"
  var headers: HTTPHeaders = [:]
  /// How long it waits before it answers.
  var delay = TimeAmount.zero
  /// Whether it closes the connection in the middle of the answer.
  var breaksOff = false
  /// How often the body comes, with how long a pause before each; and whether the answer then never ends.
  var pieces = 1
  var pause = TimeAmount.zero
  var stalls = false
}

/// An HTTP/1.1 server, or one that takes HTTP/2 alone.
final class TestServer: Sendable {
  let port: Int
  private let opened = NIOLockedValueBox(0)
  private let closed = NIOLockedValueBox(0)
  private let channel: any Channel
  private let requests: NIOLockedValueBox<[SeenRequest]>

  init(isHTTP2: Bool = false, _ answer: @escaping @Sendable (SeenRequest) -> TestAnswer = { _ in TestAnswer() })
    async throws
  {
    let requests = NIOLockedValueBox<[SeenRequest]>([])
    self.requests = requests
    let (opened, closed) = (opened, closed)
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        opened.withLockedValue { $0 += 1 }
        channel.closeFuture.whenComplete { _ in closed.withLockedValue { $0 += 1 } }
        return channel.eventLoop.makeCompletedFuture {
          let take: @Sendable (SeenRequest) -> TestAnswer = { seen in
            requests.withLockedValue { $0.append(seen) }
            return answer(seen)
          }
          if isHTTP2 {
            _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
              mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
            ) { stream in
              stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
                try stream.pipeline.syncOperations.addHandler(Responder(take))
              }
            }
            return
          }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Responder(take))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var address: String { "127.0.0.1:\(port)" }

  /// Connections that have been opened so far.
  var connections: Int { opened.withLockedValue { $0 } }

  /// Waits until none of its connections is open, five seconds at most; returns how many have been closed.
  func isLeft() async -> Int {
    for _ in 0..<1000 where closed.withLockedValue({ $0 }) < connections {
      try? await Task.sleep(nanoseconds: 5_000_000)
    }
    return closed.withLockedValue { $0 }
  }

  /// What has come so far.
  var seen: [SeenRequest] { requests.withLockedValue { $0 } }

  /// Waits until so many requests have come, five seconds at most.
  func sees(_ count: Int) async {
    for _ in 0..<1000 where seen.count < count { try? await Task.sleep(nanoseconds: 5_000_000) }
  }

  func stop() async { try? await channel.close() }

  private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: @Sendable (SeenRequest) -> TestAnswer
    private var head: HTTPRequestHead?
    private var body = ""

    init(_ answer: @escaping @Sendable (SeenRequest) -> TestAnswer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): self.head = head
      case .body(let part): body += String(buffer: part)
      case .end:
        guard let head else { return }
        let answer = answer(SeenRequest(head: head, body: body))
        body = ""
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        if answer.delay > .zero {
          context.eventLoop.scheduleTask(in: answer.delay) { Self.write(answer, bound.value) }
        } else {
          Self.write(answer, context)
        }
      }
    }

    private static func write(_ answer: TestAnswer, _ context: ChannelHandlerContext) {
      var headers = answer.headers
      let length = answer.body.utf8.count * answer.pieces + (answer.stalls ? 1 : 0)
      headers.add(name: "content-length", value: String(length))
      let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
      context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
      if answer.breaksOff {
        context.writeAndFlush(
          NIOAny(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: String(answer.body.prefix(1)))))),
          promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(50)) { bound.value.close(promise: nil) }
        return
      }
      writeBody(answer, left: answer.pieces, context)
    }

    private static func writeBody(_ answer: TestAnswer, left: Int, _ context: ChannelHandlerContext) {
      if left == 0 {
        if !answer.stalls { context.write(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil) }
        context.flush()
        return
      }
      context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
      if answer.pause == .zero { return writeBody(answer, left: left - 1, context) }
      context.flush()
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(in: answer.pause) { writeBody(answer, left: left - 1, bound.value) }
    }
  }
}

/// A connection on which a test says every byte itself.
final class RawConnection: Sendable {
  private let channel: any Channel
  private let bytes: NIOLockedValueBox<(text: String, isClosed: Bool)>

  /// Opens one; over TLS with `tls`, whose handshake is awaited.
  init(port: Int, tls: NIOSSLContext? = nil) async throws {
    let bytes = NIOLockedValueBox((text: "", isClosed: false))
    self.bytes = bytes
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: nil))
          }
          try channel.pipeline.syncOperations.addHandler(Gatherer(bytes))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
  }

  /// Sends text, with CR LF for each line feed.
  func send(_ text: String) async throws {
    let wire = text.replacingOccurrences(of: "\n", with: "\r\n")
    try await channel.writeAndFlush(ByteBuffer(string: wire)).get()
  }

  /// Sends bytes as they are.
  func send(raw text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }

  /// What has come when `isEnough` says so, the peer closes, or five seconds are over.
  func receive(until isEnough: @Sendable (String) -> Bool = { _ in false }) async -> String {
    for _ in 0..<1000 {
      let (text, isClosed) = bytes.withLockedValue { $0 }
      if isClosed || isEnough(text) { return text }
      try? await Task.sleep(nanoseconds: 5_000_000)
    }
    return bytes.withLockedValue { $0.text } + "<nothing more came>"
  }

  /// The serial number of the certificate that the server has shown.
  func serverCertificate() async throws -> [UInt8]? {
    try await channel.pipeline.handler(type: NIOSSLClientHandler.self).flatMapThrowing {
      $0.peerCertificate?.serialNumber
    }.get()
  }

  /// Bytes that have come so far.
  var received: Int { bytes.withLockedValue { $0.text.utf8.count } }

  var isClosed: Bool { bytes.withLockedValue { $0.isClosed } }

  func close() async { try? await channel.close() }

  /// Says that nothing more comes.
  func halfClose() async { try? await channel.close(mode: .output) }

  private final class Gatherer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let bytes: NIOLockedValueBox<(text: String, isClosed: Bool)>

    init(_ bytes: NIOLockedValueBox<(text: String, isClosed: Bool)>) { self.bytes = bytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let part = String(buffer: unwrapInboundIn(data))
      bytes.withLockedValue { $0.text += part }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let event = event as? ChannelEvent, event == .inputClosed { bytes.withLockedValue { $0.isClosed = true } }
    }

    func channelInactive(context: ChannelHandlerContext) { bytes.withLockedValue { $0.isClosed = true } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
