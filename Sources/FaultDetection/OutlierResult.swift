// What outlier detection is told of an attempt, in Envoy's words (envoy/upstream/outlier_detection.h).
//
// Where failures to reach an endpoint are not counted apart, they become the status that a caller would have been given: 504 for a
// timeout, 503 for a connection that failed or broke. A status that is known always wins. A connection that opened says nothing by
// itself then, or the answer that follows would be counted twice. Where they are counted apart, what happened on the way
// (local origin) and what the endpoint answered (external origin) have counters and success rates of their own.

/// What happened to an attempt.
@frozen
public enum OutlierResult: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
  /// The endpoint served it.
  case externalOriginSucceeded
  /// The endpoint failed to serve it.
  case externalOriginFailed
  /// No answer came in time.
  case localOriginTimedOut
  /// The connection did not open, or broke.
  case localOriginConnectFailed
  /// The connection opened; how it goes on will be told.
  case localOriginConnectSucceeded
  /// The connection opened, and that was all there was to it.
  case localOriginConnectSucceededFinally

  /// The HTTP status that it counts as where origins are not told apart and none is known; nil for none.
  public var status: Int16? {
    switch self {
    case .externalOriginSucceeded, .localOriginConnectSucceededFinally: 200
    case .localOriginTimedOut: 504
    case .localOriginConnectFailed: 503
    case .externalOriginFailed: 500
    case .localOriginConnectSucceeded: nil
    }
  }
}
