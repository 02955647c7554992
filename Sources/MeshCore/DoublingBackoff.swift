// Waits that double, with jitter on top, never above the longest: of a breaker's penalties and of tries alike.
//
// base_k = min(shortest · 2^k, longest); the wait is base_k + min(U · jitterRatio · base_k, longest − base_k) with U uniform in
// (0, 1) (linkerd2-proxy, exp-backoff; tower, retry/backoff). At the longest wait nothing is left for jitter: a property of
// Linkerd that is kept.

/// Waits from a shortest to a longest one. Complexity: every operation O(1).
public struct DoublingBackoff: Sendable, Hashable {
  private let shortest: Int64
  private let longest: Int64
  private let jitterRatio: Double

  /// Waits; negative spans count as none, and the shortest is the longest at most.
  public init(shortest: TimeSpan, longest: TimeSpan, jitterRatio: Double) {
    self.longest = max(longest.nanoseconds, 0)
    self.shortest = min(max(shortest.nanoseconds, 0), self.longest)
    self.jitterRatio = jitterRatio
  }

  /// The wait without jitter after `step` doublings, from 0.
  public func base(step: Int64) -> TimeSpan {
    if shortest == 0 { return .zero }
    if step >= Int64(shortest.leadingZeroBitCount) { return TimeSpan(nanoseconds: longest) }
    return TimeSpan(nanoseconds: min(shortest << step, longest))
  }

  /// Whether a wait without jitter has room for any.
  public func jitters(_ base: TimeSpan) -> Bool {
    base > .zero && base.nanoseconds < longest && jitterRatio > 0
  }

  /// The wait after `step` doublings, with jitter from 64 random bits.
  public func wait(step: Int64, draw: UInt64) -> TimeSpan {
    let base = base(step: step)
    if !jitters(base) { return base }
    let room = longest - base.nanoseconds
    let jitter = unitInterval(draw) * jitterRatio * Double(base.nanoseconds)
    // Compared as doubles: a jitter beyond the room may be beyond 64 bits too.
    if jitter >= Double(room) { return TimeSpan(nanoseconds: longest) }
    return TimeSpan(nanoseconds: base.nanoseconds + min(Int64(jitter), room))
  }
}
