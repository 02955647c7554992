// Outlier detection: endpoints whose results stand out get no traffic for a while (Envoy, upstream/outlier_detection_impl.cc).
//
// Two rules of different temper. Failures in a row eject at once: each result counts up or clears, and at the threshold the
// endpoint is out; the counter then starts again whether or not the ejection was carried out, so that it asks again after as many
// failures more. Rates eject at sweeps (`OutlierDetection+Sweep`): every interval the endpoints' success rates are held against
// each other, or their shares of failures against a threshold.
//
// What may be ejected is bounded by a share of the whole cluster, all priorities together: (out + 1) / endpoints ≤ share, or
// with `alwaysEjectOneHost` whoever is the first. Whom the bound spares is a matter of order: failures in a row come as they come,
// sweeps take the endpoints in discovery's order (Envoy walks a hash table there, so with Envoy it is anybody).
//
// Kept as Envoy has it: at one sweep an endpoint may be ejected by its success rate and again by its share of failures. It counts
// twice among those who are out, its next ejection is two steps longer, and when it returns only one of the two counts is given back,
// so that the bound is tighter from then on, until the endpoint is removed or for ever. (A debug build of Envoy stops there.) The
// number of endpoints that are really out never goes over the bound.
//
// Whoever drives it tells results, sweeps and endpoints, and carries out `decisions`; nothing here knows a clock. An endpoint that
// discovery takes away is forgotten; one that comes back is new.

import MeshCore

/// What has been counted since the beginning (Envoy's statistics of the same names).
public struct OutlierCounts: Sendable, Hashable {
  /// Ejections that a rule asked for, by rule.
  public internal(set) var detected = [UInt64](repeating: 0, count: OutlierRule.allCases.count)
  /// Those that were carried out, by rule.
  public internal(set) var enforced = [UInt64](repeating: 0, count: OutlierRule.allCases.count)
  /// Those that were too many.
  public internal(set) var overflow: UInt64 = 0
  /// Those by 5xx in a row and by success rate that were not too many, carried out or not (`ejections_total`).
  public internal(set) var total: UInt64 = 0
  /// Those by gRPC's rules that were detected and not carried out, for whatever reason.
  public internal(set) var unenforced: UInt64 = 0

  /// All that were carried out.
  public var enforcedTotal: UInt64 { enforced.reduce(0, +) }
}

/// One cluster's outlier detection. Endpoints go by their slots.
///
/// Complexity: a result O(1), a sweep and a new listing O(endpoints).
public struct OutlierDetection: ~Copyable {
  /// The settings.
  public let description: OutlierDetectionDescription
  /// The records, by slot.
  public internal(set) var monitors = Pool<OutlierMonitor>()
  /// What has been counted.
  public internal(set) var counts = OutlierCounts()
  /// Who counts as out for the bound: with each ejection one more, with each return one less.
  public internal(set) var active: UInt64 = 0
  /// The thresholds that the last sweep saw.
  public internal(set) var externalThreshold = SuccessRateThreshold.none
  public internal(set) var localThreshold = SuccessRateThreshold.none
  /// What is to be carried out, in order; whoever does it clears the list.
  public var decisions = Pool<OutlierDecision>()
  /// The listed slots, in discovery's order.
  var members = Pool<Int32>()

  /// Outlier detection of a cluster without endpoints.
  public init(_ description: OutlierDetectionDescription) { self.description = description }

  /// Whether an endpoint is out.
  public func isEjected(slot: Int32) -> Bool { Int(slot) < monitors.count && monitors[slot].isEjected }

  /// How many endpoints are out.
  public var ejectedCount: Int {
    var count = 0
    for place in 0..<members.count { count += monitors[members[place]].isEjected ? 1 : 0 }
    return count
  }

  /// How many endpoints there are.
  public var memberCount: Int { members.count }

  /// Discovery says anew who is there. Who has gone, or has another's slot, is forgotten, its ejection with it.
  public mutating func list(_ endpoints: borrowing EndpointSet) {
    monitors.resize(to: max(monitors.count, endpoints.states.count), filling: OutlierMonitor())
    for slot in 0..<endpoints.states.count {
      let state = endpoints.states[slot]
      let isMember = monitors[slot].incarnation == state.incarnation
      if state.isListed && isMember { continue }
      if monitors[slot].isEjected { active -= 1 }
      monitors[slot] = OutlierMonitor()
      if state.isListed { monitors[slot].incarnation = state.incarnation }
    }
    members.removeAll()
    for place in 0..<endpoints.listed.count { members.append(endpoints.listed[place]) }
  }

  // MARK: - Results

  /// The endpoint in `slot` answered.
  public mutating func answered(status: Int16, slot: Int32, _ random: inout RandomStream, at now: Timestamp) {
    if description.form == .grpc {
      monitors[slot].external.current.count((200...299).contains(status))
    } else {
      count(status: status, slot, &random, at: now)
    }
  }

  /// What happened to an attempt at the endpoint in `slot`; with the HTTP status that its caller is given, if one is known, which
  /// counts where origins are not told apart.
  public mutating func report(
    _ result: OutlierResult, status: Int16? = nil, slot: Int32, _ random: inout RandomStream, at now: Timestamp
  ) {
    if description.form == .grpc {
      if result != .localOriginConnectSucceeded {
        monitors[slot].external.current.count(
          result == .externalOriginSucceeded || result == .localOriginConnectSucceededFinally)
      }
    } else if description.splitExternalLocalOriginErrors {
      reportSplit(result, slot, &random, at: now)
    } else if let code = status ?? result.status {
      count(status: code, slot, &random, at: now)
    }
  }

  private mutating func reportSplit(
    _ result: OutlierResult, _ slot: Int32, _ random: inout RandomStream, at now: Timestamp
  ) {
    switch result {
    case .localOriginConnectSucceeded, .localOriginConnectSucceededFinally:
      reportReached(slot)
    case .localOriginTimedOut, .localOriginConnectFailed:
      reportNotReached(slot, &random, at: now)
    case .externalOriginFailed:
      count(status: 503, slot, &random, at: now)
    case .externalOriginSucceeded:
      count(status: 200, slot, &random, at: now)
      reportReached(slot)
    }
  }

  private mutating func count(status: Int16, _ slot: Int32, _ random: inout RandomStream, at now: Timestamp) {
    let isFailure = (500...599).contains(status)
    let (isGatewayFailure, asksForGateway) = monitors.modify(slot) { monitor in
      monitor.external.current.count(!isFailure)
      let isGatewayFailure = (502...504).contains(status)
      monitor.consecutiveGatewayFailures = isGatewayFailure ? monitor.consecutiveGatewayFailures &+ 1 : 0
      return (isGatewayFailure, monitor.consecutiveGatewayFailures == description.consecutiveGatewayFailure)
    }
    if isGatewayFailure && asksForGateway {
      failedInARow(.consecutiveGatewayFailure, description.consecutiveGatewayFailure, slot, &random, at: now)
    }
    if !isFailure {
      monitors[slot].consecutive5xx = 0
      return
    }
    monitors[slot].consecutive5xx &+= 1
    if monitors[slot].consecutive5xx == description.consecutive5xx {
      failedInARow(.consecutive5xx, description.consecutive5xx, slot, &random, at: now)
    }
  }

  private mutating func reportReached(_ slot: Int32) {
    monitors[slot].local.current.count(true)
    monitors[slot].consecutiveLocalOriginFailures = 0
  }

  private mutating func reportNotReached(_ slot: Int32, _ random: inout RandomStream, at now: Timestamp) {
    monitors[slot].local.current.count(false)
    monitors[slot].consecutiveLocalOriginFailures &+= 1
    if monitors[slot].consecutiveLocalOriginFailures == description.consecutiveLocalOriginFailure {
      failedInARow(
        .consecutiveLocalOriginFailure, description.consecutiveLocalOriginFailure, slot, &random, at: now)
    }
  }

  private mutating func failedInARow(
    _ rule: OutlierRule, _ threshold: UInt32, _ slot: Int32, _ random: inout RandomStream, at now: Timestamp
  ) {
    // Who is out is not counted again: the counter goes on, and passes the threshold until the return clears it.
    if monitors[slot].isEjected { return }
    eject(slot, OutlierCause(rule, value: Float(threshold), threshold: Float(threshold)), &random, at: now)
    switch rule {
    case .consecutive5xx: monitors[slot].consecutive5xx = 0
    case .consecutiveGatewayFailure: monitors[slot].consecutiveGatewayFailures = 0
    default: monitors[slot].consecutiveLocalOriginFailures = 0
    }
  }

  // MARK: - Ejections

  /// Asks for an ejection: within the bound, and by chance where the rule is not always enforced.
  mutating func eject(_ slot: Int32, _ cause: OutlierCause, _ random: inout RandomStream, at now: Timestamp) {
    counts.detected[Int(cause.rule.rawValue)] += 1
    let share = 100 * Double(active + 1) / Double(max(1, members.count))
    if share > min(100, description.maxEjectionPercent) && !(description.alwaysEjectOneHost && active == 0) {
      counts.overflow += 1
      return
    }
    if cause.rule == .consecutive5xx || cause.rule == .successRate { counts.total += 1 }
    if !isEnforced(cause.rule, &random) { return }
    carryOut(slot, cause, at: now) { description in
      // One number is drawn even where there is no jitter.
      let most = max(0, description.maxEjectionTimeJitter.nanoseconds / 1_000_000)
      return .milliseconds(Int64(random.modulo(Int(most) + 1)))
    }
  }

  /// Puts an endpoint out.
  mutating func carryOut(
    _ slot: Int32, _ cause: OutlierCause, at now: Timestamp, jitter: (OutlierDetectionDescription) -> TimeSpan
  ) {
    active += 1
    counts.enforced[Int(cause.rule.rawValue)] += 1
    let drawn = jitter(description)
    let span = monitors.modify(slot) { monitor in
      monitor.isEjected = true
      monitor.ejections &+= 1
      monitor.ejectedAt = now
      monitor.jitter = drawn
      if description.mayGrow(backoff: monitor.backoff) { monitor.backoff += 1 }
      return description.ejectionTime(backoff: monitor.backoff, jitter: drawn)
    }
    let sweep = description.sweepOfReturn(ejectedAt: now, for: span)
    decisions.append(.ejected(slot: slot, cause, returnsAfter: sweep - now))
  }

  private func isEnforced(_ rule: OutlierRule, _ random: inout RandomStream) -> Bool {
    let percent: Double
    switch rule {
    case .consecutive5xx: percent = description.enforcingConsecutive5xx
    case .consecutiveGatewayFailure: percent = description.enforcingConsecutiveGatewayFailure
    case .consecutiveLocalOriginFailure: percent = description.enforcingConsecutiveLocalOriginFailure
    case .successRate: percent = description.enforcingSuccessRate
    case .successRateLocalOrigin: percent = description.enforcingLocalOriginSuccessRate
    case .failurePercentage: percent = description.enforcingFailurePercentage
    case .failurePercentageLocalOrigin: percent = description.enforcingFailurePercentageLocalOrigin
    }
    // No number is drawn where there is nothing to decide.
    if percent <= 0 { return false }
    if percent >= 100 { return true }
    return Double(random.modulo(100)) < percent
  }

  /// The endpoint in `slot` passed an active health check: whoever is out returns at once, if the settings say so.
  public mutating func healthCheckPassed(slot: Int32, at now: Timestamp) {
    if !description.successfulActiveHealthCheckUnejectHost || !isEjected(slot: slot) { return }
    readmit(slot, isByHealthCheck: true, at: now)
  }

  /// Lets an endpoint in again, with nothing held against it but how often it was out.
  mutating func readmit(_ slot: Int32, isByHealthCheck: Bool, at now: Timestamp) {
    active -= 1
    let ejectedAt = monitors.modify(slot) { monitor in
      monitor.isEjected = false
      monitor.consecutive5xx = 0
      monitor.consecutiveGatewayFailures = 0
      monitor.consecutiveLocalOriginFailures = 0
      monitor.returnedAt = now
      return monitor.ejectedAt
    }
    decisions.append(.returned(slot: slot, after: now - ejectedAt, isByHealthCheck: isByHealthCheck))
  }
}
