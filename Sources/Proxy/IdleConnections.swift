// Connections to an endpoint that carry nothing for now, and how long they may.
//
// A server ends connections that lie idle for long, and a request that meets such an end is lost: who keeps them for less than servers
// do (`mesh.proxy.idleTimeout`) sends on none of them. The youngest is used first, so that those which are too many get old.

import NIOCore

/// Idle connections of one endpoint, the youngest last. Confined to its event loop.
final class IdleConnections {
  private let loop: any EventLoop
  private var connections: [(handler: UpstreamHandler, until: NIODeadline)] = []
  private var timer: Scheduled<Void>?

  init(on loop: any EventLoop) { self.loop = loop }

  /// Takes one that is free now, to end it when nobody has wanted it for so long.
  func put(_ handler: UpstreamHandler, for limit: TimeAmount) {
    connections.append((handler, .now() + limit))
    if timer == nil { setTimer() }
  }

  /// The youngest that still stands.
  func take() -> UpstreamHandler? {
    while let (handler, _) = connections.popLast() {
      if handler.isActive { return handler }
    }
    return nil
  }

  /// Forgets one that has ended; returns whether it was here.
  func remove(_ handler: UpstreamHandler) -> Bool {
    guard let place = connections.firstIndex(where: { $0.handler === handler }) else { return false }
    connections.remove(at: place)
    return true
  }

  /// Ends them all.
  func close() { for (handler, _) in connections { handler.cancel() } }

  private func setTimer() {
    guard let first = connections.map(\.until).min() else { return }
    let bound = NIOLoopBound(WeakReference(self), eventLoop: loop)
    timer = loop.scheduleTask(deadline: first) { bound.value.connections?.endOld() }
  }

  private func endOld() {
    timer = nil
    let now = NIODeadline.now()
    // Each one's end comes back as a call of `remove`.
    for (handler, until) in connections where until <= now { handler.cancel() }
    setTimer()
  }

  /// A timer keeps nobody's connections.
  private final class WeakReference {
    weak var connections: IdleConnections?
    init(_ connections: IdleConnections) { self.connections = connections }
  }
}
