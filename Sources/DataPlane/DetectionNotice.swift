// What fault detection tells people: what happened to whom, and why, with the numbers that the decision was taken on.
//
// A notice is a value without text, so that saying something costs no more than any other action. `DetectionReason.words` makes
// of it what stands in `events.csv`. A detector that decides on something new adds its reason here.

import FaultDetection
import MeshCore

/// What a fault detector has to say to people.
@frozen
public struct DetectionNotice: BitwiseCopyable, Sendable {
  /// What happened.
  @frozen
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// The endpoint gets no more traffic.
    case ejected
    /// One request is let through as a probe.
    case probation
    /// The probe failed: the endpoint stays out, for longer.
    case probeFailed
    /// The endpoint takes part again.
    case returned
    /// Too few endpoints of a priority work: all of them are used.
    case panicBegan
    /// Enough endpoints work again.
    case panicEnded
  }

  /// What happened.
  public var kind: Kind
  /// In which cluster.
  public var cluster: Int32
  /// To whom; nobody (-1) for what happens to a cluster.
  public var endpoint: EndpointIdentity
  /// Who keeps the endpoint from having traffic, this decision included.
  public var exclusions: EndpointExclusions
  /// Why.
  public var reason: DetectionReason
}

/// Why a detector decided as it did. At most 24 bytes, as a notice must not make every action larger.
@frozen
public enum DetectionReason: BitwiseCopyable, Hashable, Sendable {
  /// So many attempts failed in a row; a probe may pass after the penalty.
  case consecutiveFailures(UInt32, penalty: TimeSpan)
  /// Too small a share of so many answers were successes; a probe may pass after the penalty.
  case lowSuccessRate(Float, requests: UInt32, penalty: TimeSpan)
  /// It has been silent for so long that phi is past its threshold.
  case suspected(phi: Float, silence: TimeSpan)
  /// It has answered again.
  case heardAgain
  /// A probe failed, and no rule says that the endpoint is dead for it; the next request is one.
  case probeUndecided
  /// A probe failed; the next one may pass after the penalty.
  case probeFailed(penalty: TimeSpan)
  /// A penalty is over.
  case penaltyElapsed
  /// A probe succeeded.
  case probeSucceeded
  /// Too few endpoints work.
  case tooFewWork
  /// Enough endpoints work.
  case enoughWork

  /// The reason for people.
  public var words: String {
    switch self {
    case .consecutiveFailures(let failures, let penalty):
      return "\(failures) consecutive failures; a probe in \(Self.readable(penalty))"
    case .lowSuccessRate(let rate, let requests, let penalty):
      let tenths = Int((rate * 1000).rounded())
      return
        "a success rate of \(tenths / 10).\(tenths % 10) % of \(requests) answers; a probe in \(Self.readable(penalty))"
    case .suspected(let phi, let silence):
      let tenths = phi < 1e6 ? Int((phi * 10).rounded()) : -1
      let suspicion = tenths < 0 ? "beyond measure" : "\(tenths / 10).\(tenths % 10)"
      return "silent for \(Self.readable(silence)), phi \(suspicion); returns with its next heartbeat"
    case .heardAgain: return "it has sent a heartbeat"
    case .probeUndecided: return "the probe failed, which decides nothing; another request may pass as one"
    case .probeFailed(let penalty): return "the probe failed; the next one in \(Self.readable(penalty))"
    case .penaltyElapsed: return "the penalty is over; one request may pass as a probe"
    case .probeSucceeded: return "the probe succeeded"
    case .tooFewWork: return "too few endpoints work: all of them are used, well or not"
    case .enoughWork: return "enough endpoints work again"
    }
  }

  /// A length of time for people: seconds with up to two decimals.
  private static func readable(_ span: TimeSpan) -> String {
    let hundredths = (span.nanoseconds &+ 5_000_000) / 10_000_000
    let rest = hundredths % 100
    let whole = "\(hundredths / 100)"
    if rest == 0 { return "\(whole) s" }
    return rest % 10 == 0 ? "\(whole).\(rest / 10) s" : "\(whole).\(rest < 10 ? "0" : "")\(rest) s"
  }
}

extension DetectionReason {
  /// What failure accrual shuts an endpoint out for.
  init(_ cause: AccrualCause, penalty: TimeSpan) {
    switch cause {
    case .consecutiveFailures(let failures): self = .consecutiveFailures(failures, penalty: penalty)
    case .lowSuccessRate(let rate, let requests):
      self = .lowSuccessRate(Float(rate), requests: requests, penalty: penalty)
    }
  }
}
