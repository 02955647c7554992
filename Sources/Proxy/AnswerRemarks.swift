// What an answer's head says to the data plane beside its status: when to come again, and that its server wants to be left alone.

import Foundation
import MeshCore
import NIOHTTP1
import TrafficSplitting

enum AnswerRemarks {
  /// By which a server takes itself out of a cluster that is health checked (Envoy, health_check filter).
  static let leave = "x-envoy-immediate-health-check-fail"

  /// Whether an answer asks that its server be left alone.
  static func asksToBeLeft(_ headers: HTTPHeaders) -> Bool { headers.contains(name: leave) }

  /// How long an answer asks to wait; nil where it says nothing. Nobody heeds that of an answer that is no failure.
  static func retryAfter(_ head: HTTPResponseHead?) -> TimeSpan? {
    guard let head, head.status.code >= 400, let value = head.headers.first(name: "retry-after") else { return nil }
    return RetryAfter.span(value, now: Int64(Date().timeIntervalSince1970))
  }
}
