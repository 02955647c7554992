// tower's retry budget: retries as a share of requests, beside a reserve. Linkerd's ServiceProfiles have it.
//
// A request deposits 1 token and a retry takes ⌊1 / ratio⌋, in single precision; above a ratio of 1 it is 1000 and
// ⌊1000 / ratio⌋. Tokens count for about `ttl`: ten slots of a tenth of it, and the slot under way. A reserve of
// minRetriesPerSecond · ttl (whole seconds) retries is always there, less what was taken within the window.
//
// What that does, and is kept: ratios of 0.6, 0.75 and 0.99 all act as 1, and 0.3 as a third; the reserve is not given at a
// rate but comes back in bulk when withdrawals are forgotten; a withdrawal is forgotten later than the deposits it was paid
// from, so the sum may be below 0. A slot that ends a moment late, as nearly all do, empties the next one too: tokens
// then count for six slots and not eleven, so that most budgets forget after about 0.6 · `ttl`. When to deposit is the
// caller's affair: a Linkerd ServiceProfile does so only when the outcome was not retryable, so that in an outage there is
// the reserve alone.
// (tower, retry/budget/tps_budget.rs; linkerd2-proxy, service-profiles/src/proto.rs for the bounds)

import MeshCore

/// How many retries requests of late have paid for. One for each route and data plane.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct TowerRetryBudget: BitwiseCopyable, Sendable, Hashable {
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
  ///   - retryRatio: retries per request, 0 … 1000.
  /// - Returns: nil when one is out of its bounds; Linkerd retries nothing then.
  public init?(
    ttl: TimeSpan = .seconds(10), minRetriesPerSecond: Int64 = 10, retryRatio: Double = 0.2, at now: Timestamp
  ) {
    let ratio = Float(retryRatio)
    guard ttl >= .seconds(1), ttl <= .seconds(60), minRetriesPerSecond >= 0, minRetriesPerSecond < Int64(Int32.max),
      ratio >= 0, ratio <= 1000
    else { return nil }
    let (deposit, withdrawal) = Self.amounts(ratio)
    depositAmount = deposit
    withdrawalAmount = withdrawal
    reserve = Self.product(minRetriesPerSecond * (ttl.nanoseconds / 1_000_000_000), withdrawal)
    window = TokenWindow(
      slotCount: 10, slotLength: ttl.nanoseconds / 10, countsPartSlots: true, at: now.nanoseconds)
  }

  /// A request pays in.
  public mutating func deposit(at now: Timestamp) {
    window.expire(at: now.nanoseconds)
    window.add(depositAmount)
  }

  /// Whether a retry may be made; it is paid for then.
  public mutating func withdraw(at now: Timestamp) -> Bool {
    window.expire(at: now.nanoseconds)
    if window.sum + reserve < withdrawalAmount { return false }
    window.add(-withdrawalAmount)
    return true
  }

  /// How many retries could be made now, from 0.
  public mutating func balance(at now: Timestamp) -> Int64 {
    window.expire(at: now.nanoseconds)
    return max(window.sum + reserve, 0) / withdrawalAmount
  }

  private static func amounts(_ ratio: Float) -> (deposit: Int64, withdrawal: Int64) {
    if ratio == 0 { return (0, 1) }
    let deposit: Int64 = ratio <= 1 ? 1 : 1000
    // A price that no one ever pays is bounded, so that sums stay within 64 bits.
    return (deposit, Int64(min(Float(deposit) / ratio, 0x1p40)))
  }

  /// Bounded for the same reason.
  private static func product(_ retries: Int64, _ price: Int64) -> Int64 {
    let (product, isBeyond) = retries.multipliedReportingOverflow(by: price)
    return isBeyond ? 1 << 60 : min(product, 1 << 60)
  }
}
