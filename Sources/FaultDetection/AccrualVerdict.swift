// What failure accrual hears of an attempt, and what a data plane has to do after it.

import MeshCore

/// How an attempt went, as far as failure accrual is concerned.
@frozen
public struct AccrualAnswer: BitwiseCopyable, Hashable, Sendable {
  /// Whether it speaks against its endpoint (`FailureClassification.isAccrualFailure`).
  public var isFailure: Bool
  /// Whether the endpoint has too many requests (429, RESOURCE_EXHAUSTED): no failure, but no success where a share of successes counts.
  public var isRateLimited: Bool

  /// An answer.
  @inlinable
  public init(isFailure: Bool, isRateLimited: Bool = false) {
    self.isFailure = isFailure
    self.isRateLimited = isRateLimited
  }

  /// What an attempt's HTTP status says, or that there is none.
  @inlinable
  public init(status: Int16, isAnswered: Bool) {
    self.init(
      isFailure: FailureClassification.isAccrualFailure(status: status, isAnswered: isAnswered),
      isRateLimited: isAnswered && status == 429)
  }

  /// What an attempt's gRPC status says.
  public init(grpcStatus: Int16?) {
    self.init(isFailure: FailureClassification.isAccrualFailure(grpcStatus: grpcStatus), isRateLimited: grpcStatus == 8)
  }
}

/// What an endpoint is shut out for.
@frozen
public enum AccrualCause: BitwiseCopyable, Hashable, Sendable {
  /// It failed so many times in a row.
  case consecutiveFailures(UInt32)
  /// Too small a share of what it answered were successes, of so many answers.
  case lowSuccessRate(Double, requests: UInt32)
}

/// What a data plane has to do after telling a breaker something.
@frozen
public enum AccrualVerdict: BitwiseCopyable, Hashable, Sendable {
  /// Nothing.
  case none
  /// Shut the endpoint out and call `penaltyElapsed` at `until`.
  case tripped(until: Timestamp, penalty: TimeSpan, cause: AccrualCause)
  /// The probe failed. Keep the endpoint out and call `penaltyElapsed` at `until`.
  case probeFailed(until: Timestamp, penalty: TimeSpan, cause: AccrualCause)
  /// Let one request through: admit the endpoint until `attemptSent` says that the probe is under way.
  case probation
  /// Admit the endpoint.
  case reopened
}
