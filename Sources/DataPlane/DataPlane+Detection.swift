// What fault detection makes of answers: penalties, probes and the notices that people read.

import FaultDetection
import MeshCore

extension DataPlane {
  /// Feeds one answer to failure accrual; sets the penalty's timer when it trips.
  mutating func classified(
    cluster: Int, slot: Int32, isFailure: Bool, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    // Who has left is not judged any more.
    if !clusters[cluster].endpoints.states[slot].isListed { return }
    let verdict = clusters[cluster].classified(slot: slot, isFailure: isFailure, &detectionRandom, at: now)
    defer { reportPanic(cluster: cluster, into: &actions) }
    switch verdict {
    case .none, .probation:
      return
    case .tripped(let until, let penalty, let failures), .probeFailed(let until, let penalty, let failures):
      let state = clusters[cluster].endpoints.states[slot]
      clusters[cluster].accruals[slot].timer = setTimer(
        .penalty, Int32(truncatingIfNeeded: cluster), slot: slot, incarnation: state.incarnation, deadline: until,
        into: &actions)
      let kind: DetectionNotice.Kind = if case .tripped = verdict { .ejected } else { .probeFailed }
      report(
        kind, Int32(truncatingIfNeeded: cluster), state.identity, failures: failures, penalty: penalty, into: &actions)
    case .reopened:
      let identity = clusters[cluster].endpoints.states[slot].identity
      report(.returned, Int32(truncatingIfNeeded: cluster), identity, failures: 0, penalty: .zero, into: &actions)
    }
  }

  /// A penalty's timer is due.
  mutating func penaltyElapsed(_ record: TimerRecord, at now: Timestamp, into actions: inout ActionBuffer) {
    let cluster = Int(record.subject)
    let state = clusters[cluster].endpoints.states[record.slot]
    if state.incarnation != record.incarnation { return }
    clusters[cluster].accruals[record.slot].timer = .none
    if clusters[cluster].penaltyElapsed(slot: record.slot, at: now) {
      report(.probation, record.subject, state.identity, failures: 0, penalty: .zero, into: &actions)
    }
    reportPanic(cluster: cluster, into: &actions)
  }

  /// Says when a cluster begins or ends to panic.
  func reportPanic(cluster: Int, into actions: inout ActionBuffer) {
    guard let isInPanic = clusters[cluster].takePanicChange() else { return }
    report(
      isInPanic ? .panicBegan : .panicEnded, Int32(truncatingIfNeeded: cluster), EndpointIdentity(-1), failures: 0,
      penalty: .zero, into: &actions)
  }

  /// Endpoints that discovery no longer lists need no penalty any more.
  mutating func dropPenaltiesOfTheGone(cluster: Int, into actions: inout ActionBuffer) {
    if !clusters[cluster].detects { return }
    for slot in 0..<clusters[cluster].endpoints.states.count {
      let state = clusters[cluster].endpoints.states[slot]
      let timer = clusters[cluster].accruals[slot].timer
      // Another one may have taken the slot at once.
      let isAnothers = timer.index >= 0 && timers[timer.index].incarnation != state.incarnation
      if timer.index >= 0 && (isAnothers || !state.isListed) {
        clusters[cluster].accruals[slot].timer = .none
        drop(timer, into: &actions)
      }
      if !state.isListed { clusters[cluster].pardon(slot: Int32(slot)) }
    }
  }

  private func report(
    _ kind: DetectionNotice.Kind, _ cluster: Int32, _ endpoint: EndpointIdentity, failures: UInt32, penalty: TimeSpan,
    into actions: inout ActionBuffer
  ) {
    actions.append(
      .report(
        DetectionNotice(kind: kind, cluster: cluster, endpoint: endpoint, failures: failures, penalty: penalty)))
  }
}
