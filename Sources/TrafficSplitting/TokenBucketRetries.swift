// Token buckets for retries that know no time: what first tries or successes bring, retries spend.
//
// Brooker (Fixing retries with token buckets and circuit breakers, 2022): a client's bucket of 5 gets 0.1 for each first try; a
// retry costs 1 and needs more than 1. In the long run retries add a tenth to the load, whatever fails; many clients
// with few requests each live from their first five and are hardly bounded. Google's SRE book has the same tenth as a ratio.
//
// AWS SDKs (standard mode): a bucket of 500; a retry costs 5, after a timeout 10, and its success brings its cost back; a
// success without a retry brings 1.
//
// Tokens are counted in thousandths, so that ten tenths are one.

import MeshCore

/// One client's tokens, 0 … capacity; full at first.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct TokenBucketRetries: BitwiseCopyable, Sendable, Hashable {
  private var thousandths: Int64
  private let capacity: Int64
  private let income: Int64
  private let cost: Int64
  private let timeoutCost: Int64
  /// How much there must be beyond the cost: Brooker's bucket has to stay above 0.
  private let excess: Int64

  private init(capacity: Int64, income: Int64, cost: Int64, timeoutCost: Int64, excess: Int64) {
    self.capacity = max(capacity, 0)
    self.income = max(income, 0)
    self.cost = max(cost, 0)
    self.timeoutCost = max(timeoutCost, 0)
    self.excess = excess
    self.thousandths = self.capacity
  }

  /// Brooker's: `capacity` tokens, `perRequest` for each first try (thousandths count), 1 for a retry, out of more than 1.
  public static func brooker(capacity: Double = 5, perRequest: Double = 0.1) -> TokenBucketRetries {
    TokenBucketRetries(
      capacity: inThousandths(capacity), income: inThousandths(perRequest), cost: 1000, timeoutCost: 1000, excess: 1)
  }

  /// AWS SDKs' standard mode.
  public static func aws(
    capacity: Int64 = 500, cost: Int64 = 5, timeoutCost: Int64 = 10, perSuccess: Int64 = 1
  ) -> TokenBucketRetries {
    TokenBucketRetries(
      capacity: inThousandths(Double(capacity)), income: inThousandths(Double(perSuccess)),
      cost: inThousandths(Double(cost)), timeoutCost: inThousandths(Double(timeoutCost)), excess: 0)
  }

  /// What is left.
  public var tokens: Double { Double(thousandths) / 1000 }

  /// What brings tokens has happened: a first try (Brooker), or a success without a retry (AWS). Time does not matter.
  public mutating func deposit(at now: Timestamp = .zero) { put(income) }

  /// Whether a retry may be made; it is paid for then. Time does not matter.
  public mutating func withdraw(at now: Timestamp = .zero, isAfterTimeout: Bool = false) -> Bool {
    let price = isAfterTimeout ? timeoutCost : cost
    if thousandths < price + excess { return false }
    thousandths -= price
    return true
  }

  /// The retry that was last paid for has succeeded: AWS gives back what it cost.
  public mutating func refund(isAfterTimeout: Bool = false) { put(isAfterTimeout ? timeoutCost : cost) }

  private mutating func put(_ more: Int64) { thousandths = min(thousandths + more, capacity) }

  /// Rounded, and bounded so that sums stay within 64 bits.
  private static func inThousandths(_ tokens: Double) -> Int64 {
    tokens > 0 ? Int64((min(tokens, 1e15) * 1000).rounded()) : 0
  }
}
