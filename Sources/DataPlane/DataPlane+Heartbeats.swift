// Heartbeats: endpoints that are asked at an interval, and shut out while they are silent for too long (`PhiDetector`).
//
// A question is a probe that the endpoint answers at once, whatever it has to do; every answer is a heartbeat, and a refusal is none. Requests'
// answers are not: they come as often as a balancer sends, so that who gets less traffic would look the more suspicious. Suspicion is
// looked at when the next question goes out, at multiples of the interval from time 0; a heartbeat ends it at once.

import FaultDetection
import MeshCore

extension DataPlane {
  /// The group of a probe that no balancer has asked for.
  static var heartbeatGroup: Int32 { -1 }

  /// Begins to ask the endpoints of a cluster, unless that is under way.
  mutating func startHeartbeats(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    if clusters[cluster].heartbeatTimer.index >= 0 || clusters[cluster].endpoints.listed.count == 0 { return }
    let interval = max(clusters[cluster].phi.settings.heartbeatInterval.nanoseconds, 1)
    let next = Timestamp(nanoseconds: (now.nanoseconds / interval + 1) * interval)
    let timer = setTimer(.heartbeat, Int32(truncatingIfNeeded: cluster), deadline: next, into: &actions)
    clusters[cluster].heartbeatTimer = timer
  }

  /// Looks at who is silent, and asks everybody again.
  mutating func heartbeatDue(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    clusters[cluster].heartbeatTimer = .none
    let settings = clusters[cluster].phi.settings
    // Late answers are heartbeats too; what comes after ten intervals nobody waits for.
    let timeout = TimeSpan(
      nanoseconds: settings.heartbeatInterval.nanoseconds.multipliedReportingOverflow(by: 10).partialValue)
    for place in 0..<clusters[cluster].endpoints.states.count {
      let slot = Int32(truncatingIfNeeded: place)
      if !clusters[cluster].endpoints.states[slot].isListed {
        clusters[cluster].forgetHeartbeats(slot: slot, at: now)
        continue
      }
      let phi = clusters[cluster].phi.phi(slot: slot, at: now)
      if phi >= settings.threshold && clusters[cluster].suspect(slot: slot, at: now) {
        let silence = clusters[cluster].phi.silence(slot: slot, at: now)
        report(.ejected, cluster, slot, .suspected(phi: Float(phi), silence: silence), into: &actions)
      }
      startProbe(
        cluster: cluster, group: Int(Self.heartbeatGroup), slot: slot, timeout: timeout, at: now, into: &actions)
    }
    startHeartbeats(cluster: cluster, at: now, into: &actions)
    reportPanic(cluster: cluster, into: &actions)
  }

  /// An endpoint has answered.
  mutating func heard(cluster: Int, slot: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    if clusters[cluster].heard(slot: slot, at: now) {
      report(.returned, cluster, slot, .heardAgain, into: &actions)
      reportPanic(cluster: cluster, into: &actions)
      releaseQueue(cluster: cluster, at: now, into: &actions)
    }
  }
}
