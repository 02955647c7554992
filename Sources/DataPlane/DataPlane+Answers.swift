// Answers that come in parts: what a world of sockets says that the lab has no need of.
//
// Whether an answer is handed on or tried again is decided when its status is known; how long its attempt is in flight, and what detectors
// and balancers hear of it, when its last part has come. So `answerBegan` leads to the response, and the attempt goes on by itself until
// `attemptAnswered` or `attemptFailed`, with what is left of the route's timeout. A status that may be tried again is taken for the
// whole answer at once: if another try follows, nobody reads the rest of it (Envoy, router.cc: onUpstreamHeaders).
//
// Status 101 makes a tunnel of the connection (RFC 9110, 15.2.2): it is in flight until either side ends it, and no timeout counts.

import LoadBalancing
import MeshCore
import TrafficSplitting

extension DataPlane {
  /// An endpoint's answer has begun.
  mutating func answerBegan(
    _ attempt: AttemptHandle, status: Int16, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !requests.contains(attempt) { return }
    let pursuit = requests[attempt.index].pursuit
    let isTunnel = status == Self.switchingProtocols
    if pursuit == RequestRecord.alone {
      if isTunnel { dropTimer(ofAttempt: attempt.index, into: &actions) }
      let caller = requests.modify(attempt.index) { request in
        request.pursuit = RequestRecord.answering
        return request.caller
      }
      openCopies += 1
      actions.append(.respond(caller, attempt: attempt, status: status, cause: .endpoint))
    } else if pursuit >= 0 {
      if !isSettled(pursuit, status: status) {
        attemptAnswered(attempt, status: status, at: now, into: &actions)
        return
      }
      let deadline = pursuits[pursuit].deadlines.route
      tryEnded(attempt, .answered, status, .endpoint, nil, isWhole: false, at: now, into: &actions)
      if deadline < PursuitDeadlines.never && !isTunnel {
        requests[attempt.index].timer = setTimer(.attemptTimeout, attempt.index, deadline: deadline, into: &actions)
      }
    }
  }

  /// The status that makes a tunnel of a connection.
  static var switchingProtocols: Int16 { 101 }

  private mutating func dropTimer(ofAttempt attempt: Int32, into actions: inout ActionBuffer) {
    let timer = requests.modify(attempt) { request in
      defer { request.timer = .none }
      return request.timer
    }
    if timer.index >= 0 { drop(timer, into: &actions) }
  }

  /// Whether a status ends a request whatever its retries and hedges allow.
  private func isSettled(_ pursuit: Int32, status: Int16) -> Bool {
    let plan = routes[pursuits[pursuit].arrival.route].retry
    if retries.isRetriable(plan, status: status, grpcStatus: grpcStatus) { return false }
    return retries.plans[plan].hedge < 0 ? true : SuccessRule.isSuccess(status: status)
  }

  /// A try's answer goes on by itself.
  mutating func detachTry(_ attempt: Int32) {
    let pursuit = requests.modify(attempt) { request in
      defer { request.pursuit = RequestRecord.answering }
      return request.pursuit
    }
    openCopies += 1
    leave(pursuit, attempt)
  }

  /// Too much of a request has gone by to be kept, so it cannot be sent another time.
  mutating func retriesEnded(_ request: RequestHandle) {
    guard let pursuit = pursuit(named: request) else { return }
    pursuits[pursuit].isFinal = true
  }
}
