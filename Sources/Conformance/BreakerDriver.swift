// A breaker with its timer, as a data plane drives it, on a clock of its own.

import FaultDetection
import MeshCore
import TestVectors

struct BreakerDriver: ~Copyable {
  private var accruals: EndpointAccruals
  private var random = RandomStream(state: 11)
  private var timer: Timestamp?
  private(set) var now = Timestamp.zero
  /// What it tripped for last.
  private(set) var cause: AccrualCause?

  init(_ description: FailureAccrualDescription) {
    accruals = EndpointAccruals(description)
    accruals.resize(to: 1, at: .zero)
  }

  mutating func classify(_ answer: AccrualAnswer) {
    switch accruals.classified(slot: 0, answer, random: &random, at: now) {
    case .none, .probation, .reopened: break
    case .tripped(let until, _, let cause), .probeFailed(let until, _, let cause):
      timer = until
      self.cause = cause
    }
  }

  /// Sends a request. Returns whether it is a probe.
  mutating func send() -> Bool { accruals.attemptSent(slot: 0) }

  /// Gives the probe up.
  mutating func forget() { accruals.attemptForgotten(slot: 0) }

  mutating func advance(_ span: TimeSpan) {
    let end = now + span
    while let due = timer, due <= end {
      now = due
      timer = nil
      _ = accruals.penaltyElapsed(slot: 0, at: now)
    }
    now = end
  }

  /// The state in the words of Linkerd's vectors.
  var state: String {
    switch accruals.gate(slot: 0).state {
    case .open: "open"
    case .shut: "shut"
    case .probation: "limited"
    }
  }

  /// The state as Finagle calls it.
  var finagleState: String {
    let gate = accruals.gate(slot: 0)
    switch gate.state {
    case .open: return "Alive"
    case .shut: return "Dead"
    case .probation: return gate.probeIsUnderWay ? "ProbeClosed" : "ProbeOpen"
    }
  }
}
