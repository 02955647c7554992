// What a cluster says of failure accrual: which rule shuts an endpoint out for what it has answered, and for how long.
//
// Linkerd's two kinds (annotation `balancer.linkerd.io/failure-accrual`: `consecutive`, `unified`), and Finagle's, which linkerd1 names
// `io.l5d.consecutiveFailures`, `io.l5d.successRate`, `io.l5d.successRateWindowed`.

/// Linkerd's consecutive-failure accrual (annotations `balancer.linkerd.io/failure-accrual-consecutive-…`).
public struct ConsecutiveAccrualDescription: Sendable, Hashable {
  /// Failures in a row that trip; 0 never trips.
  public var maxFailures: UInt32
  /// The first penalty.
  public var minPenalty: TimeSpan
  /// The longest penalty.
  public var maxPenalty: TimeSpan
  /// Jitter as a fraction of the penalty, 0…100.
  public var jitterRatio: Double

  /// Linkerd's defaults: 7 failures, 1 s … 60 s, jitter 0.5.
  public init(
    maxFailures: UInt32 = 7, minPenalty: TimeSpan = .seconds(1), maxPenalty: TimeSpan = .seconds(60),
    jitterRatio: Double = 0.5
  ) {
    self.maxFailures = maxFailures
    self.minPenalty = minPenalty
    self.maxPenalty = maxPenalty
    self.jitterRatio = jitterRatio
  }
}

/// Linkerd's unified accrual: failures in a row, or too low a share of successes
/// (annotations `balancer.alpha.linkerd.io/failure-accrual-success-rate-…`).
public struct UnifiedAccrualDescription: Sendable, Hashable {
  /// Failures in a row, and the penalties.
  public var consecutive: ConsecutiveAccrualDescription
  /// The share of successes below which it trips, 0…1; 0 never trips. In steps of 0.0001, as the control plane sends it.
  public var successRateThreshold: Double
  /// How far back answers count, at least 10 ms.
  public var successRateWindow: TimeSpan
  /// Answers in the window that it takes.
  public var successRateMinRequests: UInt32

  /// Linkerd's defaults: 80 % within 10 s, of at least 5 answers.
  public init(
    consecutive: ConsecutiveAccrualDescription = ConsecutiveAccrualDescription(), successRateThreshold: Double = 0.8,
    successRateWindow: TimeSpan = .seconds(10), successRateMinRequests: UInt32 = 5
  ) {
    self.consecutive = consecutive
    self.successRateThreshold = (successRateThreshold * 10_000).rounded() / 10_000
    self.successRateWindow = successRateWindow
    self.successRateMinRequests = successRateMinRequests
  }
}

/// Over what Finagle takes a success rate.
public enum SuccessRateSpan: Sendable, Hashable {
  /// An exponentially weighted average over this many requests, and not before as many have been seen.
  case requests(Int64)
  /// One over this time, in whole milliseconds, and not before as much has passed and so many requests were made in it.
  case duration(TimeSpan, minimumRequests: Int64)
}

/// The share of successes that Finagle requires.
public struct RequiredSuccessRate: Sendable, Hashable {
  /// The share, 0…1.
  public var share: Double
  /// Over what it is taken.
  public var span: SuccessRateSpan

  /// A required share; Finagle's by default: 80 % within 30 s, of at least 5 requests.
  public init(share: Double = 0.8, span: SuccessRateSpan = .duration(.seconds(30), minimumRequests: 5)) {
    self.share = share
    self.span = span
  }
}

/// Finagle's failure accrual: failures in a row, a success rate, or whichever of both speaks first (`orElse`).
public struct FinagleAccrualDescription: Sendable, Hashable {
  /// Failures in a row that mark an endpoint dead, at least 1; nil for no such rule.
  public var consecutiveFailures: Int64?
  /// The success rate below which it is marked dead; nil for no such rule.
  public var successRate: RequiredSuccessRate?
  /// For how long at first.
  public var minimumBackoff: TimeSpan
  /// For how long at most.
  public var maximumBackoff: TimeSpan

  /// Finagle's default, the hybrid: a success rate, or else five failures in a row; dead for 5 s … 300 s, equal-jittered.
  public init(
    consecutiveFailures: Int64? = 5, successRate: RequiredSuccessRate? = RequiredSuccessRate(),
    minimumBackoff: TimeSpan = .seconds(5), maximumBackoff: TimeSpan = .seconds(300)
  ) {
    self.consecutiveFailures = consecutiveFailures
    self.successRate = successRate
    self.minimumBackoff = minimumBackoff
    self.maximumBackoff = maximumBackoff
  }
}

/// Which failure accrual a cluster has.
public enum FailureAccrualDescription: Sendable, Hashable {
  /// Linkerd's, by failures in a row.
  case consecutive(ConsecutiveAccrualDescription)
  /// Linkerd's, by failures in a row or by the share of successes.
  case unified(UnifiedAccrualDescription)
  /// Finagle's.
  case finagle(FinagleAccrualDescription)
}
