// Outlier detection at work: what attempts report to it, its sweeps, and what becomes of its decisions.
//
// What an attempt's end reports (Envoy's router): an answer its status; a route's or a try's timeout a timeout, of status 504; a connection
// that did not open, was refused or broke a failure to connect, which counts as 503. One that was given up, or that another one
// outran, says nothing, and neither does a request that no endpoint was tried for. Where failures to reach an endpoint are counted
// apart, an attempt reports that its connection stands when it does.
//
// A decision is told people when it is taken. Balancers hear of it as of any change of health: at once, or where the cluster has a
// merge window, within that window (`EndpointMerging`). Two endpoints that are ejected at one instant are two changes, so the
// second one waits for a window even where the first one does not (Envoy).
//
// Sweeps are at the multiples of the interval. Their timer is set while one has something to do, so it ends with the traffic.

import FaultDetection
import LoadBalancing
import MeshCore

extension DataPlane {
  /// Tells outlier detection how an attempt ended.
  mutating func judge(
    cluster: Int, slot: Int32, _ outcome: AttemptOutcome, _ failure: TransportFailure?, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    // Only a connection that was refused or did not open never stood; Envoy reports it before anything else.
    let hasStood = failure != .refused && failure != .connectTimeout
    if hasStood && outcome.ending != .superseded && outcome.ending != .abandoned {
      clusters[cluster].outliers.report(.localOriginConnectSucceeded, slot: slot, &detectionRandom, at: now)
    }
    switch outcome.ending {
    case .superseded, .abandoned: return
    case .answered:
      clusters[cluster].outliers.answered(status: outcome.status, slot: slot, &detectionRandom, at: now)
    case .timedOut:
      clusters[cluster].outliers.report(.localOriginTimedOut, status: 504, slot: slot, &detectionRandom, at: now)
    case .broken:
      clusters[cluster].outliers.report(.localOriginConnectFailed, slot: slot, &detectionRandom, at: now)
    }
    carryOutDecisions(cluster: cluster, at: now, into: &actions)
    if clusters[cluster].sweepTimer.index < 0 { setSweepTimer(cluster: cluster, at: now, into: &actions) }
  }

  /// A sweep is due.
  mutating func sweepDue(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    clusters[cluster].sweepTimer = .none
    let goesOn = clusters[cluster].outliers.sweep(&detectionRandom, at: now)
    carryOutDecisions(cluster: cluster, at: now, into: &actions)
    if goesOn { setSweepTimer(cluster: cluster, at: now, into: &actions) }
    reportPanic(cluster: cluster, into: &actions)
    releaseQueue(cluster: cluster, at: now, into: &actions)
    grantWishes(cluster: cluster, at: now, into: &actions)
  }

  private mutating func setSweepTimer(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    let next = clusters[cluster].outliers.description.nextSweep(after: now)
    clusters[cluster].sweepTimer = setTimer(
      .sweep, Int32(truncatingIfNeeded: cluster), deadline: next, into: &actions)
  }

  /// Does what outlier detection has decided, in order.
  mutating func carryOutDecisions(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    for place in 0..<clusters[cluster].outliers.decisions.count {
      switch clusters[cluster].outliers.decisions[place] {
      case .ejected(let slot, let cause, let span):
        setWatched(true, .outlierDetection, cluster: cluster, slot: slot, at: now, into: &actions)
        report(.ejected, cluster, slot, .outlier(returnsAfter: span, cause), into: &actions)
      case .returned(let slot, let span, let isByHealthCheck):
        setWatched(false, .outlierDetection, cluster: cluster, slot: slot, at: now, into: &actions)
        report(
          .returned, cluster, slot, isByHealthCheck ? .healthCheckPassed(after: span) : .ejectionOver(after: span),
          into: &actions)
      }
    }
    clusters[cluster].outliers.decisions.removeAll()
  }

  /// Notes that somebody keeps an endpoint out, or no longer does, and tells the balancers when they are to know.
  mutating func setWatched(
    _ isOut: Bool, _ watcher: EndpointExclusions, cluster: Int, slot: Int32, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    if !clusters[cluster].setWatched(isOut, by: watcher, slot: slot) { return }
    tellOfHealth(cluster: cluster, slot: slot, at: now, into: &actions)
  }

  /// Tells balancers of a change of an endpoint's health, when they are to know.
  mutating func tellOfHealth(cluster: Int, slot: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    if clusters[cluster].health.isWarming {
      clusters[cluster].healthChanged(at: now)
      return
    }
    let priority = clusters[cluster].endpoints.states[slot].priority
    guard let decision = clusters[cluster].merging?.takeHealth(ofPriority: priority, at: now) else {
      clusters[cluster].healthChanged(at: now)
      return
    }
    if let listing = merged(decision, cluster: cluster, into: &actions) {
      clusters[cluster].list(listing, at: now)
    }
  }
}
