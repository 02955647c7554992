// How long to wait before the next try.
//
// A wait is a function of the retry's number, from 1, and of 64 random bits: nothing is kept between two tries.
//
//   Envoy      the bound is `base` at first; then it doubles while it is below half of `max`, and is `max` after that;
//              the wait is `random % bound`, so it may be nothing at all ("full jitter"). All in whole milliseconds.
//              (source/common/common/backoff_strategy.cc)
//   Linkerd    min · 2^(n−1) and jitter, up to max: `DoublingBackoff`.
//   gRPC       min(initial · multiplier^(n−1), max) · U(0.8, 1.2). (gRFC A6)

import MeshCore

/// The waits between tries. A Linkerd ServiceProfile has none, nor has Finagle unless it is given some.
@frozen
public enum RetryBackoff: BitwiseCopyable, Sendable, Hashable {
  /// At once.
  case none
  /// Envoy's full jitter, from nothing to a bound that doubles from `base` to `max`.
  case fullJitter(base: TimeSpan, max: TimeSpan)
  /// Linkerd's and tower's: doubles from `min` to `max`, and up to `jitterRatio` of it more, within `max`.
  case exponential(min: TimeSpan, max: TimeSpan, jitterRatio: Double)
  /// gRPC's: grows from `initial` to `max` by `multiplier`, and is then a fifth shorter to a fifth longer.
  case multiplied(initial: TimeSpan, max: TimeSpan, multiplier: Double)

  /// Envoy's, with its bound of ten times the base where none is given.
  public static func envoy(base: TimeSpan = .milliseconds(25), max: TimeSpan? = nil) -> RetryBackoff {
    let base = wholeMilliseconds(base)
    let longest = max.map(wholeMilliseconds) ?? base.multipliedReportingOverflow(by: 10).partialValue
    return .fullJitter(base: .milliseconds(base), max: .milliseconds(Swift.max(base, longest)))
  }

  /// Linkerd's for retries that annotations ask for: 25 ms … 250 ms, up to twice as long by jitter.
  public static var linkerd: RetryBackoff {
    .exponential(min: .milliseconds(25), max: .milliseconds(250), jitterRatio: 1)
  }

  /// tower's own: 50 ms without end, up to twice as long by jitter.
  public static var tower: RetryBackoff {
    .exponential(min: .milliseconds(50), max: TimeSpan(nanoseconds: .max), jitterRatio: 0.99)
  }

  /// The wait before retry `number`, the first of which is 1; never negative. Complexity: O(log(max / base)), for `multiplied`
  /// O(number).
  public func delay(retry number: Int32, draw: UInt64) -> TimeSpan {
    switch self {
    case .none: .zero
    case .fullJitter(let base, let longest): Self.fullJitter(number, base, longest, draw)
    case .exponential(let shortest, let longest, let jitterRatio):
      DoublingBackoff(shortest: shortest, longest: longest, jitterRatio: jitterRatio)
        .wait(step: Int64(Swift.max(number, 1)) - 1, draw: draw)
    case .multiplied(let initial, let longest, let multiplier):
      Self.multiplied(number, initial, longest, multiplier, draw)
    }
  }

  /// Envoy's wait after an answer that says when its limit ends (`rate_limited_retry_back_off`): `interval` and up to half of it
  /// more, in whole milliseconds.
  public static func afterReset(in interval: TimeSpan, draw: UInt64) -> TimeSpan {
    let interval = wholeMilliseconds(interval)
    let jitter = draw % Swift.max(UInt64(interval) / 2, 1)
    return .milliseconds(interval + Int64(jitter))
  }

  /// Envoy's durations have milliseconds, at least one.
  private static func wholeMilliseconds(_ span: TimeSpan) -> Int64 { Swift.max(span.nanoseconds / 1_000_000, 1) }

  private static func fullJitter(_ number: Int32, _ base: TimeSpan, _ longest: TimeSpan, _ draw: UInt64) -> TimeSpan {
    var bound = wholeMilliseconds(base)
    let longest = Swift.max(wholeMilliseconds(longest), bound)
    var left = number
    while left > 1 && bound < longest {
      bound = bound < longest / 2 ? bound * 2 : longest
      left -= 1
    }
    return .milliseconds(Int64(draw % UInt64(bound)))
  }

  private static func multiplied(
    _ number: Int32, _ initial: TimeSpan, _ longest: TimeSpan, _ multiplier: Double, _ draw: UInt64
  ) -> TimeSpan {
    let longest = Double(Swift.max(longest.nanoseconds, 0))
    var wait = Swift.max(Double(initial.nanoseconds), 0)
    var left = number
    while left > 1 {
      let next = wait * multiplier
      // It stays where it is, or is beyond the longest wait for good.
      if next == wait || !(next >= 0) || (multiplier > 1 && next >= longest) {
        wait = next == wait ? wait : longest
        break
      }
      wait = next
      left -= 1
    }
    let jittered = Swift.min(wait, longest) * (0.8 + 0.4 * unitInterval(draw))
    return TimeSpan(nanoseconds: jittered < 0x1p63 ? Int64(jittered) : .max)
  }
}
