// Finagle's fail-fast: an endpoint to which no connection can be opened is left alone until one can.
//
//           a connection fails                     wait over
//   ready ─────────────────────► down, waiting ──────────────► down, trying
//     ▲                              ▲                            │  │
//     │                              └── the connection fails ────┘  │
//     └───────────────────────── the connection stands ──────────────┘
//
// One failure is enough. While an endpoint is down no request opens a connection to it: a balancer avoids it, and one that finds no better
// and takes it all the same fails at once. Only the trial in the background brings it back. Waits are Finagle's exponential-jittered
// series of 1 s up to 32 s, 16 of them, then 32 s each: a draw below the previous wait · 2^k, so that one short draw holds several
// down. Answers do not count: one that comes over a connection which stood before says nothing of new ones. (In Finagle a connection that
// was being opened when another one failed ends it too.)
// Follows finagle-core, service/FailFastFactory.scala. It stands beneath failure accrual, which hears of the same failures.

import MeshCore

/// One endpoint's fail-fast. Complexity: every operation O(1), without allocation.
@frozen
public struct ConnectFailFast: BitwiseCopyable, Hashable, Sendable {
  /// How many waits are drawn before they stay at the longest.
  public static var drawnWaits: Int32 { 16 }
  /// The first wait, and the longest.
  public static var firstWait: TimeSpan { .seconds(1) }
  public static var longestWait: TimeSpan { .seconds(32) }

  /// Whether no connection may be opened but the trial.
  public private(set) var isDown: Bool
  private var waits: FinagleBackoff
  private var waitsGiven: Int32

  private static var series: FinagleBackoff {
    FinagleBackoff(.exponentialJittered, start: firstWait, maximum: longestWait)
  }

  /// An endpoint that has refused nobody.
  public init() {
    isDown = false
    waits = Self.series
    waitsGiven = 0
  }

  /// A request's connection did not open. Returns how long to wait before the first trial; nil when the endpoint is down already.
  public mutating func connectionFailed(draw: UInt64) -> TimeSpan? {
    if isDown { return nil }
    isDown = true
    waits = Self.series
    waitsGiven = 0
    return nextWait(draw: draw)
  }

  /// A trial did not open a connection. Returns how long to wait before the next one.
  public mutating func trialFailed(draw: UInt64) -> TimeSpan { nextWait(draw: draw) }

  /// A trial has opened a connection: the endpoint is ready.
  public mutating func trialSucceeded() { isDown = false }

  private mutating func nextWait(draw: UInt64) -> TimeSpan {
    if waitsGiven >= Self.drawnWaits { return Self.longestWait }
    waitsGiven += 1
    return waits.next(draw: draw)
  }
}
