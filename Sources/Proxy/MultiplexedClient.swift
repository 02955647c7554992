// A client's HTTP/2 connection as a whole: it is told when no more streams are wanted (RFC 9113, 6.8), and ends when the last is over.

import MeshCore
import NIOCore
import NIOHTTP2

/// One HTTP/2 connection. Confined to its event loop.
final class MultiplexedClient: ChannelInboundHandler, NIOHTTP2StreamDelegate, Drainable, @unchecked Sendable {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  /// What the answer to our ping has to carry: when it is there, every stream that the client had opened before it heard is there too.
  private static let mark = HTTP2PingData(withInteger: 0x7765_6972_6472_6169)

  private let worker: Worker
  private let idleLimit: TimeAmount
  var place = 0
  private var context: ChannelHandlerContext?
  private var streams = 0
  private var last = HTTP2StreamID.rootStream
  private var hasSaidGoodbye = false
  private var idleSince = NIODeadline.now()
  private var timer: Scheduled<Void>?
  private var isLeaving = false
  private var hasBeenHeard = false

  init(worker: Worker, idleLimit: TimeSpan) {
    self.worker = worker
    self.idleLimit = .nanoseconds(idleLimit.nanoseconds)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    setTimer(context)
    worker.opened(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    self.context = nil
    worker.closed(self)
  }

  func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
    streams += 1
    last = max(last, id)
  }

  func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
    streams -= 1
    if streams == 0 { idleSince = .now() }
    closeIfDone()
  }

  /// Asks for no more streams, and ends with the last one.
  func drain() {
    guard let context, !isLeaving else { return }
    isLeaving = true
    // Streams that are on their way are still served; the answer to the ping tells that there are no others. Where none is open the codec
    // would take no more once it has said goodbye, so that comes last.
    if streams > 0 { sayGoodbye(.maxID, context) }
    write(.ping(Self.mark, ack: false), context)
    context.flush()
  }

  private func sayGoodbye(_ last: HTTP2StreamID, _ context: ChannelHandlerContext) {
    if hasSaidGoodbye { return }
    hasSaidGoodbye = true
    write(.goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil), context)
  }

  private func write(_ payload: HTTP2Frame.FramePayload, _ context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: payload)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .ping(Self.mark, ack: true) = unwrapInboundIn(data).payload {
      hasBeenHeard = true
      closeIfDone()
    }
    context.fireChannelRead(data)
  }

  private func closeIfDone() {
    guard isLeaving && hasBeenHeard && streams == 0, let context else { return }
    // A stream is over for the codec before its last frame has gone out.
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.execute {
      guard let context = bound.value.context, bound.value.streams == 0 else { return }
      bound.value.sayGoodbye(bound.value.last, context)
      Closing.whenWritten(context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Who says nothing more cannot make room for answers either.
    if let event = event as? ChannelEvent, event == .inputClosed {
      context.close(promise: nil)
      return
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What concerns one stream ends that stream alone.
    if error is NIOHTTP2Errors.StreamError { return }
    context.close(promise: nil)
  }

  // MARK: - Idleness

  private func setTimer(_ context: ChannelHandlerContext) {
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let due = streams == 0 ? idleSince + idleLimit : .now() + idleLimit
    timer = context.eventLoop.scheduleTask(deadline: max(due, .now() + .milliseconds(10))) { bound.value.timeIsUp() }
  }

  private func timeIsUp() {
    guard let context else { return }
    if streams == 0 && NIODeadline.now() - idleSince >= idleLimit {
      sayGoodbye(last, context)
      Closing.whenWritten(context)
      return
    }
    setTimer(context)
  }
}
