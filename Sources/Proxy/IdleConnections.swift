// Connections to an endpoint that carry nothing for now, and how long they may.
//
// A server ends connections that lie idle for long, and a request that meets such an end is lost: who keeps them for less than servers
// do (`mesh.proxy.idleTimeout`) sends on none of them. The youngest is used first, so that those which are too many get old.

import NIOCore

/// Idle connections of one endpoint, the youngest last. Confined to its event loop.
final class IdleConnections {
  private let loop: any EventLoop
  private var connections: [(handler: UpstreamHandler, until: NIODeadline)] = []
  /// Those that are asked to end. Over TLS that takes a while, in which they must carry nothing.
  private var ending: [UpstreamHandler] = []
  private var timer: (task: Scheduled<Void>, at: NIODeadline)?

  init(on loop: any EventLoop) { self.loop = loop }

  /// Takes one that is free now, to end it when nobody has wanted it for so long.
  func put(_ handler: UpstreamHandler, for limit: TimeAmount) {
    let until = loop.now + limit
    connections.append((handler, until))
    if let timer, timer.at <= until { return }
    setTimer(until)
  }

  /// The youngest that still stands.
  func take() -> UpstreamHandler? {
    while let (handler, _) = connections.popLast() {
      if handler.isActive { return handler }
      ending.append(handler)
    }
    return nil
  }

  /// Forgets one that has ended; returns whether it was here.
  func remove(_ handler: UpstreamHandler) -> Bool {
    if let place = connections.firstIndex(where: { $0.handler === handler }) {
      connections.remove(at: place)
      return true
    }
    guard let place = ending.firstIndex(where: { $0 === handler }) else { return false }
    ending.remove(at: place)
    return true
  }

  /// Ends them all.
  func close() { end { _ in true } }

  private func setTimer(_ deadline: NIODeadline) {
    timer?.task.cancel()
    let bound = NIOLoopBound(WeakReference(self), eventLoop: loop)
    timer = (loop.scheduleTask(deadline: deadline) { bound.value.connections?.endOld() }, deadline)
  }

  private func endOld() {
    timer = nil
    let now = loop.now
    end { $0 <= now }
    if let next = connections.map(\.until).min() { setTimer(next) }
  }

  private func end(where isOld: (NIODeadline) -> Bool) {
    let old = connections.filter { isOld($0.until) }.map(\.handler)
    connections.removeAll { isOld($0.until) }
    ending += old
    // Each one's end comes back as a call of `remove`, at once or later.
    for handler in old { handler.cancel() }
  }

  /// A timer keeps nobody's connections.
  private final class WeakReference {
    weak var connections: IdleConnections?
    init(_ connections: IdleConnections) { self.connections = connections }
  }
}
