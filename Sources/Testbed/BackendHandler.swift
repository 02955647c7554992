// Requests on one connection, or one stream of HTTP/2, of a replica: read by NIO's codec, answered when the replica says so.

import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// Answers what a connection or stream asks. HTTP/1.1 asks the next question when the former is answered (NIO's own pipelining handler).
final class BackendHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let backend: Backend
  private let replica: ReplicaServer
  private var head: HTTPRequestHead?
  private var work: ReplicaServer.Work?

  init(_ backend: Backend, _ replica: ReplicaServer) {
    self.backend = backend
    self.replica = replica
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      ask(head, context)
    }
  }

  private func ask(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    // Checks cost a replica nothing, as in the lab.
    if head.headers.first(name: "user-agent").map(Self.isCheck) ?? false {
      if let status = replica.checkStatus { respond(.status(status), context) }
      return
    }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    let work = backend.work(head.headers) { [self] answer in
      self.work = nil
      respond(answer, bound.value)
    }
    self.work = work
    replica.take(work)
  }

  private static func isCheck(_ agent: String) -> Bool { agent == "weir-health-check" || agent == "Envoy/HC" }

  private func respond(_ answer: ServerAnswer, _ context: ChannelHandlerContext) {
    guard case .status(let status) = answer else {
      Backend.reset(context.channel.parent ?? context.channel)
      return
    }
    let body = backend.body(of: replica)
    let headers: HTTPHeaders = [
      "content-length": String(body.readableBytes), "endpoint-load-metrics": replica.report,
      "x-weir-endpoint": replica.name,
    ]
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if let work { replica.abandon(work) }
    work = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// Puts what a replica's connection needs behind whoever has told its protocol.
  static func install(_ backend: Backend, _ replica: ReplicaServer, on channel: any Channel, isHTTP2: Bool) throws {
    if !isHTTP2 {
      try channel.pipeline.syncOperations.configureHTTPServerPipeline()
      try channel.pipeline.syncOperations.addHandler(BackendHandler(backend, replica))
      return
    }
    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
      mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
        try stream.pipeline.syncOperations.addHandler(BackendHandler(backend, replica))
      }
    }
  }
}
