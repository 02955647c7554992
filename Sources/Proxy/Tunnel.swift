// Two connections made one: what comes from either side goes to the other as it is. For TCP listeners, CONNECT, and connections that have
// left HTTP behind (status 101).

import NIOCore

/// One side of a tunnel. Confined to its event loop, which is the other side's too.
final class TunnelHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var context: ChannelHandlerContext?
  private weak var other: TunnelHandler?
  private var isReadHeld = false
  private var hasInputEnded = false
  private var hasOutputEnded = false
  /// Whether both sides stand, with no codec in the way.
  private var isOpen = false
  /// What came before.
  private var early: [ByteBuffer] = []
  private let ended: () -> Void

  private init(ended: @escaping () -> Void) { self.ended = ended }

  /// Both sides of a tunnel; `ended` is called once, when it is over.
  static func pair(ended: @escaping () -> Void) -> (client: TunnelHandler, server: TunnelHandler) {
    var isOver = false
    let end = {
      if isOver { return }
      isOver = true
      ended()
    }
    let (client, server) = (TunnelHandler(ended: end), TunnelHandler(ended: end))
    client.other = server
    server.other = client
    return (client, server)
  }

  /// Both sides stand: what has come so far goes on.
  func open() {
    for side in [self, other] { side?.isOpen = true }
    for side in [self, other] { side?.sendEarly() }
  }

  private func sendEarly() {
    for buffer in early { other?.context?.write(NIOAny(buffer), promise: nil) }
    if !early.isEmpty { other?.context?.flush() }
    early = []
    if hasInputEnded { other?.endOutput() }
    readOn()
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  // MARK: - From this side

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard isOpen, let there = other?.context else {
      early.append(unwrapInboundIn(data))
      return
    }
    there.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    other?.context?.flush()
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    if isOpen, let there = other?.context, there.channel.isWritable { context.read() } else { isReadHeld = true }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      hasInputEnded = true
      if !isOpen { return }
      other?.endOutput()
      if hasOutputEnded { Closing.whenWritten(context) }
      return
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    ended()
    if let there = other?.context { Closing.whenWritten(there) }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { other?.readOn() }
    context.fireChannelWritabilityChanged()
  }

  // MARK: - From the other side

  private func readOn() {
    if !isReadHeld { return }
    isReadHeld = false
    context?.read()
  }

  private func endOutput() {
    guard let context, !hasOutputEnded else { return }
    hasOutputEnded = true
    context.flush()
    if hasInputEnded { Closing.whenWritten(context) } else { context.close(mode: .output, promise: nil) }
  }

  /// Nothing more comes from this side: it had ended before the tunnel stood.
  func endsInput() { hasInputEnded = true }

  /// Ends both sides.
  func close() { context?.close(promise: nil) }
}
