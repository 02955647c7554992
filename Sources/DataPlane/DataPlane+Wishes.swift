// What balancers ask for beside requests: probes of endpoints, and to be woken at some time.
//
// A policy cannot act: it is asked for its wishes after each call, and the data plane turns them into actions and timers. A
// probe ends with an answer, a failure or its own timeout, whichever comes first.

import LoadBalancing
import MeshCore

/// A probe under way.
struct ProbeRecord: BitwiseCopyable {
  var cluster: Int32
  /// Whose balancer asked, or `heartbeatGroup`, `healthGroup` or `trialGroup`.
  var group: Int32
  var slot: Int32
  /// Whose slot that was when it began.
  var incarnation: UInt32
  /// Its timeout.
  var timer: TimerHandle
}

extension DataPlane {
  /// Probes that have no answer yet, and how many of them a timer will end if nothing else does.
  public var probeAccounts: (open: Int, timed: Int) {
    var timed = 0
    for index in 0..<Int32(truncatingIfNeeded: probes.slotCount) where probes.isOccupied(index) {
      timed += timers.contains(probes[index].timer) ? 1 : 0
    }
    return (probes.occupiedCount, timed)
  }

  /// Does what a cluster's balancers ask for.
  @inline(never)
  mutating func grantWishes(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    if !clusters[cluster].hasWishes { return }
    for group in 0..<clusters[cluster].groups.count {
      while let wish = clusters[cluster].nextWish(group: group, at: now) {
        switch wish {
        case .probe(let slot, let timeout):
          startProbe(cluster: cluster, group: group, slot: slot, timeout: timeout, at: now, into: &actions)
        case .wake(let time):
          let former = clusters[cluster].groups[group].wakeTimer
          if former.index >= 0 { drop(former, into: &actions) }
          clusters[cluster].groups[group].wakeTimer = setTimer(
            .balancer, Int32(truncatingIfNeeded: cluster), slot: Int32(truncatingIfNeeded: group),
            deadline: time < now ? now : time, into: &actions)
        }
      }
    }
  }

  mutating func startProbe(
    cluster: Int, group: Int, slot: Int32, timeout: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let state = clusters[cluster].endpoints.states[slot]
    let probe = probes.insert(
      ProbeRecord(
        cluster: Int32(truncatingIfNeeded: cluster), group: Int32(truncatingIfNeeded: group), slot: slot,
        incarnation: state.incarnation, timer: .none))
    if timeout.nanoseconds > 0 {
      probes[probe.index].timer = setTimer(.probe, probe.index, slot: slot, deadline: now + timeout, into: &actions)
    }
    actions.append(
      .startProbe(
        ProbeStart(
          probe: probe, cluster: Int32(truncatingIfNeeded: cluster), endpoint: state.identity, kind: .load)))
  }

  /// A probe is over.
  mutating func probeEnded(
    _ probe: ProbeHandle, _ report: LoadReport?, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !probes.contains(probe) { return }
    let record = probes[probe.index]
    probes.remove(at: probe.index)
    if record.timer.index >= 0 { drop(record.timer, into: &actions) }
    let cluster = Int(record.cluster)
    // Another endpoint may have the slot by now: the answer is not its.
    let state = clusters[cluster].endpoints.states[record.slot]
    if state.incarnation == record.incarnation && state.isListed {
      if record.group != Self.heartbeatGroup {
        clusters[cluster].probed(slot: record.slot, report, group: Int(record.group), at: now)
      } else if report != nil {
        heard(cluster: cluster, slot: record.slot, at: now, into: &actions)
      }
    }
    grantWishes(cluster: cluster, at: now, into: &actions)
  }

  /// A probe broke.
  mutating func probeFailed(
    _ probe: ProbeHandle, _ failure: TransportFailure, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !probes.contains(probe) { return }
    switch probes[probe.index].group {
    case Self.healthGroup:
      healthCheckEnded(probe, failure == .reset ? .reset : .refused, at: now, into: &actions)
    case Self.trialGroup:
      connectionTrialEnded(probe, failure, at: now, into: &actions)
    default:
      probeEnded(probe, nil, at: now, into: &actions)
    }
  }

  /// A probe has taken too long.
  mutating func probeTimedOut(_ index: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    let probe = probes.handle(at: index)
    probes[index].timer = .none
    actions.append(.cancelProbe(probe))
    switch probes[index].group {
    case Self.healthGroup: healthCheckEnded(probe, .timedOut, at: now, into: &actions)
    case Self.trialGroup: connectionTrialEnded(probe, .connectTimeout, at: now, into: &actions)
    default: probeEnded(probe, nil, at: now, into: &actions)
    }
  }

  /// Nobody waits any more for a probe that is under way.
  mutating func giveUp(_ probe: ProbeHandle, into actions: inout ActionBuffer) {
    let timer = probes[probe.index].timer
    probes.remove(at: probe.index)
    if timer.index >= 0 { drop(timer, into: &actions) }
    actions.append(.cancelProbe(probe))
  }

  /// A balancer had asked to be woken now.
  mutating func balancerDue(cluster: Int, group: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    clusters[cluster].woken(group: group, at: now)
    grantWishes(cluster: cluster, at: now, into: &actions)
  }

  /// An answer says how busy its server is.
  mutating func loadReported(
    _ attempt: AttemptHandle, _ report: LoadReport, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !requests.contains(attempt) { return }
    let (cluster, slot) = (Int(requests[attempt.index].cluster), requests[attempt.index].slot)
    clusters[cluster].reported(slot: slot, report, at: now)
    if clusters[cluster].hasWishes { grantWishes(cluster: cluster, at: now, into: &actions) }
  }
}
