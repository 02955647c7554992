// Why outlier detection ejects: the rule, and the numbers that it went by.

import MeshCore

/// The rules that eject (Envoy's `OutlierEjectionType`).
@frozen
public enum OutlierRule: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
  /// Server errors in a row.
  case consecutive5xx
  /// 502, 503 or 504 in a row.
  case consecutiveGatewayFailure
  /// Failures to reach it in a row.
  case consecutiveLocalOriginFailure
  /// A success rate far below the others'.
  case successRate
  /// The same, of reaching it.
  case successRateLocalOrigin
  /// Too large a share of failures.
  case failurePercentage
  /// The same, of reaching it.
  case failurePercentageLocalOrigin
}

/// Why an endpoint is ejected.
@frozen
public struct OutlierCause: BitwiseCopyable, Hashable, Sendable {
  /// Failures in a row; or the endpoint's success rate, or its share of failures, per cent.
  public var value: Float
  /// How many failures in a row, or what rate or share, the rule takes.
  public var threshold: Float
  /// The mean success rate, per cent; 0 where none was taken.
  public var mean: Float
  /// The rule; last, so that a reason stays small.
  public var rule: OutlierRule

  /// A cause.
  public init(_ rule: OutlierRule, value: Float, threshold: Float, mean: Float = 0) {
    self.rule = rule
    self.value = value
    self.threshold = threshold
    self.mean = mean
  }
}

/// What outlier detection has decided.
@frozen
public enum OutlierDecision: BitwiseCopyable, Hashable, Sendable {
  /// The endpoint in `slot` is out, and returns after `span` at the sweep that is due then.
  case ejected(slot: Int32, OutlierCause, returnsAfter: TimeSpan)
  /// It was out for `span` and takes part again; a passed health check, or the end of its time, brought it back.
  case returned(slot: Int32, after: TimeSpan, isByHealthCheck: Bool)
}
