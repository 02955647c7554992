// Time as the core sees it: integer nanoseconds, handed in by whichever world runs it.
//
// Integers make order exact (two events are at the same instant or they are not) and sums associative, which
// floating-point seconds do not. 64 bits hold 292 years.

/// An instant, in nanoseconds since the world's own origin (the start of a run, or of a process).
@frozen
public struct Timestamp: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Nanoseconds since the origin.
  public var nanoseconds: Int64

  /// An instant `nanoseconds` after the origin.
  @inlinable
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The origin.
  @inlinable
  public static var zero: Timestamp { Timestamp(nanoseconds: 0) }

  /// Earlier than every instant; stands for "never happened yet".
  @inlinable
  public static var distantPast: Timestamp { Timestamp(nanoseconds: .min / 2) }

  @inlinable
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The instant `span` later.
  @inlinable
  public static func + (left: Timestamp, span: TimeSpan) -> Timestamp {
    Timestamp(nanoseconds: left.nanoseconds &+ span.nanoseconds)
  }

  /// The instant `span` earlier.
  @inlinable
  public static func - (left: Timestamp, span: TimeSpan) -> Timestamp {
    Timestamp(nanoseconds: left.nanoseconds &- span.nanoseconds)
  }

  /// The span from `right` to `left`.
  @inlinable
  public static func - (left: Timestamp, right: Timestamp) -> TimeSpan {
    TimeSpan(nanoseconds: left.nanoseconds &- right.nanoseconds)
  }
}

/// A length of time, in nanoseconds. May be negative.
@frozen
public struct TimeSpan: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Nanoseconds.
  public var nanoseconds: Int64

  /// A span of `nanoseconds`.
  @inlinable
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// No time at all.
  @inlinable
  public static var zero: TimeSpan { TimeSpan(nanoseconds: 0) }

  /// `count` microseconds.
  @inlinable
  public static func microseconds(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count &* 1_000) }

  /// `count` milliseconds.
  @inlinable
  public static func milliseconds(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count &* 1_000_000) }

  /// `count` seconds.
  @inlinable
  public static func seconds(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count &* 1_000_000_000) }

  /// The span in seconds, rounded to the nearest double.
  @inlinable
  public var seconds: Double { Double(nanoseconds) / 1e9 }

  /// The span in milliseconds, rounded to the nearest double.
  @inlinable
  public var milliseconds: Double { Double(nanoseconds) / 1e6 }

  @inlinable
  public static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The sum of two spans.
  @inlinable
  public static func + (left: TimeSpan, right: TimeSpan) -> TimeSpan {
    TimeSpan(nanoseconds: left.nanoseconds &+ right.nanoseconds)
  }

  /// The difference of two spans.
  @inlinable
  public static func - (left: TimeSpan, right: TimeSpan) -> TimeSpan {
    TimeSpan(nanoseconds: left.nanoseconds &- right.nanoseconds)
  }
}
