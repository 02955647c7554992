// How long an endpoint stays out: Linkerd's back-off (`DoublingBackoff`). At the longest penalty nothing is left for jitter, so the
// probes of all data planes come exactly maxPenalty apart.

import MeshCore

extension ConsecutiveAccrualDescription {
  private var backoff: DoublingBackoff {
    DoublingBackoff(shortest: minPenalty, longest: maxPenalty, jitterRatio: jitterRatio)
  }

  /// The penalty without jitter after `step` failed probes. Complexity: O(1).
  public func basePenalty(step: UInt32) -> TimeSpan { backoff.base(step: Int64(step)) }

  /// The penalty after `step` failed probes. Draws one number, and none when there is nothing to jitter.
  public func penalty(step: UInt32, _ random: inout RandomStream) -> TimeSpan {
    let base = basePenalty(step: step)
    return backoff.jitters(base) ? backoff.wait(step: Int64(step), draw: random.next()) : base
  }
}
