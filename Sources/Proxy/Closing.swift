// Ends of connections that have something to say yet.

import NIOCore

enum Closing {
  private static let pause = TimeAmount.milliseconds(5)

  /// Closes a connection when what has been written has gone out: a close by itself drops what the system has not taken yet. Gives up on a
  /// peer that takes nothing for `patience`.
  static func whenWritten(_ context: ChannelHandlerContext, patience: TimeAmount = .seconds(10)) {
    context.flush()
    let channel = context.channel
    // Not at once: what gathers the flushes of one turn writes at its end.
    channel.eventLoop.execute {
      if channel.isActive { whenWritten(channel, until: .now() + patience) }
    }
  }

  private static func whenWritten(_ channel: any Channel, until deadline: NIODeadline) {
    let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    if waiting == 0 || NIODeadline.now() >= deadline {
      channel.close(promise: nil)
      return
    }
    channel.eventLoop.scheduleTask(in: pause) {
      if channel.isActive { whenWritten(channel, until: deadline) }
    }
  }
}
