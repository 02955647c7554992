// What fault detection makes of answers: penalties, probes and the notices that people read.
//
// `detect` is where every detector of a cluster hears how an attempt ended; a cluster without any never comes here.

import FaultDetection
import LoadBalancing
import MeshCore

extension DataPlane {
  /// Tells each of a cluster's detectors how an attempt ended.
  @inline(never)
  mutating func detect(
    cluster: Int, slot: Int32, _ outcome: AttemptOutcome, _ failure: TransportFailure?, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    if clusters[cluster].takeFirstTraffic() && !clusters[cluster].detects { return }
    // Who has left is not judged any more.
    if !clusters[cluster].endpoints.states[slot].isListed { return }
    if clusters[cluster].failsFast, let failure, failure == .refused || failure == .connectTimeout {
      connectionFailed(cluster: cluster, slot: slot, failure, at: now, into: &actions)
    }
    if clusters[cluster].accrues {
      let answer = AccrualAnswer(status: outcome.status, isAnswered: outcome.isAnswered)
      classified(cluster: cluster, slot: slot, answer, at: now, into: &actions)
    }
    if clusters[cluster].detectsOutliers {
      judge(cluster: cluster, slot: slot, outcome, failure, at: now, into: &actions)
    }
    reportPanic(cluster: cluster, into: &actions)
    releaseQueue(cluster: cluster, at: now, into: &actions)
  }

  /// Feeds one answer to failure accrual; sets the penalty's timer when it trips.
  @inline(__always)
  private mutating func classified(
    cluster: Int, slot: Int32, _ answer: AccrualAnswer, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let verdict = clusters[cluster].classified(slot: slot, answer, &detectionRandom, at: now)
    // Most answers lead to nothing, and what follows from the others would only be in their way.
    if case .none = verdict { return }
    act(on: verdict, cluster: cluster, slot: slot, into: &actions)
  }

  @inline(never)
  private mutating func act(
    on verdict: AccrualVerdict, cluster: Int, slot: Int32, into actions: inout ActionBuffer
  ) {
    switch verdict {
    case .none:
      return
    case .probation:
      report(.probation, cluster, slot, .probeUndecided, into: &actions)
    case .tripped(let until, let penalty, let cause), .probeFailed(let until, let penalty, let cause):
      let state = clusters[cluster].endpoints.states[slot]
      clusters[cluster].penalties[slot].timer = setTimer(
        .penalty, Int32(truncatingIfNeeded: cluster), slot: slot, incarnation: state.incarnation, deadline: until,
        into: &actions)
      if case .tripped = verdict {
        report(.ejected, cluster, slot, DetectionReason(cause, penalty: penalty), into: &actions)
      } else {
        report(.probeFailed, cluster, slot, .probeFailed(penalty: penalty), into: &actions)
      }
    case .reopened:
      report(.returned, cluster, slot, .probeSucceeded, into: &actions)
    }
  }

  /// A penalty's timer is due.
  mutating func penaltyElapsed(_ record: TimerRecord, at now: Timestamp, into actions: inout ActionBuffer) {
    let cluster = Int(record.subject)
    let state = clusters[cluster].endpoints.states[record.slot]
    if state.incarnation != record.incarnation { return }
    clusters[cluster].penalties[record.slot].timer = .none
    if clusters[cluster].penaltyElapsed(slot: record.slot, at: now) {
      report(.probation, cluster, record.slot, .penaltyElapsed, into: &actions)
    }
    reportPanic(cluster: cluster, into: &actions)
    releaseQueue(cluster: cluster, at: now, into: &actions)
  }

  /// Says when a cluster begins or ends to panic.
  func reportPanic(cluster: Int, into actions: inout ActionBuffer) {
    // Nobody has been checked yet: that is no panic of which people would want to know.
    if clusters[cluster].health.isWarming { return }
    guard let isInPanic = clusters[cluster].takePanicChange() else { return }
    actions.append(
      .report(
        DetectionNotice(
          kind: isInPanic ? .panicBegan : .panicEnded, cluster: Int32(truncatingIfNeeded: cluster),
          endpoint: EndpointIdentity(-1), exclusions: [], reason: isInPanic ? .tooFewWork : .enoughWork)))
  }

  /// Endpoints that discovery no longer lists need no penalty any more.
  mutating func dropPenaltiesOfTheGone(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    if !clusters[cluster].accrues { return }
    for slot in 0..<clusters[cluster].endpoints.states.count {
      let state = clusters[cluster].endpoints.states[slot]
      let timer = clusters[cluster].penalties[slot].timer
      // Another one may have taken the slot at once.
      let isAnothers = timer.index >= 0 && timers[timer.index].incarnation != state.incarnation
      if timer.index >= 0 && (isAnothers || !state.isListed) {
        clusters[cluster].penalties[slot].timer = .none
        drop(timer, into: &actions)
      }
      if !state.isListed { clusters[cluster].pardon(slot: Int32(slot), at: now) }
    }
  }

  /// Says what happened to an endpoint.
  func report(
    _ kind: DetectionNotice.Kind, _ cluster: Int, _ slot: Int32, _ reason: DetectionReason,
    into actions: inout ActionBuffer
  ) {
    let state = clusters[cluster].endpoints.states[slot]
    actions.append(
      .report(
        DetectionNotice(
          kind: kind, cluster: Int32(truncatingIfNeeded: cluster), endpoint: state.identity,
          exclusions: clusters[cluster].exclusions(slot: slot), reason: reason)))
  }
}
