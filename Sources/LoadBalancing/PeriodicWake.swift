// Being woken from time to time: what policies need that compute their weights anew every so often.

import MeshCore

/// When a policy wants to be woken next, one period after the last time.
struct PeriodicWake: BitwiseCopyable, Sendable {
  private let period: TimeSpan
  /// The next time; `nil` before endpoints are known.
  private var due: Timestamp?
  /// Whether the data plane knows it: then there is nothing to ask. Reading this beforehand spares a policy the change of its contents.
  private(set) var isAwaited = false

  init(every period: TimeSpan) { self.period = period }

  /// Endpoints are known: the first period begins, unless one has begun.
  mutating func begin(at now: Timestamp) { if due == nil { due = now + period } }

  /// The policy was woken: the next period begins.
  mutating func restart(at now: Timestamp) {
    due = now + period
    isAwaited = false
  }

  /// What to ask of the data plane, once a period.
  mutating func nextWish() -> BalancerWish? {
    if isAwaited { return nil }
    isAwaited = true
    return due.map { .wake($0) }
  }
}
