// Why requests of a client were not served as asked: what stood in their way, counted on the way to a failure alone.
//
// A request counts under what gave it its final answer. What a delayed one was answered counts beside its delay.

import DataPlane
import MeshCore

/// Requests by what stood in their way.
public struct RefusalCounts: BitwiseCopyable, Sendable, Hashable {
  /// Answered 429 by a rate limit, before the route or at the server.
  public var rateLimited: Int64 = 0
  /// Turned away because a circuit breaker had no room.
  public var breakerOverflow: Int64 = 0
  /// Rejected by admission control.
  public var admissionRejected: Int64 = 0
  /// Turned away by a limit of requests in flight that follows latency.
  public var concurrencyLimited: Int64 = 0
  /// Refused by throttling at the client.
  public var throttled: Int64 = 0
  /// Held up by an injected delay.
  public var faultDelayed: Int64 = 0
  /// Answered by an injected fault.
  public var faultAborted: Int64 = 0
  /// Shed from a server's queue.
  public var shed: Int64 = 0
  /// Answered 403 at a server's side, by its authorization.
  public var unauthorized: Int64 = 0
  /// Sent by a split to a destination that does not exist.
  public var noBackend: Int64 = 0

  /// None.
  public init() {}

  /// Adds those of another client.
  static func += (left: inout RefusalCounts, right: RefusalCounts) {
    left.rateLimited += right.rateLimited
    left.breakerOverflow += right.breakerOverflow
    left.admissionRejected += right.admissionRejected
    left.concurrencyLimited += right.concurrencyLimited
    left.throttled += right.throttled
    left.faultDelayed += right.faultDelayed
    left.faultAborted += right.faultAborted
    left.shed += right.shed
    left.unauthorized += right.unauthorized
    left.noBackend += right.noBackend
  }

  /// Counts a request that its data plane has answered in the endpoint's place.
  mutating func count(_ cause: ResponseCause) {
    switch cause {
    case .faultAborted: faultAborted += 1
    case .rateLimited: rateLimited += 1
    case .admissionRejected: admissionRejected += 1
    case .throttled: throttled += 1
    case .concurrencyLimited: concurrencyLimited += 1
    case .breakerOverflow: breakerOverflow += 1
    case .noBackend: noBackend += 1
    default: break
    }
  }

  /// Counts a request that a server has turned away.
  mutating func count(_ refusal: ServerRefusal) {
    switch refusal {
    case .none: break
    case .rateLimited: rateLimited += 1
    case .shed: shed += 1
    case .unauthorized: unauthorized += 1
    }
  }
}

/// Why a server has turned an attempt away, where that was no lack of room.
enum ServerRefusal: UInt8, BitwiseCopyable {
  case none
  /// A limit at its inbound side.
  case rateLimited
  /// Its queue stood.
  case shed
  /// Its authorization does not name the caller.
  case unauthorized
}

/// An answer that is handed on slowly.
struct SlowAnswer: BitwiseCopyable {
  var call: SlotHandle
  var status: Int16
}
