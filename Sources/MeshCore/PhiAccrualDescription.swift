// What a cluster says of the phi-accrual detector.

/// Suspicion from silence: endpoints are asked at an interval, and shut out while the answer is later than chance explains.
public struct PhiAccrualDescription: Sendable, Hashable {
  /// Which law times between heartbeats are taken to follow.
  public enum Form: String, Sendable, Hashable, CaseIterable {
    /// The normal law (Hayashibara et al.), as Akka computes it.
    case akka
    /// The exponential law, as Cassandra does.
    case cassandra
  }

  /// The law.
  public var form: Form
  /// The suspicion from which on an endpoint is out, above 0: at 8 one in 10^8 is out by mistake, where the law holds.
  public var threshold: Double
  /// From question to question.
  public var heartbeatInterval: TimeSpan
  /// Silence that is not held against anybody, beyond the mean (Akka).
  public var acceptableHeartbeatPause: TimeSpan
  /// The standard deviation is taken to be at least this (Akka).
  public var minStdDeviation: TimeSpan
  /// How many times between heartbeats are remembered, at least 1.
  public var maxSampleSize: Int32

  /// A detector; by default as Akka's cluster has it.
  public init(
    form: Form = .akka, threshold: Double = 8, heartbeatInterval: TimeSpan = .seconds(1),
    acceptableHeartbeatPause: TimeSpan = .seconds(3), minStdDeviation: TimeSpan = .milliseconds(100),
    maxSampleSize: Int32 = 1000
  ) {
    self.form = form
    self.threshold = threshold
    self.heartbeatInterval = heartbeatInterval
    self.acceptableHeartbeatPause = acceptableHeartbeatPause
    self.minStdDeviation = minStdDeviation
    self.maxSampleSize = maxSampleSize
  }
}
