// What a cluster says of how much may be open at a time: Envoy's circuit breakers (config.cluster.v3.CircuitBreakers), in its words.

/// How many retries there may be beside the requests under way (Envoy's `retry_budget`).
public struct RetryShareDescription: Sendable, Hashable {
  /// Retries per request under way or waiting for a connection, per cent, 0…100.
  public var budgetPercent: Double
  /// Retries that there may always be.
  public var minRetryConcurrency: Int32

  /// A share; Envoy's by default.
  public init(budgetPercent: Double = 20, minRetryConcurrency: Int32 = 3) {
    self.budgetPercent = budgetPercent
    self.minRetryConcurrency = minRetryConcurrency
  }
}

/// Limits of what one data plane has open to a cluster at a time; nil for no limit.
public struct CircuitBreakerDescription: Sendable, Hashable {
  /// Connections, those that are being opened included.
  public var maxConnections: Int32?
  /// The same to one endpoint (Envoy's `per_host_thresholds`).
  public var maxConnectionsPerHost: Int32?
  /// Requests that wait for a connection.
  public var maxPendingRequests: Int32?
  /// Requests on connections.
  public var maxRequests: Int32?
  /// Retries under way, their pauses included.
  public var maxRetries: Int32?
  /// The limit of retries by requests, in place of `maxRetries`.
  public var retryBudget: RetryShareDescription?

  /// What Envoy takes where a cluster says nothing (upstream_impl.cc).
  public static var envoy: CircuitBreakerDescription {
    CircuitBreakerDescription(maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3)
  }

  /// Limits.
  public init(
    maxConnections: Int32? = nil, maxPendingRequests: Int32? = nil, maxRequests: Int32? = nil, maxRetries: Int32? = nil,
    retryBudget: RetryShareDescription? = nil
  ) {
    self.maxConnections = maxConnections
    self.maxPendingRequests = maxPendingRequests
    self.maxRequests = maxRequests
    self.maxRetries = maxRetries
    self.retryBudget = retryBudget
  }

  /// Whether connections and the requests on them have to be counted.
  public var countsConnections: Bool {
    maxConnections != nil || maxConnectionsPerHost != nil || maxPendingRequests != nil || maxRequests != nil
      || retryBudget != nil
  }
}
