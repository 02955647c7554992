// Finagle's failure accrual: Alive, Dead, ProbeOpen and ProbeClosed, over a rule of failures in a row, of a success rate, or of both.
//
// The gate's names: Alive is open, Dead is shut, ProbeOpen is probation before its probe is sent and ProbeClosed after it. What sets it
// apart from Linkerd's breaker:
//   · Answers are heard in every state, but only successes count while dead or waiting for a probe: a failure then changes nothing.
//   · Where both rules are on (`orElse`) both hear everything, and if both say dead the longer wait counts.
//   · A probe may fail without either rule saying dead. That is ambiguous, and the next request is a probe again.
//   · Series of waits go on from one death to the next until a probe succeeds.
//   · It fails open: an endpoint that is dead is one to be avoided, and the balancer that finds no better one still sends it requests
//     (`maxEffort` of Finagle's balancers).
// Follows finagle, liveness/FailureAccrualFactory.scala.

import MeshCore

/// One endpoint's breaker, as Finagle has it. Complexity: every operation O(1), without allocation.
@frozen
public struct FinagleFailureAccrual: FailureAccrual, Hashable, Sendable {
  /// Where it stands.
  public var gate: AccrualGate
  private var consecutive: FinagleConsecutivePolicy?
  private var successRate: FinagleSuccessRatePolicy?

  /// A machine that has seen nothing; the time counts for rates over time.
  public init(_ settings: FinagleAccrualDescription, at now: Timestamp) {
    gate = AccrualGate()
    let backoff = FinagleBackoff(.equalJittered, start: settings.minimumBackoff, maximum: settings.maximumBackoff)
    consecutive = settings.consecutiveFailures.map { FinagleConsecutivePolicy(failures: $0, backoff: backoff) }
    successRate = settings.successRate.map { FinagleSuccessRatePolicy($0, backoff: backoff, at: now) }
  }

  /// An attempt at the endpoint has been classified.
  public mutating func classified(
    _ answer: AccrualAnswer, _ settings: FinagleAccrualDescription, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    let isProbeClosed = gate.state == .probation && gate.probeIsUnderWay
    if !answer.isFailure {
      if isProbeClosed {
        gate = AccrualGate()
        consecutive?.revived()
        successRate?.revived(at: now)
      }
      consecutive?.recordSuccess()
      successRate?.recordSuccess(at: now)
      return isProbeClosed ? .reopened : .none
    }
    if gate.state != .open && !isProbeClosed { return .none }
    guard let (penalty, cause) = markDead(&random, at: now) else {
      if !isProbeClosed { return .none }
      gate.attemptForgotten()
      return .probation
    }
    gate.shut(until: now + penalty)
    return isProbeClosed
      ? .probeFailed(until: gate.shutUntil, penalty: penalty, cause: cause)
      : .tripped(until: gate.shutUntil, penalty: penalty, cause: cause)
  }

  /// What both rules say of a failure: the success rate first, as in Finagle's default.
  private mutating func markDead(
    _ random: inout RandomStream, at now: Timestamp
  ) -> (penalty: TimeSpan, cause: AccrualCause)? {
    let byRate = successRate?.markDeadOnFailure(&random, at: now)
    let byRun = consecutive?.markDeadOnFailure(&random)
    if let byRun, byRun >= byRate ?? .zero {
      return (byRun, .consecutiveFailures(UInt32(clamping: consecutive?.failures ?? 0)))
    }
    guard let byRate else { return nil }
    return (
      byRate, .lowSuccessRate(successRate?.rate ?? 0, requests: UInt32(clamping: successRate?.samples ?? 0))
    )
  }
}
