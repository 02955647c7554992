// Tries beside tries: when another one joins those under way, and what one of several endings means.
//
// A try that is waited for too long is joined by another one, chosen as if the request were new; the first success is the answer, and
// the others are given up. A failure waits for the others (Finagle), unless it is of a kind that ends it all (gRPC). In Envoy it is
// the timeout of a try that another one follows, as a retry with all that belongs to one, and the slow try goes on. A failure
// that would be tried again is no answer there while others are under way or in a pause, any other answer is one.
// (finagle-core, BackupRequestFilter.scala; gRFC A6; envoy, source/common/router/router.cc)

import LoadBalancing
import MeshCore
import TrafficSplitting

/// What the end of one of several tries means.
enum HedgedEnding {
  /// The rules of retries decide.
  case retryOrAnswer
  /// The request has its answer.
  case answer
  /// It is no answer yet.
  case waitForOthers
}

extension DataPlane {
  /// Notes when the next hedge is due, if one may follow.
  @inline(__always)
  mutating func awaitHedge(_ pursuit: Int32, _ hedge: Int, at now: Timestamp) {
    pursuits[pursuit].deadlines.hedge = PursuitDeadlines.never
    if pursuits[pursuit].triesAtOnce >= retries.hedges[hedge].mostTries { return }
    guard let delay = retries.hedges[hedge].delay(at: now) else { return }
    pursuits[pursuit].deadlines.hedge = now + delay
  }

  /// The tries under way have been waited for long enough.
  mutating func hedgeDue(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    pursuits[pursuit].deadlines.hedge = PursuitDeadlines.never
    _ = sendHedge(pursuit, at: now, into: &actions)
  }

  /// Sends one more try, if the budget allows it and anybody may be chosen. Returns whether it was sent.
  private mutating func sendHedge(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) -> Bool {
    let plan = routes[pursuits[pursuit].arrival.route].retry
    if pursuits[pursuit].isFinal || !pursuits[pursuit].tries.hasRoom || !retries.mayHedge(plan, at: now) {
      return false
    }
    pursuits[pursuit].hedges += 1
    let number = UInt64(truncatingIfNeeded: pursuits[pursuit].hedges)
    let (cluster, slot) = beginAgain(pursuit, stream: 1 << 32 | number, at: now)
    if slot < 0 { return false }
    startTry(pursuit, cluster, slot: slot, .hedge, at: now, into: &actions)
    if clusters[Int(cluster)].hasWishes { grantWishes(cluster: Int(cluster), at: now, into: &actions) }
    return true
  }

  /// What the end of a try of a hedged request means.
  mutating func afterHedgedTry(
    _ pursuit: Int32, _ plan: Int32, _ ending: AttemptEnding, status: Int16, isRetriable: Bool, wasOverdue: Bool,
    at now: Timestamp, into actions: inout ActionBuffer
  ) -> HedgedEnding {
    let others = hasOthers(pursuit)
    if retries.plans[plan].keepsSlowTries {
      if !wasOverdue { return .retryOrAnswer }
      return others && (isRetriable || ending == .broken) ? .waitForOthers : .answer
    }
    if ending == .answered && SuccessRule.isSuccess(status: status) { return .answer }
    let hedge = Int(retries.plans[plan].hedge)
    if ending == .answered && !retries.hedges[hedge].isNonFatal(status: status) { return .answer }
    // gRPC does not wait for the delay when a try has failed.
    let mayFollow = pursuits[pursuit].triesAtOnce < retries.hedges[hedge].mostTries
    if retries.hedges[hedge].nonFatalStatuses != nil && mayFollow && sendHedge(pursuit, at: now, into: &actions) {
      return .waitForOthers
    }
    return others ? .waitForOthers : .retryOrAnswer
  }

  /// A try's own time is over. Returns whether it goes on all the same, and its retry is on the way if there may be one.
  mutating func goesOnOverdue(_ attempt: Int32, at now: Timestamp, into actions: inout ActionBuffer) -> Bool {
    let (pursuit, cluster) = requests.modify(attempt) { ($0.pursuit, $0.cluster) }
    let plan = routes[pursuits[pursuit].arrival.route].retry
    if !retries.plans[plan].keepsSlowTries { return false }
    pursuits[pursuit].tries.setOverdue(attempt)
    if clusters[Int(cluster)].detects {
      // Envoy counts it as a timeout now, and whatever it is answered later not at all.
      let (slot, sent) = requests.modify(attempt) { ($0.slot, $0.sent) }
      let outcome = AttemptOutcome(latency: now - sent, status: 504, ending: .timedOut)
      detect(cluster: Int(cluster), slot: slot, outcome, nil, at: now, into: &actions)
    }
    // One pause at a time, and a retry that has no room is none.
    let isPausing = pursuits[pursuit].deadlines.pause < PursuitDeadlines.never
    if isPausing || !pursuits[pursuit].tries.hasRoom { return true }
    leaveRoom(pursuit)
    if mayRetry(pursuit, plan, cluster: cluster, after: .timedOut, at: now, into: &actions) {
      keep(pursuit, status: 504, .routeTimeout)
      pauseBeforeRetry(pursuit, plan, cluster: cluster, at: now, into: &actions)
    }
    return true
  }
}
