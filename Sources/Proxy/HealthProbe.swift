// One question to an endpoint over a real socket that belongs to no request: a connection, bytes, an HTTP request, a call of gRPC's
// health service (grpc.health.v1.Health/Check), or how busy it is (Prequal).

import DataPlane
import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// A question to an endpoint. Confined to its event loop.
final class HealthProbe: @unchecked Sendable {
  /// What is asked, with what it needs.
  private enum Question {
    case connection
    case bytes(send: String, receive: [String])
    case http(method: String, path: String, host: String)
    case grpc(service: String, authority: String)
    /// As `http`; the answer's load report counts.
    case load(path: String, host: String)
  }

  let handle: ProbeHandle
  private let question: Question
  private let address: SocketName
  private let connector: EndpointConnector
  private unowned let world: SocketWorld
  private var channel: (any Channel)?
  private var isOver = false

  init(
    _ start: ProbeStart, to address: SocketName, of cluster: ProxiedCluster, check: HealthCheckDescription.Question?,
    connector: EndpointConnector, world: SocketWorld
  ) {
    handle = start.probe
    self.address = address
    self.connector = connector
    self.world = world
    let host = cluster.healthHost ?? address.description
    switch (start.kind, check) {
    case (.load, _): question = .load(path: cluster.healthPath, host: host)
    case (_, .grpc): question = .grpc(service: cluster.healthService, authority: host)
    case (_, .tcp(awaitsAnswer: true)):
      question = .bytes(send: cluster.healthSend, receive: cluster.healthReceive)
    case (.connection, _), (_, .tcp): question = .connection
    default: question = .http(method: cluster.healthMethod, path: cluster.healthPath, host: host)
    }
  }

  /// Asks.
  func begin() {
    let bound = NIOLoopBound(self, eventLoop: world.loop)
    connector.connect(to: address, for: purpose) { channel in
      channel.eventLoop.makeCompletedFuture {
        let probe = bound.value
        let pipeline = channel.pipeline.syncOperations
        switch probe.question {
        case .connection: break
        case .bytes(_, let receive): try pipeline.addHandler(BytesProbeHandler(probe, receive))
        case .http, .load:
          try pipeline.addHTTPClientHandlers()
          try pipeline.addHandler(ProbeHandler(probe))
        case .grpc:
          _ = try pipeline.configureHTTP2Pipeline(
            mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
          ) { $0.close() }
        }
      }
    }.whenComplete { [self] result in
      switch result {
      case .failure: end { world.probeFailed(self, .refused) }
      case .success(let channel):
        self.channel = channel
        if isOver { channel.close(promise: nil) } else { ask(channel) }
      }
    }
  }

  private var purpose: EndpointConnector.Purpose {
    switch question {
    case .connection, .bytes: .tunnel
    case .http, .load: .http1
    case .grpc: .http2
    }
  }

  private func ask(_ channel: any Channel) {
    switch question {
    case .connection: passed()
    case .bytes(let send, let receive):
      if !send.isEmpty { channel.writeAndFlush(ByteBuffer(string: send), promise: nil) }
      if receive.isEmpty { passed() }
    case .http(let method, let path, let host): ask(method, path, host, agent: "weir-health-check", channel)
    case .load(let path, let host): ask("GET", path, host, agent: "weir-load-probe", channel)
    case .grpc(let service, let authority): askHealthService(service, authority, channel)
    }
  }

  private func ask(_ method: String, _ path: String, _ host: String, agent: String, _ channel: any Channel) {
    let headers: HTTPHeaders = ["host": host, "user-agent": agent, "connection": "close"]
    let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers)
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  private func askHealthService(_ service: String, _ authority: String, _ channel: any Channel) {
    let scheme = connector.tls == nil ? HTTP2FramePayloadToHTTP1ClientCodec.HTTPProtocol.http : .https
    let bound = NIOLoopBound(self, eventLoop: world.loop)
    guard let http2 = try? channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self),
      let multiplexer = try? http2.syncMultiplexer()
    else {
      broke()
      return
    }
    multiplexer.createStreamChannel { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: scheme))
        try stream.pipeline.syncOperations.addHandler(ServingHandler(bound.value))
      }
    }.whenComplete { result in
      guard case .success(let stream) = result else {
        bound.value.broke()
        return
      }
      let headers: HTTPHeaders = [
        "host": authority, "content-type": "application/grpc", "te": "trailers", "user-agent": "weir-health-check",
      ]
      let head = HTTPRequestHead(
        version: .http2, method: .POST, uri: "/grpc.health.v1.Health/Check", headers: headers)
      stream.write(HTTPClientRequestPart.head(head), promise: nil)
      stream.write(HTTPClientRequestPart.body(.byteBuffer(ServingHandler.request(service))), promise: nil)
      stream.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }
  }

  // MARK: - Answers

  fileprivate func answered(_ head: HTTPResponseHead) {
    if case .load = question {
      guard head.status.code < 300, let report = LoadReportHeader.report(in: head.headers) else {
        broke()
        return
      }
      end { world.loadAnswered(self, report) }
      return
    }
    answered(
      status: Int16(clamping: head.status.code),
      asksToBeLeft: AnswerRemarks.asksToBeLeft(head.headers))
  }

  fileprivate func passed() { answered(status: 200, asksToBeLeft: false) }

  fileprivate func answered(status: Int16, asksToBeLeft: Bool) {
    end { world.probeAnswered(self, HealthAnswer(status: status, asksToBeLeft: asksToBeLeft)) }
  }

  fileprivate func broke() { end { world.probeFailed(self, .reset) } }

  private func end(_ tell: () -> Void) {
    if isOver { return }
    isOver = true
    tell()
    channel?.close(promise: nil)
    channel = nil
  }

  /// Nobody waits any more.
  func cancel() { end {} }
}

/// Hears an answer of HTTP/1.1, of which the head is enough.
private final class ProbeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private let probe: HealthProbe

  init(_ probe: HealthProbe) { self.probe = probe }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data), head.status.code >= 200 { probe.answered(head) }
  }

  func channelInactive(context: ChannelHandlerContext) { probe.broke() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { probe.broke() }
}

/// Waits for texts that have to come, one behind the other, whatever stands between them (Envoy's TCP health check).
private final class BytesProbeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private static let mostBytes = 65_536
  private let probe: HealthProbe
  private let awaited: [String]
  private var text: [UInt8] = []

  init(_ probe: HealthProbe, _ awaited: [String]) {
    self.probe = probe
    self.awaited = awaited
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    text += unwrapInboundIn(data).readableBytesView
    if text.count > Self.mostBytes {
      probe.broke()
      return
    }
    var rest = text[...]
    for part in awaited {
      guard let found = rest.firstRange(of: Array(part.utf8)) else { return }
      rest = rest[found.upperBound...]
    }
    probe.passed()
  }

  func channelInactive(context: ChannelHandlerContext) { probe.broke() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { probe.broke() }
}

/// Hears an answer of gRPC's health service. Its messages are one field each, so they are read and written by hand:
/// `HealthCheckRequest { string service = 1; }`, `HealthCheckResponse { ServingStatus status = 1; }` with SERVING = 1.
private final class ServingHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private let probe: HealthProbe
  private var status: HTTPResponseStatus?
  private var code: String?
  private var message: [UInt8] = []

  init(_ probe: HealthProbe) { self.probe = probe }

  /// A question about a service, behind the five bytes that lead every message of gRPC.
  static func request(_ service: String) -> ByteBuffer {
    let name = service.utf8.prefix(127)
    let size = name.isEmpty ? 0 : name.count + 2
    var buffer = ByteBuffer()
    buffer.writeInteger(UInt8(0))
    buffer.writeInteger(UInt32(size))
    if !name.isEmpty {
      buffer.writeBytes([0x0a, UInt8(name.count)])
      buffer.writeBytes(name)
    }
    return buffer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      status = head.status
      code = head.headers.first(name: "grpc-status")
    case .body(let part):
      if message.count < 1024 { message += part.readableBytesView }
    case .end(let trailers):
      let code = trailers?.first(name: "grpc-status") ?? code
      guard status == .ok, code == "0" else {
        probe.answered(status: 503, asksToBeLeft: false)
        return
      }
      let isServing = message.dropFirst(5).starts(with: [0x08, 0x01])
      probe.answered(status: isServing ? 200 : 503, asksToBeLeft: false)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { probe.broke() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { probe.broke() }
}
