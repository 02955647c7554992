// What outlier detection keeps of one endpoint: counters of failures in a row, two buckets of results, and its ejections.

import MeshCore

/// Results of one interval.
@frozen
public struct ResultBucket: BitwiseCopyable, Hashable, Sendable {
  /// All of them.
  public var total: UInt64 = 0
  /// Those that succeeded.
  public var successes: UInt64 = 0

  /// None.
  public init() {}

  mutating func count(_ isSuccess: Bool) {
    total &+= 1
    successes &+= isSuccess ? 1 : 0
  }

  /// Successes per hundred results; nil without results.
  public var successRate: Double? { total == 0 ? nil : Double(successes) * 100 / Double(total) }
}

/// The interval that runs and the one before, which is judged.
@frozen
public struct SuccessRateMonitor: BitwiseCopyable, Hashable, Sendable {
  /// Since the last sweep.
  public internal(set) var current = ResultBucket()
  /// The interval before that.
  public internal(set) var previous = ResultBucket()
  /// The rate that the last sweep saw, per cent, or -1 (Envoy's admin page shows it).
  public internal(set) var successRate = -1.0

  /// Nothing.
  public init() {}

  mutating func beginInterval() {
    previous = current
    current = ResultBucket()
    successRate = -1
  }
}

/// One endpoint's record.
@frozen
public struct OutlierMonitor: BitwiseCopyable, Hashable, Sendable {
  /// Failures in a row, by rule.
  public internal(set) var consecutive5xx: UInt32 = 0
  public internal(set) var consecutiveGatewayFailures: UInt32 = 0
  public internal(set) var consecutiveLocalOriginFailures: UInt32 = 0
  /// What it answered, and how reaching it went.
  public internal(set) var external = SuccessRateMonitor()
  public internal(set) var local = SuccessRateMonitor()
  /// Whether it is out.
  public internal(set) var isEjected = false
  /// How often it has been ejected.
  public internal(set) var ejections: UInt32 = 0
  /// What the first ejection's time is multiplied with.
  public internal(set) var backoff: UInt32 = 0
  /// How much longer the present ejection lasts.
  public internal(set) var jitter = TimeSpan.zero
  /// When it was ejected last.
  public internal(set) var ejectedAt = Timestamp.distantPast
  /// When it returned last; `distantPast` for never.
  public internal(set) var returnedAt = Timestamp.distantPast
  /// Whose record it is; 0 for nobody's.
  var incarnation: UInt32 = 0

  /// A record of an endpoint that nothing is known of.
  public init() {}
}
