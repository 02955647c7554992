import NIOCore
import NIOEmbedded
import Testing

@testable import Proxy

@Suite("one flush a turn")
struct FlushOnceTests {
  /// What a channel has been asked for below the handler.
  private final class Log: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    var calls: [String] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      calls.append("write")
      context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
      calls.append("flush")
      context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
      calls.append("close")
      context.close(mode: mode, promise: promise)
    }
  }

  private func channel() throws -> (EmbeddedChannel, Log) {
    let log = Log()
    return (EmbeddedChannel(handlers: [log, FlushOnce()]), log)
  }

  /// Goal: what several streams flush in one turn of the event loop is flushed once, behind all of it; the next turn flushes again.
  @Test func gathers() throws {
    let (channel, log) = try channel()
    for text in ["a", "b", "c"] { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
    #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    channel.embeddedEventLoop.run()
    #expect(log.calls == ["write", "write", "write", "flush"])
    channel.writeAndFlush(ByteBuffer(string: "d"), promise: nil)
    channel.embeddedEventLoop.run()
    #expect(log.calls.suffix(2) == ["write", "flush"])
    var text = ""
    while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
    #expect(text == "abcd")
    _ = try channel.finish()
  }

  /// Goal: who closes what was flushed loses nothing of it, and what was not flushed does not go out by the way.
  @Test func closesBehindIt() throws {
    let (channel, log) = try channel()
    channel.writeAndFlush(ByteBuffer(string: "last words"), promise: nil)
    channel.close(promise: nil)
    #expect(log.calls == ["write", "flush", "close"])
    let (other, silent) = try self.channel()
    other.write(ByteBuffer(string: "unsaid"), promise: nil)
    other.close(promise: nil)
    other.embeddedEventLoop.run()
    #expect(silent.calls == ["write", "close"])
  }
}
