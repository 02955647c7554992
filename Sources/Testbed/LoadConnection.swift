// One HTTP/1.1 connection of a load generator: one question at a time, kept alive between them.

import NIOCore
import NIOHTTP1

/// A connection. Confined to its event loop.
final class LoadConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  /// What comes of a question: a status, or nil when the connection broke; and the cookies that the answer sets.
  typealias Ending = (Int?, [String]) -> Void

  private let channel: any Channel
  private let idle: (LoadConnection) -> Void
  private var ending: Ending?
  private var status: Int?
  private var cookies: [String] = []
  private var keepsAlive = true

  /// A connection on `channel`, which tells `idle` when it may be asked again.
  init(_ channel: any Channel, idle: @escaping (LoadConnection) -> Void) {
    self.channel = channel
    self.idle = idle
  }

  /// Whether it may be asked.
  var isUsable: Bool { channel.isActive && ending == nil }

  /// Asks.
  func ask(_ head: HTTPRequestHead, body: ByteBuffer?, _ ending: @escaping Ending) {
    self.ending = ending
    status = nil
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil) }
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  /// Ends it.
  func close() { channel.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      if head.status.code < 200 { return }
      status = Int(head.status.code)
      keepsAlive = head.isKeepAlive
      cookies = head.headers["set-cookie"]
    case .body: break
    case .end:
      guard let status, let ending else { return }
      self.ending = nil
      ending(status, cookies)
      if keepsAlive { idle(self) } else { context.close(promise: nil) }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    let ending = ending
    self.ending = nil
    ending?(nil, [])
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
