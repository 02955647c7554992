// Requests that wait for an endpoint: Linkerd's queue before a balancer (`FailFastQueue`).
//
// Only who finds nobody comes here. A request that waits has no attempt and no retries yet: it is kept as it arrived, in the order of
// arrival, and goes the common way once its cluster has somebody. Its route's timeout runs meanwhile.

import FaultDetection
import LoadBalancing
import MeshCore

/// A request that waits.
struct QueuedRequest: BitwiseCopyable {
  var arrival: RequestArrival
  /// The cluster or the aggregate that it is for, and the cluster that it waits at.
  var destination: Int32
  var cluster: Int32
  /// What has let it through.
  var passage: GatePassage
  /// The route's timeout, and when it is over.
  var timer: TimerHandle = .none
  var deadline: Timestamp
  /// Its neighbours in the queue, or -1.
  var next: Int32 = -1
  var previous: Int32 = -1
}

/// A cluster's queue.
struct RequestQueue: BitwiseCopyable {
  var machine: FailFastQueue
  var first: Int32 = -1
  var last: Int32 = -1
  /// The timer of failing fast, or none.
  var timer: TimerHandle = .none
}

extension DataPlane {
  /// What sets the handle of a request that waits apart from others.
  static var queuedBit: Int32 { 1 << 29 }

  /// A request has found nobody to serve it: it waits where it may, or is refused.
  @inline(never)
  mutating func foundNobody(
    _ arrival: RequestArrival, _ plan: RoutePlan, _ passage: GatePassage = GatePassage(), toward destination: Int32,
    cluster: Int32, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if cluster >= 0 && clusters[Int(cluster)].failsFast {
      hearOfChoiceInVain(cluster: Int(cluster), at: now, into: &actions)
    }
    // Who is to go to one endpoint or nowhere waits for no other.
    let mayWait = cluster >= 0 && arrival.override.number < 0 && clusters[Int(cluster)].queue != nil
    let admission = mayWait ? clusters[Int(cluster)].queue?.machine.admit() ?? .shed : .shed
    if admission == .shed {
      let isNowhere = destination == Self.nowhere && plan.rule >= 0
      refuse(
        arrival.caller, passage, status: isNowhere ? statusOfNowhere(arrival.route) : 503,
        isNowhere ? .noBackend : .noEndpoint, at: now, into: &actions)
      return
    }
    let isLimited = plan.timeout.nanoseconds > 0
    let request = queued.insert(
      QueuedRequest(
        arrival: arrival, destination: destination, cluster: cluster, passage: passage,
        deadline: isLimited ? now + plan.timeout : Timestamp(nanoseconds: .max)))
    actions.append(
      .hold(
        arrival.caller, request: SlotHandle(index: request.index | Self.queuedBit, generation: request.generation),
        .endpoint))
    if isLimited {
      queued[request.index].timer = setTimer(
        .queuedTimeout, request.index, deadline: now + plan.timeout, into: &actions)
    }
    join(request.index, Int(cluster))
    if admission == .waitsFirst { startFailFastTimer(Int(cluster), at: now, into: &actions) }
  }

  /// Sends those that wait, as far as a cluster has somebody to serve them.
  @inline(never)
  mutating func releaseQueue(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    guard let queue = clusters[cluster].queue, queue.machine.state != .ready else { return }
    if clusters[cluster].endpoints.availableCount == 0 { return }
    clusters[cluster].queue?.machine.becameReady()
    clusters[cluster].queue?.timer = .none
    if queue.timer.index >= 0 { drop(queue.timer, into: &actions) }
    while let first = clusters[cluster].queue?.first, first >= 0 {
      let request = queued[first]
      let arrival = request.arrival
      var draws = arrival.randomness.stream(for: .balancer, 1)
      let context = PickContext(key: arrival.key, hasKey: arrival.hasKey)
      let slot = clusters[cluster].begin(context, route: arrival.route, &draws, at: now)
      if slot < 0 {
        clusters[cluster].queue?.machine.findsNobody()
        startFailFastTimer(cluster, at: now, into: &actions)
        return
      }
      leave(first, into: &actions)
      let left = request.timer.index >= 0 ? request.deadline - now : .zero
      send(
        arrival, routes[arrival.route], request.passage, toward: request.destination, cluster: request.cluster,
        slot: slot, timeout: left, at: now, into: &actions)
    }
  }

  /// Sends a request that has waited, and that its cluster has counted in. What is left of its route's timeout goes on.
  private mutating func send(
    _ arrival: RequestArrival, _ plan: RoutePlan, _ passage: GatePassage, toward destination: Int32, cluster: Int32,
    slot: Int32, timeout: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if plan.retry >= 0 {
      beginTries(
        arrival, plan, passage, toward: destination, cluster: cluster, slot: slot, timeout: timeout, at: now,
        into: &actions)
      return
    }
    actions.reserve(2)
    let request = record(arrival.caller, cluster, slot: slot, pursuit: RequestRecord.alone, at: now)
    limit(request, to: timeout, at: now, into: &actions)
    start(request, arrival.caller, cluster, slot: slot, .first, number: 1, into: &actions)
    if clusters[Int(cluster)].readRepairChance > 0 {
      copyToOthers(arrival, plan.timeout, cluster, slot: slot, at: now, into: &actions)
    }
    if clusters[Int(cluster)].hasWishes { grantWishes(cluster: Int(cluster), at: now, into: &actions) }
  }

  /// A queue has waited for long enough: all who are in it fail.
  mutating func failFast(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    clusters[cluster].queue?.timer = .none
    while let first = clusters[cluster].queue?.first, first >= 0 {
      let (caller, passage) = queued.modify(first) { ($0.arrival.caller, $0.passage) }
      leave(first, into: &actions)
      refuse(caller, passage, status: 504, .noEndpoint, at: now, into: &actions)
    }
    clusters[cluster].queue?.machine.timeoutElapsed()
  }

  /// The route's timeout of one that waits is over.
  mutating func queuedTimedOut(_ request: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    queued[request].timer = .none
    let (caller, passage) = queued.modify(request) { ($0.arrival.caller, $0.passage) }
    leave(request, into: &actions)
    refuse(caller, passage, status: 504, .routeTimeout, at: now, into: &actions)
  }

  /// Nobody wants the answer of one that waits any more. Returns whether it is one.
  mutating func abandonQueued(_ request: RequestHandle, into actions: inout ActionBuffer) -> Bool {
    if request.index < 0 || request.index & Self.queuedBit == 0 { return false }
    let handle = SlotHandle(index: request.index & ~Self.queuedBit, generation: request.generation)
    if queued.contains(handle) {
      let passage = queued[handle.index].passage
      if passage.gate >= 0 { gates.forgotten(passage) }
      leave(handle.index, into: &actions)
    }
    return true
  }

  /// Answers a request that has had no attempt.
  private mutating func refuse(
    _ caller: CallerToken, _ passage: GatePassage, status: Int16, _ cause: ResponseCause, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    if passage.gate >= 0 { gates.ended(passage, status: status, cause, at: now) }
    actions.append(.respond(caller, attempt: .none, status: status, cause: cause))
  }

  private mutating func startFailFastTimer(_ cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    guard let timeout = clusters[cluster].queue?.machine.timeout else { return }
    let timer = setTimer(.failFast, Int32(truncatingIfNeeded: cluster), deadline: now + timeout, into: &actions)
    clusters[cluster].queue?.timer = timer
  }

  private mutating func join(_ request: Int32, _ cluster: Int) {
    let last = clusters[cluster].queue?.last ?? -1
    queued[request].previous = last
    if last >= 0 { queued[last].next = request } else { clusters[cluster].queue?.first = request }
    clusters[cluster].queue?.last = request
  }

  private mutating func leave(_ request: Int32, into actions: inout ActionBuffer) {
    let record = queued[request]
    let cluster = Int(record.cluster)
    queued.remove(at: request)
    if record.previous >= 0 {
      queued[record.previous].next = record.next
    } else {
      clusters[cluster].queue?.first = record.next
    }
    if record.next >= 0 {
      queued[record.next].previous = record.previous
    } else {
      clusters[cluster].queue?.last = record.previous
    }
    clusters[cluster].queue?.machine.left()
    if record.timer.index >= 0 { drop(record.timer, into: &actions) }
  }
}
