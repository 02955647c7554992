// The first bytes of a connection: which protocol they are of, and whether they come in time.

import MeshCore
import NIOCore
import NIOHTTP1
import NIOTLS

/// Waits for enough of a connection's first bytes to tell of two kinds of protocol which they are of, puts the handlers of that one behind
/// itself, and leaves.
public final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
  public typealias InboundIn = ByteBuffer
  public typealias InboundOut = ByteBuffer

  /// Whether bytes are of the kind that is asked for; nil while nobody can tell.
  public typealias Rule = (ByteBufferView) -> Bool?

  private let limit: TimeAmount
  private let rule: Rule
  private let install: (_ is: Bool) throws -> Void
  private var bytes: ByteBuffer?
  private var hasInstalled = false
  private var timer: Scheduled<Void>?

  /// Waits for at most `limit`; `install` adds the handlers of what it is, and may throw what ends the connection.
  public init(limit: TimeSpan, _ rule: @escaping Rule, _ install: @escaping (_ is: Bool) throws -> Void) {
    self.limit = .nanoseconds(limit.nanoseconds)
    self.rule = rule
    self.install = install
  }

  /// HTTP/2 begins with a preface (RFC 9113, 3.4).
  public static func isHTTP2(_ bytes: ByteBufferView) -> Bool? {
    let seen = min(bytes.count, preface.count)
    if !bytes.prefix(seen).elementsEqual(preface.prefix(seen)) { return false }
    return seen == preface.count ? true : nil
  }

  /// TLS begins with a handshake record (RFC 8446, 5.1).
  public static func isTLS(_ bytes: ByteBufferView) -> Bool? { bytes.first.map { $0 == 0x16 } }

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  public func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
  }

  public func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    if bytes == nil { bytes = part } else { bytes?.writeBuffer(&part) }
    guard let bytes, let answer = rule(bytes.readableBytesView) else { return }
    do {
      try install(answer)
    } catch {
      context.close(promise: nil)
      return
    }
    self.bytes = nil
    hasInstalled = true
    context.fireChannelRead(wrapInboundOut(bytes))
    context.fireChannelReadComplete()
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Who says nothing more has not said enough.
    if let event = event as? ChannelEvent, event == .inputClosed, !hasInstalled { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  public func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Ends connections whose requests' heads come too slowly, and those that lie idle for long. One timer a connection, set anew when
/// it is due.
final class HeadGuard: ChannelInboundHandler, RemovableChannelHandler {
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

/// Ends connections whose TLS handshake takes too long, and leaves when it is over.
final class HandshakeLimit: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let limit: TimeAmount
  private var timer: Scheduled<Void>?

  init(_ limit: TimeSpan) { self.limit = .nanoseconds(limit.nanoseconds) }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: limit) { channel.close(mode: .all, promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    context.fireUserInboundEventTriggered(event)
    if case .handshakeCompleted? = event as? TLSUserEvent {
      timer?.cancel()
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
  }
}
