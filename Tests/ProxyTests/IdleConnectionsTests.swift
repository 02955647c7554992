import NIOCore
import NIOEmbedded
import Testing

@testable import Proxy

@Suite("idle connections")
struct IdleConnectionsTests {
  /// Keeps a close to itself until it is let go, as TLS does while it says goodbye.
  private final class SlowToClose: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var isAsked = false
    private var context: ChannelHandlerContext?

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
      isAsked = true
      self.context = context
    }

    func letGo() { context?.close(promise: nil) }
  }

  private struct Connection {
    let channel: EmbeddedChannel
    let handler = UpstreamHandler()
    let below = SlowToClose()

    init(_ loop: EmbeddedEventLoop) throws {
      channel = EmbeddedChannel(loop: loop)
      try channel.pipeline.syncOperations.addHandlers([below, handler])
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
    }
  }

  /// Goal: one whose time is over carries nothing more though it takes a while to close, is asked to close once, and is counted when it has.
  @Test func endingTakesAWhile() throws {
    let loop = EmbeddedEventLoop()
    let idle = IdleConnections(on: loop)
    let old = try Connection(loop)
    var ended = 0
    old.handler.released = { handler, _ in
      #expect(idle.remove(handler))
      ended += 1
    }
    idle.put(old.handler, for: .seconds(1))
    loop.advanceTime(by: .milliseconds(999))
    #expect(!old.below.isAsked)
    // Were it asked again and again until it is gone, this would not return.
    loop.advanceTime(by: .seconds(10))
    #expect(old.below.isAsked && old.handler.isActive && idle.take() == nil && ended == 0)
    old.below.letGo()
    loop.run()
    #expect(!old.handler.isActive && ended == 1 && !idle.remove(old.handler))
  }

  /// Goal: a shorter limit holds from when it is given, and the youngest is used first.
  @Test func shorterLimit() throws {
    let loop = EmbeddedEventLoop()
    let idle = IdleConnections(on: loop)
    let (patient, hasty) = (try Connection(loop), try Connection(loop))
    for connection in [patient, hasty] { connection.handler.released = { handler, _ in _ = idle.remove(handler) } }
    idle.put(patient.handler, for: .hours(1))
    idle.put(hasty.handler, for: .seconds(5))
    #expect(idle.take() === hasty.handler)
    idle.put(hasty.handler, for: .seconds(5))
    loop.advanceTime(by: .seconds(5))
    #expect(hasty.below.isAsked && !patient.below.isAsked)
    #expect(idle.take() === patient.handler && idle.take() == nil)
    for connection in [patient, hasty] { connection.below.letGo() }
  }
}
