// Fail-fast at work (`ConnectFailFast`): who hears that a connection did not open, and the trials in the background.
//
// A trial opens a connection and closes it again; it takes as long as a connection may, then it has failed. The trials go on whatever
// requests do, until one succeeds or discovery takes the endpoint away.
//
// An endpoint that is alone in its cluster is never left alone: there is nobody else to go to (Finagle turns fail-fast off for
// destinations of one address; LoadBalancerFactory.scala).

import FaultDetection
import LoadBalancing
import MeshCore

/// What is known of an endpoint's connections.
struct FailFastRecord: BitwiseCopyable {
  var machine = ConnectFailFast()
  /// The wait's timer, or none.
  var timer = TimerHandle.none
  /// The trial under way, or none.
  var trial = ProbeHandle.none
  /// Whose it is.
  var incarnation: UInt32 = 0
}

/// A cluster's fail-fast; empty where it is off.
struct FailFastRecords: ~Copyable {
  let connectTimeout: TimeSpan
  /// By slot.
  var records = Pool<FailFastRecord>()
  /// Who was chosen all the same, and so failed at once, until that is told; -1 for nobody.
  var chosenInVain: Int32 = -1

  init(connectTimeout: TimeSpan) { self.connectTimeout = connectTimeout }

  /// Makes room for `count` slots.
  mutating func makeRoom(_ count: Int) {
    records.resize(to: max(records.count, count), filling: FailFastRecord())
  }
}

extension DataPlane {
  /// The group of a probe that is a trial.
  static var trialGroup: Int32 { -3 }

  /// An attempt did not get a connection.
  mutating func connectionFailed(
    cluster: Int, slot: Int32, _ failure: TransportFailure, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if clusters[cluster].endpoints.listed.count < 2 { return }
    let draw = detectionRandom.next()
    let wait = clusters[cluster].failFast.records.modify(slot) { $0.machine.connectionFailed(draw: draw) }
    guard let wait else { return }
    awaitTrial(cluster: cluster, slot: slot, wait, at: now, into: &actions)
    clusters[cluster].setDown(true, slot: slot, at: now)
    report(.ejected, cluster, slot, .connectFailed(failure, trialIn: wait), into: &actions)
  }

  private mutating func awaitTrial(
    cluster: Int, slot: Int32, _ wait: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let timer = setBackgroundTimer(
      .connectionTrial, Int32(truncatingIfNeeded: cluster), slot: slot, after: wait, at: now, into: &actions)
    clusters[cluster].failFast.records[slot].timer = timer
  }

  /// A wait is over: a connection is tried.
  mutating func connectionTrialDue(_ record: TimerRecord, at now: Timestamp, into actions: inout ActionBuffer) {
    let (cluster, slot) = (Int(record.subject), record.slot)
    clusters[cluster].failFast.records[slot].timer = .none
    let state = clusters[cluster].endpoints.states[slot]
    let probe = probes.insert(
      ProbeRecord(
        cluster: record.subject, group: Self.trialGroup, slot: slot, incarnation: state.incarnation, timer: .none))
    clusters[cluster].failFast.records[slot].trial = probe
    probes[probe.index].timer = setBackgroundTimer(
      .probe, probe.index, slot: slot, after: clusters[cluster].failFast.connectTimeout, at: now, into: &actions)
    actions.append(
      .startProbe(
        ProbeStart(probe: probe, cluster: record.subject, endpoint: state.identity, kind: .connection)))
  }

  /// A trial is over; `failure` says why it failed.
  mutating func connectionTrialEnded(
    _ probe: ProbeHandle, _ failure: TransportFailure?, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let record = probes[probe.index]
    let (cluster, slot) = (Int(record.cluster), record.slot)
    probes.remove(at: probe.index)
    if record.timer.index >= 0 { drop(record.timer, into: &actions) }
    clusters[cluster].failFast.records[slot].trial = .none
    if let failure {
      let draw = detectionRandom.next()
      let wait = clusters[cluster].failFast.records.modify(slot) { $0.machine.trialFailed(draw: draw) }
      awaitTrial(cluster: cluster, slot: slot, wait, at: now, into: &actions)
      report(.probeFailed, cluster, slot, .trialFailed(failure, trialIn: wait), into: &actions)
      return
    }
    clusters[cluster].failFast.records[slot].machine.trialSucceeded()
    clusters[cluster].setDown(false, slot: slot, at: now)
    report(.returned, cluster, slot, .connectionStands, into: &actions)
    reportPanic(cluster: cluster, into: &actions)
    releaseQueue(cluster: cluster, at: now, into: &actions)
    grantWishes(cluster: cluster, at: now, into: &actions)
  }

  /// A request was sent to an endpoint that is down, for want of a better one, and has failed at once. Failure accrual hears of it as of
  /// a connection that did not open.
  mutating func hearOfChoiceInVain(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    let slot = clusters[cluster].failFast.chosenInVain
    if slot < 0 { return }
    clusters[cluster].failFast.chosenInVain = -1
    let outcome = AttemptOutcome(latency: .zero, status: 503, ending: .broken)
    detect(cluster: cluster, slot: slot, outcome, .refused, at: now, into: &actions)
  }

  /// Who has left is tried no more, and who comes begins anew.
  mutating func followFailFast(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    for slot in 0..<Int32(truncatingIfNeeded: clusters[cluster].endpoints.states.count) {
      let state = clusters[cluster].endpoints.states[slot]
      let record = clusters[cluster].failFast.records[slot]
      if state.isListed && record.incarnation == state.incarnation { continue }
      if record.timer.index >= 0 { drop(record.timer, into: &actions) }
      if record.trial.index >= 0 { giveUp(record.trial, into: &actions) }
      clusters[cluster].failFast.records[slot] = FailFastRecord()
      clusters[cluster].failFast.records[slot].incarnation = state.isListed ? state.incarnation : 0
      if record.machine.isDown { clusters[cluster].setDown(false, slot: slot, at: now) }
    }
  }
}
