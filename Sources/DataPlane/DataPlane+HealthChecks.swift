// Active health checks at work: one timer or one probe an endpoint, and what becomes of the results.
//
// An endpoint that discovery lists is checked at once, or after its initial jitter, and again a pause after each result
// (`HealthCheck`). Who leaves is checked no more, unless the cluster keeps who still passes (Envoy without
// `ignore_health_on_host_removal`): then it leaves with its failure.
//
// Results reach balancers as ejections do, through the merge window. Until all endpoints of the first listing have had their first
// check the cluster warms: a data plane of Envoy takes no request then, so changes are told at once and begin no window. A check that
// passes ends an ejection by outlier detection too, where that is so configured.

import FaultDetection
import LoadBalancing
import MeshCore

extension DataPlane {
  /// The group of a probe that is a health check.
  static var healthGroup: Int32 { -2 }

  /// Discovery has said anew who is there: newcomers are checked, who has left is not any more.
  mutating func followHealthChecks(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    let count = clusters[cluster].endpoints.states.count
    clusters[cluster].health.records.resize(
      to: max(clusters[cluster].health.records.count, count), filling: .none)
    let isFirstListing = !clusters[cluster].health.hasBegun
    for slot in 0..<Int32(truncatingIfNeeded: count) {
      let state = clusters[cluster].endpoints.states[slot]
      let record = clusters[cluster].health.records[slot]
      if record.incarnation != 0 && (!state.isListed || record.incarnation != state.incarnation) {
        stopHealthChecks(cluster: cluster, slot: slot, into: &actions)
      }
      if !state.isListed || clusters[cluster].health.records[slot].incarnation == state.incarnation { continue }
      clusters[cluster].health.add(slot: slot, incarnation: state.incarnation, isOfFirstListing: isFirstListing)
    }
    // Only now: whoever answers at once is not to make the cluster warm before the others are counted.
    guard let description = clusters[cluster].health.description else { return }
    for place in 0..<clusters[cluster].endpoints.listed.count {
      let slot = clusters[cluster].endpoints.listed[place]
      let record = clusters[cluster].health.records[slot]
      if record.timer.index >= 0 || record.probe.index >= 0 { continue }
      let pause = description.firstPause(&detectionRandom)
      if pause > .zero {
        setHealthTimer(cluster: cluster, slot: slot, after: pause, at: now, into: &actions)
      } else {
        startHealthCheck(cluster: cluster, slot: slot, description, at: now, into: &actions)
      }
    }
  }

  private mutating func stopHealthChecks(cluster: Int, slot: Int32, into actions: inout ActionBuffer) {
    let record = clusters[cluster].health.records[slot]
    if record.timer.index >= 0 { drop(record.timer, into: &actions) }
    if record.probe.index >= 0 { giveUp(record.probe, into: &actions) }
    clusters[cluster].health.isAwaitedNoMore(slot: slot)
    clusters[cluster].health.records[slot] = .none
  }

  private mutating func setHealthTimer(
    cluster: Int, slot: Int32, after pause: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    clusters[cluster].health.records[slot].timer = setBackgroundTimer(
      .healthCheck, Int32(truncatingIfNeeded: cluster), slot: slot, after: pause, at: now, into: &actions)
  }

  mutating func setBackgroundTimer(
    _ purpose: TimerPurpose, _ subject: Int32, slot: Int32, after span: TimeSpan, at now: Timestamp,
    into actions: inout ActionBuffer
  ) -> TimerHandle {
    let timer = timers.insert(TimerRecord(purpose: purpose, subject: subject, slot: slot, incarnation: 0))
    let (deadline, isBeyond) = now.nanoseconds.addingReportingOverflow(span.nanoseconds)
    actions.append(
      .setBackgroundTimer(timer, deadline: Timestamp(nanoseconds: isBeyond ? .max : deadline)))
    return timer
  }

  /// A pause between checks is over.
  mutating func healthCheckDue(_ record: TimerRecord, at now: Timestamp, into actions: inout ActionBuffer) {
    let cluster = Int(record.subject)
    clusters[cluster].health.records[record.slot].timer = .none
    guard let description = clusters[cluster].health.description else { return }
    startHealthCheck(cluster: cluster, slot: record.slot, description, at: now, into: &actions)
  }

  private mutating func startHealthCheck(
    cluster: Int, slot: Int32, _ description: HealthCheckDescription, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    let state = clusters[cluster].endpoints.states[slot]
    let probe = probes.insert(
      ProbeRecord(
        cluster: Int32(truncatingIfNeeded: cluster), group: Self.healthGroup, slot: slot,
        incarnation: state.incarnation, timer: .none))
    clusters[cluster].health.records[slot].probe = probe
    probes[probe.index].timer = setBackgroundTimer(
      .probe, probe.index, slot: slot, after: description.timeout, at: now, into: &actions)
    let kind: ProbeKind
    switch description.question {
    case .tcp(awaitsAnswer: false): kind = .connection
    case .tcp(awaitsAnswer: true): kind = .healthAlone
    case .http, .grpc: kind = description.reusesConnection ? .health : .healthAlone
    }
    actions.append(
      .startProbe(
        ProbeStart(
          probe: probe, cluster: Int32(truncatingIfNeeded: cluster), endpoint: state.identity, kind: kind)))
  }

  /// A check got an answer.
  mutating func healthAnswered(
    _ probe: ProbeHandle, _ answer: HealthAnswer, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !probes.contains(probe) { return }
    if probes[probe.index].group == Self.trialGroup {
      connectionTrialEnded(probe, nil, at: now, into: &actions)
      return
    }
    if probes[probe.index].group != Self.healthGroup { return }
    let (cluster, slot) = (Int(probes[probe.index].cluster), probes[probe.index].slot)
    // What is no answer leaves the check to its timeout.
    guard let description = clusters[cluster].health.description, let result = description.result(answer) else {
      return
    }
    if answer.asksToBeLeft && description.form == .envoy && !result.isPassed {
      clusters[cluster].health.records[slot].machine.leaveAlone()
    }
    healthCheckEnded(probe, result, at: now, into: &actions)
  }

  /// A check is over: what is held of the endpoint may be something else now, and the next one is planned.
  mutating func healthCheckEnded(
    _ probe: ProbeHandle, _ result: HealthCheckResult, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let record = probes[probe.index]
    let (cluster, slot) = (Int(record.cluster), record.slot)
    probes.remove(at: probe.index)
    if record.timer.index >= 0 { drop(record.timer, into: &actions) }
    clusters[cluster].health.records[slot].probe = .none
    guard let description = clusters[cluster].health.description else { return }
    let transition = judge(result, description, cluster: cluster, slot: slot, at: now, into: &actions)
    if result.isPassed && clusters[cluster].detectsOutliers {
      clusters[cluster].outliers.healthCheckPassed(slot: slot, at: now)
      carryOutDecisions(cluster: cluster, at: now, into: &actions)
    }
    healthToldOf(cluster: cluster, slot: slot, at: now, into: &actions)
    // It may have had to leave.
    if clusters[cluster].health.records[slot].incarnation != record.incarnation { return }
    let pause = description.pause(
      after: result, transition, hasTraffic: clusters[cluster].hasHadTraffic, &detectionRandom)
    setHealthTimer(cluster: cluster, slot: slot, after: pause, at: now, into: &actions)
  }

  /// An answer to a request says that its endpoint wants to be left alone. Whoever checks nobody does not hear it (Envoy).
  mutating func leaveRequested(_ attempt: AttemptHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    if !requests.contains(attempt) { return }
    let (cluster, slot) = (Int(requests[attempt.index].cluster), requests[attempt.index].slot)
    guard let description = clusters[cluster].health.description, description.form == .envoy,
      clusters[cluster].health.records[slot].incarnation == clusters[cluster].endpoints.states[slot].incarnation
    else { return }
    clusters[cluster].health.records[slot].machine.leaveAlone()
    _ = judge(.toldByAnswer, description, cluster: cluster, slot: slot, at: now, into: &actions)
    healthToldOf(cluster: cluster, slot: slot, at: now, into: &actions)
  }

  /// Takes a result in, and tells balancers and people what it changes.
  private mutating func judge(
    _ result: HealthCheckResult, _ description: HealthCheckDescription, cluster: Int, slot: Int32, at now: Timestamp,
    into actions: inout ActionBuffer
  ) -> HealthTransition {
    let before = clusters[cluster].health.records[slot].machine
    let transition = clusters[cluster].health.records.modify(slot) { record in
      record.last = result
      return record.machine.ended(result, description)
    }
    let after = clusters[cluster].health.records[slot].machine
    if before.hasFailed && result.isPassed { clusters[cluster].endpoints.passedHealthCheck(slot: slot, at: now) }
    let isNews = clusters[cluster].setWatched(after.hasFailed, by: .healthCheck, slot: slot)
    let isCounted = clusters[cluster].setWatched(after.isExcluded, by: .uncounted, slot: slot)
    if isNews || isCounted { tellOfHealth(cluster: cluster, slot: slot, at: now, into: &actions) }
    clusters[cluster].health.isAwaitedNoMore(slot: slot)
    if after.hasFailed && (isNews || before.isFirst) {
      report(.unhealthy, cluster, slot, Self.reason(result, description, before, after), into: &actions)
    } else if isNews {
      report(
        .healthy, cluster, slot, before.isFirst ? .firstCheckPassed : .checksPassed(after.successes), into: &actions)
    }
    return transition
  }

  private static func reason(
    _ result: HealthCheckResult, _ description: HealthCheckDescription, _ before: HealthCheck, _ after: HealthCheck
  ) -> DetectionReason {
    if result == .toldByAnswer { return .checkFailed(result) }
    if before.isFirst && (before.hasFailed || description.form == .haproxy) { return .firstCheckFailed(result) }
    if description.form == .envoy && result.isDecisive { return .checkFailed(result) }
    return .checksFailed(after.failures, last: result)
  }

  /// What follows from a verdict.
  private mutating func healthToldOf(
    cluster: Int, slot: Int32, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let identity = clusters[cluster].endpoints.states[slot].identity
    if clusters[cluster].health.records[slot].machine.hasFailed && clusters[cluster].health.isKept(identity) {
      endpointsChanged(cluster: cluster, clusters[cluster].health.heard, at: now, into: &actions)
    }
    reportPanic(cluster: cluster, into: &actions)
    releaseQueue(cluster: cluster, at: now, into: &actions)
    grantWishes(cluster: cluster, at: now, into: &actions)
  }
}
