// How an attempt ends without an answer, as far as retries tell such ends apart.
//
// Envoy asks for the reason of a stream's reset and whether the request had been started on it
// (source/common/router/retry_state_impl.cc); the kinds here are what a mesh can meet of those.

/// Why an attempt was not answered.
@frozen
public enum ResetKind: UInt8, BitwiseCopyable, Sendable, Hashable, CaseIterable {
  /// No connection: refused, or broken before it stood. Nothing was sent.
  case connectFailure = 0
  /// No connection within the connect timeout. Nothing was sent.
  case connectTimeout = 1
  /// The stream or its connection broke after the request had been sent.
  case reset = 2
  /// The stream or its connection broke before anything of the request had been sent.
  case resetBeforeRequest = 3
  /// HTTP/2 REFUSED_STREAM: the server says that it has not touched the request.
  case refusedStream = 4
  /// The time of one try is over.
  case perTryTimeout = 5
  /// A circuit breaker of the caller's own side had no room.
  case overflow = 6

  /// Whether something of the request had been sent, unless the caller knows better.
  @inline(__always)
  var isAfterRequest: Bool {
    switch self {
    case .connectFailure, .connectTimeout, .resetBeforeRequest, .overflow: false
    case .reset, .refusedStream, .perTryTimeout: true
    }
  }
}
