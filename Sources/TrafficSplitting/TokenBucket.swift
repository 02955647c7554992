// Envoy's local rate limit: a bucket that fills evenly and gives a token a request.
//
// Nothing is ever filled in: the bucket is the time at which it was empty last. What has come since is tokens, at `rate` a second
// and at most `capacity`; taking some moves that time on. A bucket starts full.
// (Envoy, source/common/common/token_bucket_impl.h, AtomicTokenBucketImpl; extensions/filters/common/local_ratelimit)

import MeshCore

/// A bucket of tokens. Complexity: O(1) an operation.
@frozen
public struct TokenBucket: BitwiseCopyable, Sendable, Hashable {
  /// The most tokens there are at a time.
  public let capacity: Double
  /// Tokens a second.
  public let rate: Double
  /// When it was empty, in seconds.
  private var emptyAt: Double

  /// A full bucket; the sign of `rate` does not count, as in Envoy.
  ///
  /// - Parameters:
  ///   - capacity: at least 0.
  ///   - rate: tokens a second, not 0.
  public init(capacity: Double, rate: Double, at now: Timestamp) {
    precondition(capacity >= 0 && rate != 0)
    self.capacity = capacity
    self.rate = rate.magnitude
    emptyAt = Self.seconds(now) - capacity / rate.magnitude
  }

  /// Tokens in it, from 0 to `capacity`.
  public func tokens(at now: Timestamp) -> Double {
    max(0, min(capacity, (Self.seconds(now) - emptyAt) * rate))
  }

  /// Takes tokens: all of them or none, or as many whole ones as there are where that is allowed. Returns how many.
  public mutating func take(_ count: Double = 1, allowsPart: Bool = false, at now: Timestamp) -> Double {
    let total = tokens(at: now)
    var taken = count
    if total < count { taken = allowsPart ? total.rounded(.down) : 0 }
    if taken > 0 { emptyAt = Self.seconds(now) - (total - taken) / rate }
    return taken
  }

  /// How long it takes until there is a token; zero when there is one.
  public func wait(at now: Timestamp) -> TimeSpan {
    let missing = 1 - tokens(at: now)
    return missing <= 0 ? .zero : TimeSpan(nanoseconds: Int64(min(missing / rate * 1e9, 9e18).rounded(.up)))
  }

  private static func seconds(_ now: Timestamp) -> Double { Double(now.nanoseconds) / 1e9 }
}
