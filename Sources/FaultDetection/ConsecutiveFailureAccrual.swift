// Consecutive-failure accrual: a circuit breaker for one endpoint, as Linkerd has it.
//
//          maxFailures in a row              penalty over
//   open ───────────────────────► shut ◄──────────────────┐
//    ▲                             │ └──────────────► probation
//    │                             │                   │  │
//    └─────────────────────────────┼───────────────────┘  │ failure: shut again, twice as long
//              success             └──────────────────────┘
//
// While shut the endpoint gets nothing, and answers to what it was sent before are ignored. In probation it gets one
// request, the probe, and the first classification that arrives decides, be it the probe's or a straggler's; no timer
// hurries a slow probe. A success opens and clears the count; a failure shuts again with the next penalty. A new trip
// begins at the shortest penalty again. Follows linkerd2-proxy, outbound/src/http/breaker/consecutive_failures.rs.

import MeshCore

/// What a data plane has to do after telling a breaker something.
@frozen
public enum AccrualVerdict: BitwiseCopyable, Hashable, Sendable {
  /// Nothing.
  case none
  /// Shut the endpoint out and call `penaltyElapsed` at `until`: it failed `failures` times in a row.
  case tripped(until: Timestamp, penalty: TimeSpan, failures: UInt32)
  /// The probe failed. Keep the endpoint out and call `penaltyElapsed` at `until`.
  case probeFailed(until: Timestamp, penalty: TimeSpan, failures: UInt32)
  /// Let one request through: admit the endpoint until `attemptSent` says that the probe is under way.
  case probation
  /// Admit the endpoint.
  case reopened
}

/// One endpoint's breaker. A data plane keeps one per endpoint, with one timer, and starts afresh with a new endpoint.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct ConsecutiveFailureAccrual: BitwiseCopyable, Hashable, Sendable {
  /// Where a breaker stands.
  @frozen
  public enum State: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// Requests flow.
    case open
    /// The endpoint is out.
    case shut
    /// One request decides.
    case probation
  }

  /// Where it stands.
  public private(set) var state: State
  /// Whether the probe of this probation has been sent.
  public private(set) var probeIsUnderWay: Bool
  /// Failures since the last success.
  public private(set) var failures: UInt32
  /// Probes that have failed since the trip.
  public private(set) var failedProbes: UInt32
  /// When the present penalty ends; meaningful while shut.
  public private(set) var shutUntil: Timestamp

  /// An open breaker that has seen nothing.
  public init() {
    self.state = .open
    self.probeIsUnderWay = false
    self.failures = 0
    self.failedProbes = 0
    self.shutUntil = .distantPast
  }

  /// Whether one more success changes nothing: what nearly every answer meets, and no call is needed for.
  @inlinable
  @inline(__always)
  public var isUntroubled: Bool { state == .open && failures == 0 }

  /// Whether the endpoint may be chosen now.
  public var isAdmitting: Bool { state == .open || (state == .probation && !probeIsUnderWay) }

  /// An attempt goes to the endpoint. Returns true when it is the probe: the endpoint must be shut out until the verdict.
  public mutating func attemptSent() -> Bool {
    if state != .probation || probeIsUnderWay { return false }
    probeIsUnderWay = true
    return true
  }

  /// The probe under way was given up by its caller and will get no verdict: the next attempt may be the probe.
  public mutating func attemptForgotten() {
    if state == .probation { probeIsUnderWay = false }
  }

  /// An attempt at the endpoint has been classified (`FailureClassification.isAccrualFailure`).
  public mutating func classified(
    isFailure: Bool, configuration: ConsecutiveAccrualDescription, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    switch state {
    case .shut:
      return .none
    case .open:
      if !isFailure {
        failures = 0
        return .none
      }
      if failures < .max { failures += 1 }
      if configuration.maxFailures == 0 || failures < configuration.maxFailures { return .none }
      let penalty = shut(configuration, &random, at: now)
      return .tripped(until: shutUntil, penalty: penalty, failures: failures)
    case .probation:
      if !isFailure {
        self = ConsecutiveFailureAccrual()
        return .reopened
      }
      if failures < .max { failures += 1 }
      if failedProbes < .max { failedProbes += 1 }
      let penalty = shut(configuration, &random, at: now)
      return .probeFailed(until: shutUntil, penalty: penalty, failures: failures)
    }
  }

  /// The timer of the penalty is due. A timer that is early or has been overtaken changes nothing.
  public mutating func penaltyElapsed(at now: Timestamp) -> AccrualVerdict {
    if state != .shut || now < shutUntil { return .none }
    state = .probation
    probeIsUnderWay = false
    return .probation
  }

  private mutating func shut(
    _ configuration: ConsecutiveAccrualDescription, _ random: inout RandomStream, at now: Timestamp
  ) -> TimeSpan {
    let penalty = configuration.penalty(step: failedProbes, &random)
    state = .shut
    probeIsUnderWay = false
    shutUntil = now + penalty
    return penalty
  }
}
