// What stands before balancers, as the world sees it: requests that are held up, answers that are handed on slowly.

import DataPlane
import MeshCore
import TrafficSplitting

extension World {
  /// Tells each data plane what the requests of its client carry.
  mutating func tellHeaders() {
    for client in 0..<Int32(clients.count) {
      let headers = description.clients[Int(client)].headers
      if headers.isEmpty { continue }
      let first = Int(clients[client].firstPlane)
      for proxy in first..<first + Int(clients[client].planeCount) {
        proxies[proxy].plane.assume(headers: headers)
      }
    }
  }

  /// A request waits inside its data plane.
  @inline(never)
  mutating func hold(_ caller: CallerToken, _ request: RequestHandle, _ reason: HoldReason) {
    let call = SlotHandle(packed: caller.value).index
    calls[call].request = request
    if reason == .faultDelay && calls[call].isOfClient && calls[call].isCounted {
      refusals[calls[call].client].faultDelayed &+= 1
    }
  }

  /// An answer comes in parts.
  @inline(never)
  mutating func respondSlowly(_ caller: CallerToken, cluster: Int32, status: Int16, rate: Int64) {
    let service = memberships.services[Int(cluster)]
    let span = FaultInjection.span(of: services[service].responseSize, at: rate)
    let answer = slowAnswers.insert(SlowAnswer(call: SlotHandle(packed: caller.value), status: status))
    _ = wheel.schedule(
      at: now.addingClamped(span.nanoseconds), .answerHandedOn, UInt64(UInt32(bitPattern: answer.index)))
  }

  /// The last part of an answer is there.
  mutating func answerHandedOn(_ index: Int32) {
    let answer = slowAnswers[index]
    slowAnswers.remove(at: index)
    if !calls.contains(answer.call) { return }
    respond(CallerToken(answer.call.packed), status: answer.status, cause: .endpoint)
    if !isWorkingOff && (actions.count > 0 || orphans.count > 0) { workOffAll() }
  }

  /// Counts what stood in a request's way. A server's refusal counts when it is the answer: a retry may have had a better one.
  @inline(never)
  mutating func countRefusal(
    _ client: Int32, _ cause: ResponseCause, _ refusal: ServerRefusal, status: Int16, _ isCounted: Bool
  ) {
    if !isCounted { return }
    if cause != .endpoint { refusals[client].count(cause) }
    if cause == .endpoint && (status == 429 || status == 503 || status == 403) { refusals[client].count(refusal) }
  }
}
