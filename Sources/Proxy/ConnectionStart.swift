// The first bytes of a connection: which protocol they are of, and whether they come in time.

import MeshCore
import NIOCore
import NIOHTTP1

/// Tells HTTP/2 from HTTP/1.1 by its preface, puts the handlers of the one that it is behind itself, and leaves.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  private var bytes: ByteBuffer?
  private let install: (_ isHTTP2: Bool) throws -> Void

  init(_ install: @escaping (_ isHTTP2: Bool) throws -> Void) { self.install = install }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    if bytes == nil { bytes = part } else { bytes?.writeBuffer(&part) }
    guard let bytes else { return }
    let seen = min(bytes.readableBytes, Self.preface.count)
    let agrees = bytes.readableBytesView.prefix(seen).elementsEqual(Self.preface.prefix(seen))
    if agrees && seen < Self.preface.count { return }
    do {
      try install(agrees)
    } catch {
      context.close(promise: nil)
      return
    }
    self.bytes = nil
    context.fireChannelRead(wrapInboundOut(bytes))
    context.fireChannelReadComplete()
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }
}

/// Ends connections whose requests' heads come too slowly, and those that lie idle for long. One timer a connection, set anew when
/// it is due.
final class HeadGuard: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let headLimit: TimeAmount
  private let idleLimit: TimeAmount
  private var timer: Scheduled<Void>?
  /// Since when bytes have come of a head that is not whole.
  private var headSince: NIODeadline?
  private var lastRead = NIODeadline.now()
  private let isIdle: () -> Bool

  init(_ description: (head: TimeSpan, idle: TimeSpan), isIdle: @escaping () -> Bool) {
    headLimit = .nanoseconds(description.head.nanoseconds)
    idleLimit = .nanoseconds(description.idle.nanoseconds)
    self.isIdle = isIdle
  }

  func handlerAdded(context: ChannelHandlerContext) {
    lastRead = .now()
    headSince = lastRead
    set(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastRead = .now()
    if headSince == nil && isIdle() { headSince = lastRead }
    context.fireChannelRead(data)
    if !isIdle() { headSince = nil }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    context.fireChannelInactive()
  }

  private func set(_ context: ChannelHandlerContext) {
    let due = headSince.map { $0 + headLimit } ?? lastRead + min(headLimit, idleLimit)
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let context = NIOLoopBound(context, eventLoop: context.eventLoop)
    timer = context.value.eventLoop.scheduleTask(deadline: max(due, .now() + .milliseconds(10))) {
      bound.value.due(context.value)
    }
  }

  private func due(_ context: ChannelHandlerContext) {
    timer = nil
    let now = NIODeadline.now()
    if let headSince, isIdle() {
      if now - headSince >= headLimit {
        // Below the codec, which has no request to answer.
        let text = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
        context.close(promise: nil)
        return
      }
    } else {
      headSince = nil
    }
    if isIdle() && now - lastRead >= idleLimit {
      context.close(promise: nil)
      return
    }
    set(context)
  }
}
