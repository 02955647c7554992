// Requests to which nothing happens for as long as their route allows (Envoy's idle_timeout of a route): one timer each, which looks anew when it rings.

import MeshCore
import NIOCore

extension SocketWorld {
  /// Watches a request that has just begun, if its route says so.
  func watchIdle(_ exchange: Exchange) {
    guard exchange.route >= 0, let limit = idleLimits[Int(exchange.route)] else { return }
    exchange.hasIdleLimit = true
    exchange.touched = exchange.began
    ring(exchange, limit)
  }

  private func ring(_ exchange: Exchange, _ limit: TimeSpan) {
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(clamping: (exchange.touched + limit).nanoseconds))
    exchange.idleAlarm = loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self, weak exchange] in
      // A tunnel is no request any more.
      guard let self, let exchange, !exchange.isOver, exchange.winner?.tunnel == nil,
        exchange.winner?.responseHead?.status != .switchingProtocols
      else { return }
      if now < exchange.touched + limit { ring(exchange, limit) } else { giveUp(exchange) }
    }
  }

  /// The client is told 504, or 408 where it owes the rest of its request, or where the answer has begun that it will not be whole (Envoy).
  private func giveUp(_ exchange: Exchange) {
    let (sink, winner, name) = (exchange.sink, exchange.winner, exchange.request)
    exchange.cause = .routeTimeout
    let status = exchange.isWhole ? 504 : 408
    if winner == nil {
      sink?.respondLocally(exchange, status: status, .routeTimeout)
    } else {
      sink?.responseBroke(exchange)
    }
    finish(exchange, status: status)
    giveUp(winner, or: name)
  }
}
