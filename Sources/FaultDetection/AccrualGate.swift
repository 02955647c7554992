// The gate in front of an endpoint that failure accrual guards: open, shut for a penalty, or in probation.
//
//          trips                       penalty over
//   open ─────────► shut ◄──────────────────────────┐
//    ▲               │ └──────────────────────► probation
//    │               │                            │  │
//    └───────────────┼────────────────────────────┘  │ failure: shut again, for longer
//         success    └───────────────────────────────┘
//
// In probation one request passes, the probe, and no timer hurries it. What trips the gate, and what an answer in probation means, is the
// business of whoever keeps it. Linkerd calls the states open, shut and limited; Finagle Alive, Dead, and ProbeOpen until the probe is
// sent and ProbeClosed from then on (linkerd2-proxy, http/classify/gate.rs; finagle, liveness/FailureAccrualFactory.scala).

import MeshCore

/// Where an endpoint's failure accrual stands. Complexity: every operation O(1).
@frozen
public struct AccrualGate: BitwiseCopyable, Hashable, Sendable {
  /// Where a gate stands.
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
  /// When the present penalty ends; meaningful while shut.
  public private(set) var shutUntil: Timestamp

  /// An open gate.
  public init() {
    self.state = .open
    self.probeIsUnderWay = false
    self.shutUntil = .distantPast
  }

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

  /// The timer of the penalty is due. A timer that is early or has been overtaken changes nothing.
  public mutating func penaltyElapsed(at now: Timestamp) -> AccrualVerdict {
    if state != .shut || now < shutUntil { return .none }
    state = .probation
    probeIsUnderWay = false
    return .probation
  }

  /// Shuts the endpoint out.
  mutating func shut(until end: Timestamp) {
    state = .shut
    probeIsUnderWay = false
    shutUntil = end
  }
}
