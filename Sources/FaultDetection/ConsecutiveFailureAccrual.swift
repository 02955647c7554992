// Consecutive-failure accrual: a circuit breaker for one endpoint, as Linkerd has it.
//
// `maxFailures` failures in a row shut the gate. While shut the endpoint gets nothing, and answers to what it was sent before are ignored.
// In probation it gets one request, the probe, and the first classification that arrives decides, be it the probe's or a straggler's; no
// timer hurries a slow probe. A success opens and clears the count; a failure shuts again with the next penalty. A new trip begins at the
// shortest penalty again. Follows linkerd2-proxy, outbound/src/http/breaker/consecutive_failures.rs.

import MeshCore

/// One endpoint's breaker, by failures in a row.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct ConsecutiveFailureAccrual: FailureAccrual, Hashable, Sendable {
  /// Where it stands.
  public var gate: AccrualGate
  /// Failures since the last success.
  public private(set) var failures: UInt32
  /// Probes that have failed since the trip.
  public private(set) var failedProbes: UInt32

  /// An open breaker that has seen nothing.
  public init() {
    self.gate = AccrualGate()
    self.failures = 0
    self.failedProbes = 0
  }

  /// An open breaker that has seen nothing.
  public init(_ settings: ConsecutiveAccrualDescription, at now: Timestamp) { self.init() }

  /// Whether one more success changes nothing: what nearly every answer meets, and no call is needed for.
  @inlinable
  @inline(__always)
  public var isUntroubled: Bool { gate.state == .open && failures == 0 }

  /// An attempt at the endpoint has been classified.
  public mutating func classified(
    _ answer: AccrualAnswer, _ settings: ConsecutiveAccrualDescription, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    switch gate.state {
    case .shut:
      return .none
    case .open:
      return counts(answer.isFailure, settings) ? trip(settings, random: &random, at: now) : .none
    case .probation:
      return judged(isFailure: answer.isFailure, settings, random: &random, at: now)
    }
  }

  /// Counts an answer while open. Returns whether the run is long enough to trip.
  mutating func counts(_ isFailure: Bool, _ settings: ConsecutiveAccrualDescription) -> Bool {
    if !isFailure {
      failures = 0
      return false
    }
    if failures < .max { failures += 1 }
    return settings.maxFailures > 0 && failures >= settings.maxFailures
  }

  /// Shuts the gate, for the run of failures unless another cause is given.
  mutating func trip(
    _ settings: ConsecutiveAccrualDescription, for cause: AccrualCause? = nil, random: inout RandomStream,
    at now: Timestamp
  ) -> AccrualVerdict {
    let penalty = shut(settings, &random, at: now)
    return .tripped(until: gate.shutUntil, penalty: penalty, cause: cause ?? .consecutiveFailures(failures))
  }

  /// Takes the answer that decides a probation.
  mutating func judged(
    isFailure: Bool, _ settings: ConsecutiveAccrualDescription, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    if !isFailure {
      self = ConsecutiveFailureAccrual()
      return .reopened
    }
    if failures < .max { failures += 1 }
    if failedProbes < .max { failedProbes += 1 }
    let penalty = shut(settings, &random, at: now)
    return .probeFailed(until: gate.shutUntil, penalty: penalty, cause: .consecutiveFailures(failures))
  }

  private mutating func shut(
    _ settings: ConsecutiveAccrualDescription, _ random: inout RandomStream, at now: Timestamp
  ) -> TimeSpan {
    let penalty = settings.penalty(step: failedProbes, &random)
    gate.shut(until: now + penalty)
    return penalty
  }
}
