// Finagle's rule of failures in a row: the n-th marks an endpoint dead, and so does each one after it, for longer.
//
// The wait is the next one of the series (`FinagleBackoff`), which begins anew when the endpoint is revived. Any success ends the run, even
// one that comes late, while the endpoint is dead: then a failed probe is the first of a new run and says nothing yet. Follows finagle,
// liveness/FailureAccrualPolicy.scala.

import MeshCore

/// Failures in a row. Complexity: every operation O(1), without allocation.
@frozen
public struct FinagleConsecutivePolicy: BitwiseCopyable, Hashable, Sendable {
  private let required: Int64
  private let freshBackoff: FinagleBackoff
  private var backoff: FinagleBackoff
  /// Failures since the last success.
  public private(set) var failures: Int64 = 0

  /// Dead after `failures` in a row, at least 1, for the waits of `backoff`.
  public init(failures required: Int64, backoff: FinagleBackoff) {
    self.required = required
    self.freshBackoff = backoff
    self.backoff = backoff
  }

  /// The endpoint answered well.
  public mutating func recordSuccess() { failures = 0 }

  /// The endpoint failed. Returns for how long it is dead, or nil when it is not.
  public mutating func markDeadOnFailure(_ random: inout RandomStream) -> TimeSpan? {
    if failures < .max { failures += 1 }
    if failures < required { return nil }
    return backoff.next(draw: random.next())
  }

  /// A probe succeeded.
  public mutating func revived() {
    failures = 0
    backoff = freshBackoff
  }
}
