// A client's connection that is no HTTP: its endpoint is chosen as a request's is, and then its bytes go through.

import DataPlane
import MeshCore
import NIOCore
import NIOHTTP1
import NIOTLS

/// A connection of a TCP listener, until its endpoint's stands. Confined to its event loop.
final class PassthroughHandler: ChannelDuplexHandler, RemovableChannelHandler, ResponseSink, Drainable {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let worker: Worker
  private let client: ClientConnection
  private let cluster: String
  var place = 0
  private var context: ChannelHandlerContext?
  private var exchange: Exchange?
  /// What the client has said meanwhile: as much as one read brings, since no other is asked for.
  private var early: [ByteBuffer] = []
  private var hasInputEnded = false
  private var tunnel: TunnelHandler?

  init(worker: Worker, client: ClientConnection, cluster: String) {
    self.worker = worker
    self.client = client
    self.cluster = cluster
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    worker.opened(self)
    if context.channel.isActive && !client.isTLS { begin() }
  }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    if !client.isTLS { begin() }
    context.fireChannelActive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { begin() }
    if let event = event as? ChannelEvent, event == .inputClosed {
      hasInputEnded = true
      return
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func begin() {
    if exchange != nil { return }
    let world = worker.world
    let head = HTTPRequestHead(version: .http1_1, method: .CONNECT, uri: cluster, headers: ["host": cluster])
    let exchange = Exchange(head, HeadSurvey(head.headers), from: nil, target: cluster, world: world, sink: self)
    exchange.wantsTunnel = true
    // Of the configuration that holds now, which may not be the one that began to listen.
    exchange.givenRoute = world.connectionRoute(to: cluster)
    self.exchange = exchange
    world.begin(exchange, of: client, path: nil, method: nil)
  }

  func read(context: ChannelHandlerContext) {
    // Until the handshake is over what is read is TLS's, and then one read's worth is kept.
    if exchange == nil || early.isEmpty { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { early.append(unwrapInboundIn(data)) }

  func drain() {
    // A connection has no end that could be waited for; the server's `drainTime` is what it has left.
    if exchange == nil { context?.close(promise: nil) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if tunnel == nil { leave() }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func leave() {
    worker.closed(self)
    guard let exchange else { return }
    self.exchange = nil
    exchange.world.abandon(exchange)
  }

  // MARK: - Answers

  func respond(_ exchange: Exchange, from attempt: Attempt) {
    guard exchange === self.exchange, let context, let channel = attempt.tunnel else { return }
    let pair = TunnelHandler.pair { [worker] in
      exchange.world.tunnelEnded(exchange)
      worker.closed(self)
      self.tunnel = nil
    }
    tunnel = pair.client
    let pipeline = context.pipeline.syncOperations
    do {
      try pipeline.addHandler(pair.client)
      try channel.pipeline.syncOperations.addHandler(pair.server)
    } catch {
      context.close(promise: nil)
      return
    }
    for buffer in early { context.fireChannelRead(wrapInboundOut(buffer)) }
    if !early.isEmpty { context.fireChannelReadComplete() }
    if hasInputEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    early = []
    pipeline.removeHandler(self, promise: nil)
    pair.client.open()
    channel.setOption(.autoRead, value: true).whenComplete { _ in channel.read() }
    context.channel.read()
  }

  func respondLocally(_ exchange: Exchange, status: Int, _ cause: ResponseCause) {
    guard exchange === self.exchange else { return }
    self.exchange = nil
    exchange.world.finish(exchange, status: status)
    context?.close(promise: nil)
    worker.closed(self)
  }

  func responseContinues(_ exchange: Exchange, _ part: HTTPClientResponsePart) {}
  func responsePauses(_ exchange: Exchange) {}
  func responseBroke(_ exchange: Exchange) { context?.close(promise: nil) }
  var isFull: Bool { false }
  func mayReadOn() {}
}
