// One connection's end at the proxy, or one stream of an HTTP/2 connection: carries one attempt at a time.

import DataPlane
import NIOCore
import NIOHTTP1

/// Sends an attempt's request and hands its answer to it. Confined to its event loop.
final class UpstreamHandler: ChannelDuplexHandler, RemovableChannelHandler, UpstreamStream {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HTTPClientRequestPart
  typealias OutboundOut = HTTPClientRequestPart

  private(set) var context: ChannelHandlerContext?
  private var attempt: Attempt?
  private var keepsAlive = true
  private var hasSentAll = false
  private var isReadHeld = false
  /// The head after which no HTTP follows.
  private var switching: HTTPClientResponsePart?
  /// The connection, once somebody else has it.
  private var left: (any Channel)?
  /// Told when the connection is free for another attempt, or gone.
  var released: ((UpstreamHandler, _ isReusable: Bool) -> Void)?

  var isActive: Bool { context?.channel.isActive ?? false }
  var isWritable: Bool { context?.channel.isWritable ?? true }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  /// Takes an attempt on.
  func take(_ attempt: Attempt) {
    self.attempt = attempt
    keepsAlive = true
    hasSentAll = false
    attempt.stream = self
    attempt.exchange.sendAll(to: attempt)
  }

  // MARK: - Requests

  func send(_ part: HTTPClientRequestPart) {
    guard let context else { return }
    if case .end = part { hasSentAll = true }
    context.write(wrapOutboundOut(part), promise: nil)
  }

  func flush() { context?.flush() }

  func cancel() {
    attempt = nil
    left?.close(promise: nil)
    context?.close(promise: nil)
  }

  func handOver() -> (any Channel)? {
    guard let context else { return nil }
    let channel = context.channel
    attempt = nil
    left = channel
    channel.setOption(.allowRemoteHalfClosure, value: true).whenFailure { _ in channel.close(promise: nil) }
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    channel.closeFuture.whenComplete { _ in bound.value.gone() }
    return channel
  }

  func readOn() {
    if !isReadHeld { return }
    isReadHeld = false
    context?.read()
  }

  func read(context: ChannelHandlerContext) {
    if let attempt, attempt.isWinner, attempt.exchange.sink?.isFull == true {
      isReadHeld = true
    } else {
      context.read()
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { attempt?.exchange.sink?.mayReadOn() }
    context.fireChannelWritabilityChanged()
  }

  // MARK: - Answers

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    guard let attempt else { return }
    if case .head(let head) = part {
      if head.status == .switchingProtocols {
        switching = part
        return
      }
      // The codec's word for it knows of HTTP/1 alone; a stream of HTTP/2 is over when both sides have ended it.
      if head.status.code >= 200 { keepsAlive = head.version.major > 1 || head.isKeepAlive }
    }
    if let head = switching {
      // The codec says that this head is whole, and no more.
      switching = nil
      switchProtocols(attempt, head, context)
      return
    }
    attempt.receive(part)
    if case .end = part { finish(attempt) }
  }

  /// What follows this head is no HTTP; nobody but who asked for it may have it.
  private func switchProtocols(_ attempt: Attempt, _ part: HTTPClientResponsePart, _ context: ChannelHandlerContext) {
    if attempt.exchange.wantsUpgrade {
      attempt.receive(part)
      attempt.pause()
      if left != nil { return }
    }
    broke()
    context.close(promise: nil)
  }

  private func finish(_ attempt: Attempt) {
    self.attempt = nil
    attempt.stream = nil
    // A server that was asked to change protocols may read no more requests, though it has answered this one.
    let isReusable = keepsAlive && hasSentAll && !attempt.exchange.wantsUpgrade
    attempt.pause()
    released?(self, isReusable)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    attempt?.pause()
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    broke()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    broke()
    context.close(promise: nil)
  }

  private func broke() {
    if let attempt {
      self.attempt = nil
      attempt.stream = nil
      attempt.world.failed(attempt, .reset)
    }
    gone()
  }

  private func gone() {
    let told = released
    released = nil
    told?(self, false)
  }
}
