// What fault detection tells people: what happened to whom, and why, with the numbers that the decision was taken on.
//
// A notice is a value without text, so that saying something costs no more than any other action. `DetectionReason.words` makes
// of it what stands in `events.csv`. A detector that decides on something new adds its reason here.

import FaultDetection
import MeshCore

/// What a fault detector has to say to people.
@frozen
public struct DetectionNotice: BitwiseCopyable, Sendable {
  /// What happened.
  @frozen
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// The endpoint gets no more traffic.
    case ejected
    /// One request is let through as a probe.
    case probation
    /// The probe failed: the endpoint stays out, for longer.
    case probeFailed
    /// The endpoint takes part again.
    case returned
    /// Its health checks say that it is out.
    case unhealthy
    /// Its health checks say that it is in.
    case healthy
    /// Too few endpoints of a priority work: all of them are used.
    case panicBegan
    /// Enough endpoints work again.
    case panicEnded
    /// A circuit breaker has refused something.
    case breakerOpened
    /// It has refused nothing for a while.
    case breakerClosed
  }

  /// What happened.
  public var kind: Kind
  /// In which cluster.
  public var cluster: Int32
  /// To whom; nobody (-1) for what happens to a cluster.
  public var endpoint: EndpointIdentity
  /// Who keeps the endpoint from having traffic, this decision included.
  public var exclusions: EndpointExclusions
  /// Why.
  public var reason: DetectionReason
}

/// Why a detector decided as it did. At most 24 bytes, as a notice must not make every action larger.
@frozen
public enum DetectionReason: BitwiseCopyable, Hashable, Sendable {
  /// So many attempts failed in a row; a probe may pass after the penalty.
  case consecutiveFailures(UInt32, penalty: TimeSpan)
  /// Too small a share of so many answers were successes; a probe may pass after the penalty.
  case lowSuccessRate(Float, requests: UInt32, penalty: TimeSpan)
  /// It has been silent for so long that phi is past its threshold.
  case suspected(phi: Float, silence: TimeSpan)
  /// It has answered again.
  case heardAgain
  /// A connection to it did not open; another one is tried after a while.
  case connectFailed(TransportFailure, trialIn: TimeSpan)
  /// Nor did that one.
  case trialFailed(TransportFailure, trialIn: TimeSpan)
  /// That one stands.
  case connectionStands
  /// A probe failed, and no rule says that the endpoint is dead for it; the next request is one.
  case probeUndecided
  /// A probe failed; the next one may pass after the penalty.
  case probeFailed(penalty: TimeSpan)
  /// A penalty is over.
  case penaltyElapsed
  /// A probe succeeded.
  case probeSucceeded
  /// Outlier detection found it to stand out.
  case outlier(returnsAfter: TimeSpan, OutlierCause)
  /// It has been out for long enough.
  case ejectionOver(after: TimeSpan)
  /// An active health check passed.
  case healthCheckPassed(after: TimeSpan)
  /// So many health checks failed in a row, and how the last one did.
  case checksFailed(UInt32, last: HealthCheckResult)
  /// A health check failed in a way that is enough.
  case checkFailed(HealthCheckResult)
  /// The first health check failed.
  case firstCheckFailed(HealthCheckResult)
  /// So many health checks passed in a row.
  case checksPassed(UInt32)
  /// The first health check passed.
  case firstCheckPassed
  /// Too few endpoints work.
  case tooFewWork
  /// Enough endpoints work.
  case enoughWork
  /// There was so much of it under a limit.
  case noRoom(BreakerResource, count: Int32, limit: Int32)
  /// Nothing has been refused for a while, after so many.
  case roomAgain(BreakerResource, refusals: Int64)

  /// The reason for people.
  public var words: String {
    switch self {
    case .consecutiveFailures(let failures, let penalty):
      return "\(failures) consecutive failures; a probe in \(Self.readable(penalty))"
    case .lowSuccessRate(let rate, let requests, let penalty):
      let tenths = Int((rate * 1000).rounded())
      return
        "a success rate of \(tenths / 10).\(tenths % 10) % of \(requests) answers; a probe in \(Self.readable(penalty))"
    case .suspected(let phi, let silence):
      let tenths = phi < 1e6 ? Int((phi * 10).rounded()) : -1
      let suspicion = tenths < 0 ? "beyond measure" : "\(tenths / 10).\(tenths % 10)"
      return "silent for \(Self.readable(silence)), phi \(suspicion); returns with its next heartbeat"
    case .heardAgain: return "it has sent a heartbeat"
    case .connectFailed(let failure, let wait):
      return "\(Self.words(of: failure)); a connection is tried in \(Self.readable(wait))"
    case .trialFailed(let failure, let wait):
      return "\(Self.words(of: failure)) again; the next one is tried in \(Self.readable(wait))"
    case .connectionStands: return "a connection stands"
    case .probeUndecided: return "the probe failed, which decides nothing; another request may pass as one"
    case .probeFailed(let penalty): return "the probe failed; the next one in \(Self.readable(penalty))"
    case .penaltyElapsed: return "the penalty is over; one request may pass as a probe"
    case .probeSucceeded: return "the probe succeeded"
    case .outlier(let span, let cause): return "\(Self.words(of: cause)); returns in \(Self.readable(span))"
    case .ejectionOver(let span): return "out for \(Self.readable(span)): the ejection is over"
    case .healthCheckPassed(let span): return "out for \(Self.readable(span)): a health check passed"
    case .checksFailed(let failures, let last):
      return "failed: \(failures) check\(failures == 1 ? "" : "s") in a row, last: \(last.words)"
    case .checkFailed(let result): return "failed: \(result.words), which is enough at once"
    case .firstCheckFailed(let result): return "failed: the first check: \(result.words)"
    case .checksPassed(let successes):
      return "passed: \(successes) check\(successes == 1 ? "" : "s") in a row"
    case .firstCheckPassed: return "passed: the first check"
    case .tooFewWork: return "too few endpoints work: all of them are used, well or not"
    case .enoughWork: return "enough endpoints work again"
    case .noRoom(let resource, let count, let limit): return Self.words(resource, count: count, limit: limit)
    case .roomAgain(let resource, let refusals):
      let what = resource == .connections || resource == .hostConnections ? "not opened" : "turned away"
      return
        "\(resource.limitName): nothing \(what) for \(Self.readable(BreakerTrip.rest)); \(refusals) \(what) since it opened"
    }
  }

  private static func words(_ resource: BreakerResource, count: Int32, limit: Int32) -> String {
    switch resource {
    case .connections: "maxConnections: \(count) open, limit \(limit); another one is not opened, requests wait"
    case .pendingRequests:
      "maxPendingRequests: \(count) wait for a connection, limit \(limit); another one is turned away"
    case .requests: "maxRequests: \(count) under way, limit \(limit); another one is turned away"
    case .hostConnections:
      "\(resource.limitName): \(count) open to an endpoint, limit \(limit); another one is not opened, requests wait"
    case .retries: "maxRetries: \(count) under way, limit \(limit); another one is not made"
    }
  }

  private static func words(of failure: TransportFailure) -> String {
    switch failure {
    case .refused: "connection refused"
    case .connectTimeout: "the connection did not open in time"
    case .reset: "connection reset"
    case .overflow: "no room for a connection"
    }
  }

  private static func words(of cause: OutlierCause) -> String {
    let (value, threshold) = (percent(cause.value), percent(cause.threshold))
    switch cause.rule {
    case .consecutive5xx: return "\(Int(cause.value)) consecutive 5xx"
    case .consecutiveGatewayFailure: return "\(Int(cause.value)) consecutive gateway failures"
    case .consecutiveLocalOriginFailure: return "\(Int(cause.value)) consecutive failures to reach it"
    case .successRate: return "success rate \(value), below \(threshold) (mean \(percent(cause.mean)))"
    case .successRateLocalOrigin:
      return "reached at a rate of \(value), below \(threshold) (mean \(percent(cause.mean)))"
    case .failurePercentage: return "\(value) of its requests failed, threshold \(threshold)"
    case .failurePercentageLocalOrigin: return "\(value) of its requests did not reach it, threshold \(threshold)"
    }
  }

  /// A percentage for people: with up to one decimal.
  private static func percent(_ value: Float) -> String {
    let tenths = Int((Double(value) * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let rest = tenths.magnitude % 10
    return "\(sign)\(tenths.magnitude / 10)" + (rest == 0 ? "%" : ".\(rest)%")
  }

  /// A length of time for people: seconds with up to two decimals.
  private static func readable(_ span: TimeSpan) -> String {
    let hundredths = (span.nanoseconds &+ 5_000_000) / 10_000_000
    let rest = hundredths % 100
    let whole = "\(hundredths / 100)"
    if rest == 0 { return "\(whole) s" }
    return rest % 10 == 0 ? "\(whole).\(rest / 10) s" : "\(whole).\(rest < 10 ? "0" : "")\(rest) s"
  }
}

extension HealthCheckResult {
  /// The result for people.
  var words: String {
    switch self {
    case .passed: "passed"
    case .answered(let status), .retriable(let status): "\(status)"
    case .refused: "connection refused"
    case .reset: "connection reset"
    case .timedOut: "timeout"
    case .toldByAnswer: "an answer asked for it"
    }
  }
}

extension DetectionReason {
  /// What failure accrual shuts an endpoint out for.
  init(_ cause: AccrualCause, penalty: TimeSpan) {
    switch cause {
    case .consecutiveFailures(let failures): self = .consecutiveFailures(failures, penalty: penalty)
    case .lowSuccessRate(let rate, let requests):
      self = .lowSuccessRate(Float(rate), requests: requests, penalty: penalty)
    }
  }
}
