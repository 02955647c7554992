// How long an endpoint stays out: exponential, with jitter, never above the longest penalty.
//
// base_k = min(minPenalty · 2^k, maxPenalty); the penalty is base_k + min(U · jitterRatio · base_k, maxPenalty − base_k)
// with U uniform in (0, 1) (linkerd2-proxy, exp-backoff). At the longest penalty nothing is left for jitter, so the
// probes of all data planes come exactly maxPenalty apart: a property of Linkerd that is kept.

import MeshCore

extension ConsecutiveAccrualDescription {
  /// The penalty without jitter after `step` failed probes. Complexity: O(1).
  public func basePenalty(step: UInt32) -> TimeSpan {
    let longest = max(maxPenalty.nanoseconds, 0)
    let shortest = min(max(minPenalty.nanoseconds, 0), longest)
    if shortest == 0 { return .zero }
    if step >= UInt32(shortest.leadingZeroBitCount) { return TimeSpan(nanoseconds: longest) }
    return TimeSpan(nanoseconds: min(shortest << Int64(step), longest))
  }

  /// The penalty after `step` failed probes. Draws one number, and none when there is nothing to jitter.
  public func penalty(step: UInt32, _ random: inout RandomStream) -> TimeSpan {
    let base = basePenalty(step: step)
    let room = max(maxPenalty.nanoseconds, 0) - base.nanoseconds
    if base == .zero || room <= 0 || !(jitterRatio > 0) { return base }
    let jitter = random.unit() * jitterRatio * Double(base.nanoseconds)
    // Compared as doubles: a jitter beyond the room may be beyond 64 bits too.
    if jitter >= Double(room) { return TimeSpan(nanoseconds: base.nanoseconds + room) }
    return TimeSpan(nanoseconds: base.nanoseconds + min(Int64(jitter), room))
  }
}
