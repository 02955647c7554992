// How a health check ended, and what an answer says (Envoy: HealthCheckFailureType, and the checkers for HTTP, TCP and gRPC).
//
// HTTP: a status among the expected ones passes, one among the retriable ones is a failure that counts, any other is one that is
// enough. gRPC: serving passes, anything else is enough. TCP: the connection passes, or the bytes that were awaited; other bytes are
// no result, so the check goes on until its time is over.

import MeshCore

/// How a check ended.
@frozen
public enum HealthCheckResult: BitwiseCopyable, Hashable, Sendable {
  /// As it should.
  case passed
  /// With an answer that says no (Envoy's `ACTIVE`).
  case answered(status: Int16)
  /// With an answer that says no and is to be tried again.
  case retriable(status: Int16)
  /// The connection was refused or did not open (`NETWORK`).
  case refused
  /// The connection broke (`NETWORK`).
  case reset
  /// Without an answer in time (`NETWORK_TIMEOUT`).
  case timedOut
  /// Not a check: an answer to a request asked to be left alone (`PASSIVE`).
  case toldByAnswer

  /// Whether it passed.
  public var isPassed: Bool { self == .passed }

  /// Whether it is enough, wherever failures are not counted.
  public var isDecisive: Bool {
    switch self {
    case .answered, .toldByAnswer: true
    case .passed, .retriable, .refused, .reset, .timedOut: false
    }
  }
}

extension HealthCheckDescription {
  /// What an answer says; nil for one that says nothing, so that the check goes on.
  public func result(_ answer: HealthAnswer) -> HealthCheckResult? {
    let status = answer.status
    switch question {
    case .tcp: return (200...299).contains(status) ? .passed : nil
    case .grpc: return status == 200 ? .passed : .answered(status: status)
    case .http:
      if expectedStatuses.contains(where: { $0.contains(status) }) { return .passed }
      return retriableStatuses.contains { $0.contains(status) } ? .retriable(status: status) : .answered(status: status)
    }
  }
}
