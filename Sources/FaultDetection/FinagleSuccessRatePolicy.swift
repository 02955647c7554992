// Finagle's rule of a required success rate: an endpoint is marked dead by a failure that finds its rate too low.
//
// The rate is an exponentially weighted average of ones and zeros: a sample that comes Δ after the one before it counts 1 − exp(−Δ/window).
// Over requests Δ is 1 and nothing is decided before `window` of them; over time Δ is in milliseconds, and nothing is decided before the
// window has passed and enough requests were made in it (`WindowedAdder`). Samples of one millisecond are one sample, the first. Only a
// failure can mark an endpoint dead; each one that does takes the next wait of the series. Revived, it starts from nothing. Follows
// finagle, liveness/FailureAccrualPolicy.scala and util/Ema.scala.

import MeshCore

/// A required success rate. Complexity: every operation O(1), without allocation.
@frozen
public struct FinagleSuccessRatePolicy: BitwiseCopyable, Hashable, Sendable {
  private let required: Double
  /// The window, in requests or in milliseconds.
  private let window: Int64
  /// Requests that it takes within the window; nil where the window is one of requests.
  private let minimumRequests: Int64?
  private let freshBackoff: FinagleBackoff
  private var backoff: FinagleBackoff
  private var requests: Int64 = 0
  private var started: Timestamp
  private var adder: WindowedAdder
  /// The last sample's stamp, in requests or milliseconds; nil before the first.
  private var stamp: Int64?
  /// The share of successes, as far as it is known.
  public private(set) var rate: Double = 1

  /// Dead below `required`, for the waits of `backoff`.
  public init(_ required: RequiredSuccessRate, backoff: FinagleBackoff, at now: Timestamp) {
    self.required = required.share
    switch required.span {
    case .requests(let count):
      window = max(count, 1)
      minimumRequests = nil
      adder = WindowedAdder(range: .zero, at: now)
    case .duration(let span, let minimum):
      window = max(span.nanoseconds / 1_000_000, 1)
      minimumRequests = minimum
      adder = WindowedAdder(range: .milliseconds(window), at: now)
    }
    freshBackoff = backoff
    self.backoff = backoff
    started = now
  }

  /// The endpoint answered well.
  public mutating func recordSuccess(at now: Timestamp) { update(1, at: now) }

  /// The endpoint failed. Returns for how long it is dead, or nil when it is not.
  public mutating func markDeadOnFailure(_ random: inout RandomStream, at now: Timestamp) -> TimeSpan? {
    update(0, at: now)
    if rate >= required || !hasEnoughHistory(at: now) { return nil }
    return backoff.next(draw: random.next())
  }

  /// A probe succeeded.
  public mutating func revived(at now: Timestamp) {
    backoff = freshBackoff
    requests = 0
    started = now
    adder.reset(at: now)
    stamp = nil
    rate = 1
  }

  /// Answers that the rate has been taken from, since the beginning or the last revival.
  public var samples: Int64 { requests }

  private func elapsed(at now: Timestamp) -> Int64 { (now - started).nanoseconds / 1_000_000 }

  private mutating func hasEnoughHistory(at now: Timestamp) -> Bool {
    guard let minimumRequests else { return requests >= window }
    return elapsed(at: now) >= window && adder.sum(at: now) >= minimumRequests
  }

  private mutating func update(_ sample: Double, at now: Timestamp) {
    if requests < .max { requests += 1 }
    if minimumRequests != nil { adder.increment(at: now) }
    let next = minimumRequests == nil ? requests : elapsed(at: now)
    if let stamp {
      let kept = Elementary.exponential(-Double(next - stamp) / Double(window))
      rate = sample * (1 - kept) + rate * kept
    } else {
      rate = sample
    }
    stamp = next
  }
}
