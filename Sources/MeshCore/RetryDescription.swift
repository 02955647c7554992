// What a route says of trying again.

/// How a route's requests are tried again after a failure.
public struct RetryDescription: Sendable, Hashable {
  /// Which failures count: Envoy's names, statuses, and ranges of them. What is none of these counts for nothing.
  public var on: [String]
  /// What `retriable-status-codes` stands for.
  public var retriableStatusCodes: [Int16]
  /// Retries after the first try, 0…1000.
  public var attempts: Int32
  /// How long one try may take; nil for as long as the route allows. One that is no shorter than the route's timeout has no effect.
  public var perTryTimeout: TimeSpan?
  /// The pauses between tries.
  public var backoff: RetryBackoffDescription
  /// The longest `Retry-After` that a retry waits for in place of its pause; zero for none (Envoy's `rate_limited_retry_back_off`).
  public var longestReset = TimeSpan.zero
  /// How much load retries may add; nil for any.
  public var budget: RetryBudgetDescription?
  /// How many times another endpoint is chosen in place of one that the request has been sent to (Envoy's
  /// `host_selection_retry_max_attempts` with `retry_host_predicate: previous_hosts`); 0 for never.
  public var hostSelectionRetries: Int32
  /// After how many tries the priorities that were tried are left out, at least 1 (Envoy's `retry_priority: previous_priorities` with
  /// its `update_frequency`); 0 for never.
  public var priorityUpdateFrequency: Int32 = 0

  /// Retries without a budget.
  public init(
    on: [String], retriableStatusCodes: [Int16] = [], attempts: Int32 = 1, perTryTimeout: TimeSpan? = nil,
    backoff: RetryBackoffDescription = RetryBackoffDescription(), budget: RetryBudgetDescription? = nil,
    hostSelectionRetries: Int32 = 0
  ) {
    self.on = on
    self.retriableStatusCodes = retriableStatusCodes
    self.attempts = attempts
    self.perTryTimeout = perTryTimeout
    self.backoff = backoff
    self.budget = budget
    self.hostSelectionRetries = hostSelectionRetries
  }
}

/// The pauses between tries: they double from the first to the longest, and are drawn.
public struct RetryBackoffDescription: Sendable, Hashable {
  /// How a pause is drawn.
  public enum Jitter: Sendable, Hashable {
    /// Anything from nothing to the pause (Envoy).
    case full
    /// The pause and up to `ratio` of it more, 0…1 (Linkerd).
    case added(ratio: Double)
    /// From 0.8 to 1.2 of it (gRPC proposal A6).
    case around
  }

  /// The first pause; zero for none at all.
  public var base: TimeSpan
  /// The longest pause.
  public var maximum: TimeSpan
  /// How a pause is drawn.
  public var jitter: Jitter

  /// Pauses; Envoy's by default: from 25 ms to ten times as long.
  public init(base: TimeSpan = .milliseconds(25), maximum: TimeSpan = .milliseconds(250), jitter: Jitter = .full) {
    self.base = base
    self.maximum = maximum
    self.jitter = jitter
  }
}

/// How much load retries may add, counted in the recent past (tower, Linkerd, Finagle).
public struct RetryBudgetDescription: Sendable, Hashable {
  /// Retries a request, 0…1000.
  public var ratio: Double
  /// Retries a second that are always allowed.
  public var minPerSecond: Int64
  /// How long a request counts, 1 s … 60 s.
  public var ttl: TimeSpan
  /// Tokens that know no time, in place of all that: for each first try a part of a retry (Brooker 2022).
  public var tokenBucket: TokenBucketDescription?
  /// Tokens that failures cost and successes bring, in place of all that (gRPC's `retryThrottling`).
  public var throttling: RetryThrottlingDescription?

  /// A budget; tower's and Finagle's by default.
  public init(ratio: Double = 0.2, minPerSecond: Int64 = 10, ttl: TimeSpan = .seconds(10)) {
    self.ratio = ratio
    self.minPerSecond = minPerSecond
    self.ttl = ttl
  }
}

/// A bucket that first tries fill and retries empty.
public struct TokenBucketDescription: Sendable, Hashable {
  /// How many tokens it holds, and has at first, from 0.
  public var capacity: Double
  /// Tokens of a first try, from 0; a retry costs 1.
  public var perRequest: Double

  /// A bucket; Brooker's by default.
  public init(capacity: Double = 5, perRequest: Double = 0.1) {
    self.capacity = capacity
    self.perRequest = perRequest
  }
}

/// Tokens without which nothing is retried.
public struct RetryThrottlingDescription: Sendable, Hashable {
  /// How many there are at first and at most, above 0 up to 1000; at half of them retries cease.
  public var maxTokens: Double
  /// Tokens of a success, above 0; a failure costs 1.
  public var tokenRatio: Double

  /// A throttle.
  public init(maxTokens: Double, tokenRatio: Double) {
    self.maxTokens = maxTokens
    self.tokenRatio = tokenRatio
  }
}
