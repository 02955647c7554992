// Finagle's retry budget, from which tower's comes: retries as a share of requests, beside a reserve.
//
// Each request deposits 1000 tokens, and a retry takes ⌊1000 / percentCanRetry⌋: thousandths, so that 0.75 is 75.02 % and not
// 100 % as with tower. Tokens count for about `ttl`: nine slots of a tenth of it, and the slot under way, in whole
// milliseconds; the reserve is minRetriesPerSecond · ttl retries and comes back in bulk. Every original request deposits, so
// an outage too has its share. (finagle-core, service/RetryBudget.scala; com.twitter.util.TokenBucket.newLeakyBucket)

import MeshCore

/// How many retries requests of late have paid for. One for each client.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct FinagleRetryBudget: BitwiseCopyable, Sendable, Hashable {
  private var window: TokenWindow
  private let reserve: Int64
  /// Tokens of a request.
  public let depositAmount: Int64
  /// Tokens of a retry.
  public let withdrawalAmount: Int64

  /// A budget from `now` on.
  ///
  /// - Parameters:
  ///   - ttl: how long a deposit counts, 1 s … 60 s.
  ///   - minRetriesPerSecond: retries per second of `ttl` that need no deposit, 0 … 2^31 − 2.
  ///   - percentCanRetry: retries per request, 0 … 1000 (a ratio, whatever its name says).
  /// - Returns: nil when one is out of its bounds, which Finagle does not construct.
  public init?(
    ttl: TimeSpan = .seconds(10), minRetriesPerSecond: Int64 = 10, percentCanRetry: Double = 0.2, at now: Timestamp
  ) {
    guard ttl >= .seconds(1), ttl < .seconds(61), minRetriesPerSecond >= 0, minRetriesPerSecond < Int64(Int32.max),
      percentCanRetry >= 0, percentCanRetry <= 1000
    else { return nil }
    depositAmount = percentCanRetry == 0 ? 0 : 1000
    withdrawalAmount = percentCanRetry == 0 ? 1 : Int64(min(1000 / percentCanRetry, Double(Int32.max)))
    // At most 2^31 · 2^6 · 2^31: more than 64 bits hold, and than any run would use.
    let reserved = (minRetriesPerSecond * (ttl.nanoseconds / 1_000_000_000)).multipliedReportingOverflow(
      by: withdrawalAmount)
    reserve = reserved.overflow ? 1 << 60 : min(reserved.partialValue, 1 << 60)
    window = TokenWindow(
      slotCount: 9, slotLength: ttl.nanoseconds / 1_000_000 / 10, countsPartSlots: false, at: Self.milliseconds(now))
  }

  /// A request pays in.
  public mutating func deposit(at now: Timestamp) {
    window.expire(at: Self.milliseconds(now))
    window.add(depositAmount)
  }

  /// Whether a retry may be made; it is paid for then.
  public mutating func withdraw(at now: Timestamp) -> Bool {
    window.expire(at: Self.milliseconds(now))
    if window.sum + reserve < withdrawalAmount { return false }
    window.add(-withdrawalAmount)
    return true
  }

  /// How many retries could be made now, from 0.
  public mutating func balance(at now: Timestamp) -> Int64 {
    window.expire(at: Self.milliseconds(now))
    return max(window.sum + reserve, 0) / withdrawalAmount
  }

  private static func milliseconds(_ now: Timestamp) -> Int64 { now.nanoseconds / 1_000_000 }
}
