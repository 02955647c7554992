// Active health checks of one endpoint, as Envoy does them (extensions/health_checkers/common/health_checker_base_impl.cc).
//
// An endpoint has failed until its first check passes; that one success is enough. After that it is a matter of rows: a healthy one
// fails at once by an answer that says so, and after `unhealthyThreshold` failures in a row where the network may be at fault; a
// failed one is healthy again after `healthyThreshold` successes in a row. Each result of the other kind ends a row.
//
// HAProxy's rule (configuration manual, `rise`, `fall`, `init-state up`) differs in two things: an endpoint is healthy until its first
// check, whose failure is enough, and after that every failure counts alike.
//
// The pause before the next check depends on the result and on whether it was one of a row that is not long enough yet (an edge), and
// on whether the cluster has had traffic. To it comes a jitter by share of the pause, and one by time.

import MeshCore

/// What a check's result did to what is held of its endpoint.
@frozen
public enum HealthTransition: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// Nothing.
  case unchanged
  /// It is healthy now, or failed, or counts now.
  case changed
  /// It would change, were the row long enough.
  case changePending
}

/// One endpoint's health as its checks have it. Complexity: O(1).
@frozen
public struct HealthCheck: BitwiseCopyable, Hashable, Sendable {
  /// Whether it has failed (`FAILED_ACTIVE_HC`).
  public private(set) var hasFailed: Bool
  /// Whether it waits for its first check and does not count until then (`PENDING_ACTIVE_HC`).
  public private(set) var isPending: Bool
  /// Whether it has asked to be left alone, and does not count (`EXCLUDED_VIA_IMMEDIATE_HC_FAIL`).
  public private(set) var isLeftAlone = false
  /// Whether no check has ended yet.
  public private(set) var isFirst = true
  /// Successes in a row while failed, and failures in a row while healthy.
  public private(set) var successes: UInt32 = 0
  public private(set) var failures: UInt32 = 0

  /// An endpoint that has not been checked yet.
  public init(hasFailed: Bool = true, isPending: Bool = false) {
    self.hasFailed = hasFailed
    self.isPending = isPending
  }

  /// An endpoint that a cluster with these checks hears of.
  public init(_ description: HealthCheckDescription) {
    self.init(hasFailed: description.form == .envoy, isPending: description.ignoresNewHosts)
  }

  /// Whether it counts neither as there nor as missing. Who is healthy counts.
  public var isExcluded: Bool { hasFailed && (isPending || isLeftAlone) }

  /// A check has ended, or an answer has said as much.
  public mutating func ended(_ result: HealthCheckResult, _ description: HealthCheckDescription) -> HealthTransition {
    let transition = result.isPassed ? pass(description) : fail(result, description)
    isFirst = false
    if !isPending { return transition }
    // Whoever counts availability has to hear of it, whatever the result.
    isPending = false
    return .changed
  }

  /// The endpoint has asked to be left alone: once it has failed it does not count until it is healthy again.
  public mutating func leaveAlone() { isLeftAlone = true }

  private mutating func pass(_ description: HealthCheckDescription) -> HealthTransition {
    failures = 0
    if !hasFailed { return .unchanged }
    if !isFirst {
      successes &+= 1
      if successes != description.healthyThreshold { return .changePending }
    }
    hasFailed = false
    isLeftAlone = false
    return .changed
  }

  private mutating func fail(_ result: HealthCheckResult, _ description: HealthCheckDescription) -> HealthTransition {
    successes = 0
    if hasFailed { return .unchanged }
    let isEnough = description.form == .envoy ? result.isDecisive : isFirst
    if !isEnough {
      failures &+= 1
      if failures != description.unhealthyThreshold { return .changePending }
    }
    hasFailed = true
    return .changed
  }
}

extension HealthCheckDescription {
  /// The pause between a check's end and the next one's beginning.
  public func pause(
    after result: HealthCheckResult, _ transition: HealthTransition, hasTraffic: Bool, _ random: inout RandomStream
  ) -> TimeSpan {
    let isEdge = transition == .changePending
    let base: TimeSpan
    if !hasTraffic {
      base = result.isPassed && !isEdge ? noTrafficHealthyInterval : noTrafficInterval
    } else if result.isPassed {
      base = isEdge ? healthyEdgeInterval : interval
    } else {
      base = isEdge ? unhealthyEdgeInterval : unhealthyInterval
    }
    return jittered(base, by: intervalJitter, &random)
  }

  /// How late an endpoint's first check is; draws nothing where that is not said.
  public func firstPause(_ random: inout RandomStream) -> TimeSpan {
    initialJitter > .zero ? jittered(.zero, by: initialJitter, &random) : .zero
  }

  /// A pause with its jitters, in whole milliseconds each, at least a millisecond in all. Draws a number for each jitter there is.
  public func jittered(_ base: TimeSpan, by jitter: TimeSpan, _ random: inout RandomStream) -> TimeSpan {
    var span = base.nanoseconds
    let (product, isTooLong) = (span / 1_000_000).multipliedReportingOverflow(by: Int64(intervalJitterPercent))
    let share = (isTooLong ? .max : product) / 100
    if share > 0 { span = Self.sum(span, random.modulo(Int(share))) }
    let most = jitter.nanoseconds / 1_000_000
    if most > 0 { span = Self.sum(span, random.modulo(Int(most))) }
    return TimeSpan(nanoseconds: max(span, 1_000_000))
  }

  /// Nanoseconds and milliseconds more, but no more than fits.
  private static func sum(_ nanoseconds: Int64, _ milliseconds: Int) -> Int64 {
    let (more, isTooMuch) = Int64(milliseconds).multipliedReportingOverflow(by: 1_000_000)
    let (sum, isBeyond) = nanoseconds.addingReportingOverflow(isTooMuch ? .max : more)
    return isBeyond ? .max : sum
  }
}
