// Requests of routes that something stands before: held up, refused, or let through to the balancer.
//
// A delay that a fault injects ends before the route's timeout begins, as in Envoy, whose router stands behind the filter. A refusal
// is the proxy's own answer: no endpoint hears of it, and nobody tries it again.

import MeshCore
import TrafficSplitting

extension DataPlane {
  /// Notes headers that requests carry; they name them by the number that is returned (`RequestArrival.headers`).
  public mutating func know(headers: [HeaderField]) -> Int32 {
    splitRules.know(headers)
    return gates.know(headers)
  }

  /// Takes requests that name no headers to carry these.
  public mutating func assume(headers: [HeaderField]) {
    splitRules.assume(headers)
    gates.assume(headers)
  }

  /// The limit of requests in flight that adaptive concurrency has found for a route, if it limits any.
  public func concurrencyLimit(ofRoute route: Int32) -> UInt32? { gates.concurrencyLimit(ofRoute: route) }

  /// Requests that suffer a delay, and those in flight as limits count them.
  public var gateAccounts: (faults: Int, inFlight: Int) { gates.accounts }

  /// A request has come to a route's gates.
  mutating func knock(
    _ pursuit: Int32, _ gate: Int32, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let arrival = pursuits[pursuit].arrival
    var passage = GatePassage(gate: gate)
    let delay = gates.delay(&passage, arrival)
    pursuits[pursuit].passage = passage
    if delay <= .zero {
      letIn(pursuit, wasDelayed: false, at: now, into: &actions)
      return
    }
    pursuits.modify(pursuit) { pursuit in
      pursuit.deadlines.pause = now + delay
      pursuit.isHeldUp = true
    }
    awaitDeadlines(of: pursuit, into: &actions)
    actions.append(.hold(arrival.caller, request: requestHandle(ofPursuit: pursuit), .faultDelay))
  }

  /// An injected delay is over.
  mutating func faultDelayEnded(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    pursuits[pursuit].isHeldUp = false
    gates.delayEnded(&pursuits[pursuit].passage)
    letIn(pursuit, wasDelayed: true, at: now, into: &actions)
  }

  private mutating func letIn(_ pursuit: Int32, wasDelayed: Bool, at now: Timestamp, into actions: inout ActionBuffer) {
    let arrival = pursuits[pursuit].arrival
    let refusal = gates.refusal(&pursuits[pursuit].passage, arrival, wasDelayed: wasDelayed, at: now)
    if let refusal {
      conclude(pursuit, .none, status: refusal.status, refusal.cause, at: now, into: &actions)
      return
    }
    launch(arrival, waiting: pursuit, at: now, into: &actions)
  }
}
