// Envoy's limit on retries under way: a number, or a share of the requests under way.
//
// A cluster's circuit breaker admits a retry while fewer than the limit are under way: `max_retries` (3), or with a
// `retry_budget` the larger of `min_retry_concurrency` and ⌊budget_percent / 100 · (active + pending requests)⌋, which takes the
// place of `max_retries`. A retry counts from the decision on, its wait included, until the next decision about its request or
// its end. It bounds what is under way at once and not a rate: retries that are answered soon are never refused.
// (source/common/upstream/resource_manager_impl.h, RetryBudgetImpl; common/basic_resource_impl.h)

/// The retries that are under way, and how many may be. One for each cluster and data plane.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct EnvoyRetryBudget: BitwiseCopyable, Sendable, Hashable {
  /// What Envoy takes where a `retry_budget` gives no percentage.
  public static var defaultBudgetPercent: Double { 20 }

  /// Retries that are under way, those that still wait included.
  public private(set) var retries: Int64 = 0
  /// Retries that may always be.
  private let least: Int64
  /// Retries per request under way; 0 where a number is all.
  private let ratio: Double

  /// `max_retries`, from 0.
  public init(maxRetries: Int64 = 3) {
    least = max(maxRetries, 0)
    ratio = 0
  }

  /// `retry_budget`: `budgetPercent` of the requests under way, 0 … 100, and at least `minRetryConcurrency`.
  public init(budgetPercent: Double, minRetryConcurrency: Int64 = 3) {
    least = max(minRetryConcurrency, 0)
    ratio = budgetPercent > 0 ? min(budgetPercent, 100) / 100 : 0
  }

  /// How many retries may be under way beside so many requests.
  @inline(__always)
  public func mostRetries(activeRequests: Int64, pendingRequests: Int64 = 0) -> Int64 {
    max(Int64(ratio * Double(activeRequests + pendingRequests)), least)
  }

  /// Whether a retry may be made; it is under way then, until `release`.
  @inline(__always)
  public mutating func withdraw(activeRequests: Int64, pendingRequests: Int64 = 0) -> Bool {
    if retries >= mostRetries(activeRequests: activeRequests, pendingRequests: pendingRequests) { return false }
    retries += 1
    return true
  }

  /// A retry that was let through is no longer under way.
  @inline(__always)
  public mutating func release() {
    precondition(retries > 0)
    retries -= 1
  }
}
