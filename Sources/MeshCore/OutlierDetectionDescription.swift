// What a cluster says of outlier detection: Envoy's `outlier_detection`, and gRPC's (A50), which has fewer fields and other
// answers to the same questions.

/// Settings of outlier detection. Percentages are per cent, 0…100.
public struct OutlierDetectionDescription: Sendable, Hashable {
  /// Whose rules apply.
  public enum Form: String, Sendable, Hashable, CaseIterable {
    /// Envoy's: consecutive failures at once, rates at sweeps.
    case envoy
    /// gRPC's (A50): rates at sweeps alone.
    case grpc
  }

  /// Whose rules apply.
  public var form = Form.envoy
  /// From sweep to sweep, above 0.
  public var interval = TimeSpan.seconds(10)
  /// How long the first ejection lasts, above 0; each further one as much longer.
  public var baseEjectionTime = TimeSpan.seconds(30)
  /// How long an ejection lasts at most, jitter aside; at least the first.
  public var maxEjectionTime = TimeSpan.seconds(300)
  /// Up to this much more, in whole milliseconds, drawn for each ejection.
  public var maxEjectionTimeJitter = TimeSpan.zero
  /// The share of the cluster's endpoints, of all priorities, that may be out at a time.
  public var maxEjectionPercent = 10.0
  /// Whether one endpoint may be out whatever that share is.
  public var alwaysEjectOneHost = false
  /// Server errors (5xx) in a row; 0 for never.
  public var consecutive5xx: UInt32 = 5
  /// 502, 503 or 504 in a row; 0 for never.
  public var consecutiveGatewayFailure: UInt32 = 5
  /// Failures to reach the endpoint in a row, where they are counted apart; 0 for never.
  public var consecutiveLocalOriginFailure: UInt32 = 5
  /// How many of the ejections that each rule asks for are carried out.
  public var enforcingConsecutive5xx = 100.0
  public var enforcingConsecutiveGatewayFailure = 0.0
  public var enforcingConsecutiveLocalOriginFailure = 100.0
  public var enforcingSuccessRate = 100.0
  public var enforcingLocalOriginSuccessRate = 100.0
  public var enforcingFailurePercentage = 0.0
  public var enforcingFailurePercentageLocalOrigin = 0.0
  /// Endpoints with enough requests that it takes to compare success rates.
  public var successRateMinimumHosts: UInt32 = 5
  /// Requests within an interval that make an endpoint one of them.
  public var successRateRequestVolume: UInt32 = 100
  /// How many standard deviations below the mean, in thousandths.
  public var successRateStdevFactor: UInt32 = 1900
  /// The share of failures that ejects.
  public var failurePercentageThreshold = 85.0
  /// Endpoints with enough requests that it takes to judge shares of failures.
  public var failurePercentageMinimumHosts: UInt32 = 5
  /// Requests within an interval that make an endpoint one of them.
  public var failurePercentageRequestVolume: UInt32 = 50
  /// Whether failures to reach the endpoint are counted apart from what it answers.
  public var splitExternalLocalOriginErrors = false
  /// Whether a passed health check ends an ejection.
  public var successfulActiveHealthCheckUnejectHost = true
  /// gRPC: whether success rates, and shares of failures, are looked at at all.
  public var judgesSuccessRate = true
  public var judgesFailurePercentage = true

  /// Envoy's defaults.
  public init() {}

  /// Sets the longest ejection, or where nothing is said 300 s or the first one's time, whatever is more. Returns whether it may be: with
  /// Envoy's rules no less than the first one's.
  public mutating func setMaxEjectionTime(_ given: TimeSpan?) -> Bool {
    maxEjectionTime = given ?? max(.seconds(300), baseEjectionTime)
    return form == .grpc || maxEjectionTime >= baseEjectionTime
  }
}
