// What a route says of tries beside tries.

/// How a route's slow requests get another try while the first is still under way.
public struct HedgeDescription: Sendable, Hashable {
  /// What is waited for.
  public enum Trigger: Sendable, Hashable {
    /// So long after each try began.
    case delay(TimeSpan)
    /// The quantile, 0 … 1, of the latencies of late.
    case quantile(Double)
    /// The timeout of a try, which then goes on beside its retry (Envoy's `hedge_on_per_try_timeout`).
    case perTryTimeout
  }

  /// What is waited for.
  public var after: Trigger
  /// Hedges a request, at most, 0 … 1, in the last ten seconds (Finagle); nil for any number.
  public var maxExtraLoad: Double?
  /// Tries at a time, the first included, 2 … 5 (gRPC).
  public var maxAttempts: Int32
  /// Failing statuses that leave the other tries alone (gRPC); nil for all.
  public var nonFatalStatusCodes: [Int16]?

  /// Hedges; one more try unless said.
  public init(
    after: Trigger, maxExtraLoad: Double? = nil, maxAttempts: Int32 = 2, nonFatalStatusCodes: [Int16]? = nil
  ) {
    self.after = after
    self.maxExtraLoad = maxExtraLoad
    self.maxAttempts = maxAttempts
    self.nonFatalStatusCodes = nonFatalStatusCodes
  }
}
