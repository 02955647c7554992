// Unified failure accrual: failures in a row, or too low a share of successes, as Linkerd has it.
//
// The run catches an endpoint that fails always, within a few answers; the share one that fails often (a gray failure) or turns requests
// away. 429, and gRPC's RESOURCE_EXHAUSTED, is the answer of an endpoint that works: it ends a run, and lowers the share. An answer that
// crosses both bounds is charged to the run. In probation a 429 keeps the gate shut, unless the share does not count (threshold 0): then
// the breaker is the consecutive one. Whoever comes back starts with an empty window, and penalties start anew with each trip. Follows
// linkerd2-proxy, outbound/src/http/breaker/unified.rs.

import MeshCore

/// One endpoint's breaker, by failures in a row or by the share of successes. Complexity: every operation O(1), without allocation.
@frozen
public struct UnifiedFailureAccrual: FailureAccrual, Hashable, Sendable {
  /// The run of failures, the gate and its penalties.
  private var run: ConsecutiveFailureAccrual
  /// What has been answered of late.
  public private(set) var window: SuccessRateWindow

  /// Where it stands.
  public var gate: AccrualGate {
    get { run.gate }
    set { run.gate = newValue }
  }

  /// An open breaker that has seen nothing.
  public init(_ settings: UnifiedAccrualDescription, at now: Timestamp) {
    run = ConsecutiveFailureAccrual()
    window = SuccessRateWindow(window: settings.successRateWindow)
  }

  /// An attempt at the endpoint has been classified.
  public mutating func classified(
    _ answer: AccrualAnswer, _ settings: UnifiedAccrualDescription, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    let countsShare = settings.successRateThreshold > 0
    switch gate.state {
    case .shut:
      return .none
    case .open:
      let isRunTooLong = run.counts(answer.isFailure, settings.consecutive)
      window.record(isSuccess: !answer.isFailure && !answer.isRateLimited, at: now)
      if isRunTooLong { return run.trip(settings.consecutive, random: &random, at: now) }
      let isShareTooLow =
        countsShare
        && window.shouldTrip(
          minimumRequests: settings.successRateMinRequests, threshold: settings.successRateThreshold)
      if !isShareTooLow { return .none }
      let cause = AccrualCause.lowSuccessRate(window.ratio ?? 0, requests: window.total)
      return run.trip(settings.consecutive, for: cause, random: &random, at: now)
    case .probation:
      let isFailure = answer.isFailure || (countsShare && answer.isRateLimited)
      let verdict = run.judged(isFailure: isFailure, settings.consecutive, random: &random, at: now)
      if verdict == .reopened { window.clear() }
      return verdict
    }
  }
}
