// When a request gets a second try beside the first, and how many may.
//
// Backup requests (Dean and Barroso, The tail at scale, 2013) as Finagle sends them: after the latency that a share of requests of
// late stayed below, looked up every three seconds, at least a millisecond; and none at all when that is the largest latency
// that its window can tell. So that a shift of latency does not double the load, a budget pays for them: each request deposits, and
// what is sent is at most `maxExtraLoad` of what was asked in the last ten seconds. Latencies of failures do not count, for they
// are often fast; those of tries that were given up for another's sake, or ran out of time, do. Finagle knows of no latency
// before ten seconds are over and then takes the millisecond; others wait for the first figure.
// (finagle-core, client/BackupRequestFilter.scala)
//
// With a fixed delay a copy goes out after each delay, up to a number (gRPC proposal A6); with Envoy's `hedge_on_per_try_timeout` the
// timeout of a try does, and the copy is a retry.

import MeshCore

/// The hedges of one route in one data plane.
///
/// Complexity: O(1) but for a look at the window every three seconds.
public struct HedgeRule: Sendable {
  /// What a try waits for before another one joins it.
  public let trigger: HedgeDescription.Trigger
  /// Tries of a request at a time, the first included, from 2.
  public let mostTries: Int32
  /// Failing statuses that leave the other tries alone; nil for all of them. Any other one ends the request at once (gRPC).
  public let nonFatalStatuses: [Int16]?
  private var latencies: RecentLatencies
  private let isFinagle: Bool
  private var budget: FinagleRetryBudget?
  /// The delay that was looked up last, and when that was.
  private var delay = TimeSpan.zero
  private var look: Int64 = 0

  private static var lookLength: Int64 { 3_000_000_000 }
  private static var leastDelay: TimeSpan { .milliseconds(1) }

  /// The hedges that a route describes.
  public init(_ description: HedgeDescription, _ profile: MeshProfile) {
    mostTries = description.maxAttempts
    nonFatalStatuses = description.nonFatalStatusCodes
    isFinagle = profile == .finagle
    trigger = description.after
    latencies = isFinagle ? .finagle : .fine
    budget = description.maxExtraLoad.flatMap {
      FinagleRetryBudget(minRetriesPerSecond: 0, percentCanRetry: $0, at: .zero)
    }
  }

  /// A request begins.
  public mutating func requestBegan(at now: Timestamp) { budget?.deposit(at: now) }

  /// How long a try that begins now is waited for before another one joins it; nil for as long as it takes.
  public mutating func delay(at now: Timestamp) -> TimeSpan? {
    switch trigger {
    case .perTryTimeout: return nil
    case .delay(let delay): return delay
    case .quantile(let quantile):
      let current = now.nanoseconds / Self.lookLength
      if current > look {
        look = current
        // What has come since the look was due belongs to a slice that had not ended then.
        let due = Timestamp(nanoseconds: current * Self.lookLength)
        delay = max(latencies.quantile(quantile, at: due), Self.leastDelay)
      }
      let isKnown = isFinagle ? look > 0 : latencies.isReady
      return isKnown && delay > .zero && delay < latencies.largestLatency ? delay : nil
    }
  }

  /// Whether another try may be sent now; it is paid for then.
  public mutating func mayHedge(at now: Timestamp) -> Bool { budget?.withdraw(at: now) ?? true }

  /// A try is over that was answered with success, ran out of time, or was given up because another one had succeeded.
  public mutating func record(_ latency: TimeSpan, at now: Timestamp) {
    if case .quantile = trigger {
      // The look that was due comes first: it must not see this one.
      _ = delay(at: now)
      latencies.record(latency, at: now)
    }
  }

  /// Whether a failing answer leaves the other tries of its request alone.
  public func isNonFatal(status: Int16) -> Bool { nonFatalStatuses?.contains(status) ?? true }
}
