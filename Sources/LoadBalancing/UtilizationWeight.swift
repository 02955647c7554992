// What a server's load reports say its share should be: requests a second per unit of utilization (ORCA; gRFC A58).
//
// A report's weight is rps / (utilization + errors per request · penalty). It counts once reports have come for a blackout
// period, so that the first jumpy ones do not, and until none has come for an expiration period; then the blackout starts
// again. gRPC and Envoy differ at the edges and in rounding: gRPC keeps fractions and takes a report as expired when it is
// just as old as the period, Envoy rounds down to a whole number from 1 to 2^32 − 1 and allows the period itself.

import MeshCore

/// Whose rules a utilization weight follows.
public enum UtilizationWeightForm: Sendable {
  /// grpc-go balancer/weightedroundrobin.
  case grpc
  /// Envoy load_balancing_policies/client_side_weighted_round_robin.
  case envoy
}

/// The weight of one endpoint as its reports say.
public struct UtilizationWeight: BitwiseCopyable, Sendable {
  /// The weight of the latest report; 0 before the first.
  public private(set) var weight: Double = 0
  /// Since when reports have come, if they do.
  public private(set) var reportedSince: Timestamp?
  /// When the latest one came.
  public private(set) var reportedLast: Timestamp?

  /// An endpoint that has not reported.
  public init() {}

  /// An endpoint whose reports have come since a time, and last at another, with a weight.
  public init(weight: Double, since: Timestamp, last: Timestamp) {
    self.weight = weight
    self.reportedSince = since
    self.reportedLast = last
  }

  /// The weight of a report, or `nil` when it has no rate or no utilization. Utilization is the application's, or the
  /// processor's when that is 0.
  public static func weight(
    of report: LoadReport, errorUtilizationPenalty penalty: Double, _ form: UtilizationWeightForm
  ) -> Double? {
    let rate = report.requestsPerSecond
    let utilization = report.utilization
    if !(rate > 0 && utilization > 0) { return nil }
    let weight = rate / (utilization + penalty * report.errorsPerSecond / rate)
    if form == .grpc { return weight.isFinite ? weight : nil }
    return min(weight, 4_294_967_295).rounded(.down)
  }

  /// Takes in a report's weight.
  public mutating func report(_ weight: Double, at now: Timestamp) {
    self.weight = weight
    reportedLast = now
    if reportedSince == nil { reportedSince = now }
  }

  /// The weight if it counts now. Finding that reports have ceased starts the blackout again.
  public mutating func counted(
    at now: Timestamp, blackout: TimeSpan, expiration: TimeSpan, _ form: UtilizationWeightForm
  ) -> Double? {
    guard let last = reportedLast else { return nil }
    let age = now - last
    switch form {
    case .grpc:
      if age >= expiration {
        reportedSince = nil
        return nil
      }
      if blackout.nanoseconds > 0 {
        guard let since = reportedSince, now - since >= blackout else { return nil }
      }
    case .envoy:
      guard let since = reportedSince, now - since >= blackout else { return nil }
      if age > expiration {
        reportedSince = nil
        return nil
      }
    }
    return weight
  }
}
