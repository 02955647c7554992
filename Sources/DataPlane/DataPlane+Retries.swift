// Requests that may be tried again: what becomes of them when a try ends.
//
// The order of the questions is Envoy's (retry_state_impl.cc): the room that an earlier retry took is given back; does the failure
// count; are retries left; is there room for one more in the cluster; does the budget allow it. Then a pause, and another choice of an
// endpoint, which may be repeated while it leads to one that has failed the request before (retry_host_predicate: previous_hosts). The
// last choice stands, whoever it is: with few endpoints a retry may go where the first try went.
//
// A request without retries never comes here: it and its only attempt are one record. See `DataPlane.requestArrived`.

import LoadBalancing
import MeshCore
import TrafficSplitting

/// A request that may be tried again, or that something stands before, beside its attempts.
struct PursuitRecord: BitwiseCopyable {
  var arrival: RequestArrival
  /// What it waits for.
  var deadlines = PursuitDeadlines()
  /// Whether the pause is a fault's delay.
  var isHeldUp = false
  /// Whether it cannot be sent another time.
  var isFinal = false
  /// The tries under way.
  var tries = OpenTries()
  /// Retries begun.
  var retries: Int32 = 0
  /// Hedges begun, and tries since the last retry.
  var hedges: Int32 = 0
  var triesAtOnce: Int32 = 0
  /// The cluster in which it holds a place for a retry, or -1.
  var room: Int32 = -1
  /// The cluster or the aggregate that it is for.
  var destination: Int32 = -1
  /// What the try before led to.
  var status: Int16 = 0
  var cause = ResponseCause.noEndpoint
  /// Where it has been sent.
  var tried = AttemptedEndpoints()
  var triedPriorities = AttemptedPriorities()
  /// What has let it through.
  var passage = GatePassage()
}

extension DataPlane {
  /// What sets a pursuit's handle apart from that of a request which is its own attempt.
  private static var pursuitBit: Int32 { 1 << 30 }

  /// Begins a request that may be tried again, or that something stands before.
  @inline(never)
  mutating func pursue(
    _ arrival: RequestArrival, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let gate = gates.number(ofRoute: arrival.route)
    if gate < 0 {
      launch(arrival, at: now, into: &actions)
      return
    }
    knock(pursuits.insert(PursuitRecord(arrival: arrival)).index, gate, at: now, into: &actions)
  }

  /// Sends a request's first try, or lets it wait, or refuses it. `waiting` is its pursuit if it has one already.
  @inline(__always)
  mutating func launch(
    _ arrival: RequestArrival, waiting: Int32 = -1, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let plan = routes[arrival.route]
    let destination = destination(of: arrival, plan)
    let (cluster, slot) = begin(arrival, plan, toward: destination, at: now)
    if slot < 0 {
      let passage = waiting < 0 ? GatePassage() : pursuits[waiting].passage
      if waiting >= 0 { forgetPursuit(waiting, into: &actions) }
      foundNobody(arrival, plan, passage, toward: destination, cluster: cluster, at: now, into: &actions)
      return
    }
    beginTries(
      arrival, plan, waiting: waiting, toward: destination, cluster: cluster, slot: slot, timeout: plan.timeout,
      at: now, into: &actions)
  }

  /// Sends the first try of a request that may be tried again.
  mutating func beginTries(
    _ arrival: RequestArrival, _ plan: RoutePlan, _ passage: GatePassage = GatePassage(), waiting: Int32 = -1,
    toward destination: Int32, cluster: Int32, slot: Int32, timeout: TimeSpan, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    var pursuit = waiting
    if pursuit >= 0 {
      pursuits[pursuit].destination = destination
    } else {
      pursuit = pursuits.insert(PursuitRecord(arrival: arrival, destination: destination, passage: passage)).index
    }
    if timeout.nanoseconds > 0 {
      pursuits[pursuit].deadlines.route = now + timeout
    }
    retries.requestBegan(plan.retry, at: now)
    startTry(pursuit, cluster, slot: slot, .first, at: now, into: &actions)
    mirror(arrival, plan, at: now, into: &actions)
    if clusters[Int(cluster)].readRepairChance > 0 && arrival.override.number < 0 {
      copyToOthers(arrival, plan.timeout, cluster, slot: slot, at: now, into: &actions)
    }
    if clusters[Int(cluster)].hasWishes { grantWishes(cluster: Int(cluster), at: now, into: &actions) }
  }

  /// What the world calls a pursuit by.
  func requestHandle(ofPursuit pursuit: Int32) -> RequestHandle {
    let handle = pursuits.handle(at: pursuit)
    return SlotHandle(index: handle.index | Self.pursuitBit, generation: handle.generation)
  }

  /// Sends a try that its cluster has counted in.
  mutating func startTry(
    _ pursuit: Int32, _ cluster: Int32, slot: Int32, _ kind: AttemptKind, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    let (arrival, number) = (pursuits[pursuit].arrival, pursuits[pursuit].retries)
    let attempt = record(arrival.caller, cluster, slot: slot, pursuit: pursuit, at: now)
    openTries += 1
    let ordinal = pursuits.modify(pursuit) { pursuit in
      pursuit.passage.cluster = cluster
      pursuit.triesAtOnce = kind == .hedge ? pursuit.triesAtOnce + 1 : 1
      return kind == .hedge ? pursuit.hedges : max(number, 1)
    }
    let endpoint = clusters[Int(cluster)].endpoints.states[slot].identity
    // Only what is asked for is read: a whole plan is a long copy.
    let plan = routes[arrival.route].retry
    let perTryTimeout = retries.plans[plan].perTryTimeout
    if retries.plans[plan].hostSelectionRetries > 0 { pursuits[pursuit].tried.record(endpoint) }
    if retries.plans[plan].priorities >= 0 { recordPriority(pursuit, cluster, slot: slot) }
    // In Linkerd the last try may take as long as the route allows.
    let isLimited = profile != .linkerd || number < retries.plans[plan].attempts
    let tryEnds = isLimited && perTryTimeout > .zero ? now + perTryTimeout : PursuitDeadlines.never
    pursuits.modify(pursuit) { pursuit in
      pursuit.deadlines.tries = pursuit.tries.isEmpty ? tryEnds : min(pursuit.deadlines.tries, tryEnds)
      pursuit.tries.insert(attempt.index, isLimited: tryEnds < PursuitDeadlines.never)
    }
    actions.append(
      .startAttempt(
        AttemptStart(
          caller: arrival.caller,
          request: requestHandle(ofPursuit: pursuit), attempt: attempt, cluster: cluster,
          endpoint: endpoint, kind: kind, number: ordinal)))
    let hedge = retries.plans[plan].hedge
    if hedge >= 0 { awaitHedge(pursuit, Int(hedge), at: now) }
    awaitDeadlines(of: pursuit, into: &actions)
  }

  /// A try is over, and its cluster knows: the request is answered or tried again.
  @inline(never)
  mutating func tryEnded(
    _ attempt: AttemptHandle, _ ending: AttemptEnding, _ status: Int16, _ cause: ResponseCause,
    _ failure: TransportFailure?, isWhole: Bool = true, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let record = requests[attempt.index]
    let pursuit = record.pursuit
    let wasOverdue = pursuits[pursuit].tries.isOverdue(attempt.index)
    if routes[pursuits[pursuit].arrival.route].rule >= 0 {
      watchCanary(pursuit, attempt.index, ending, status: status, at: now)
    }
    if isWhole { forgetTry(attempt.index) } else { detachTry(attempt.index) }
    let plan = routes[pursuits[pursuit].arrival.route].retry
    leaveRoom(pursuit)
    let isRetriable = retries.heard(
      plan, ending, status: status, grpcStatus: grpcStatus, ResetKind(failure), at: now)
    if retries.plans[plan].hedge >= 0 {
      retries.recordLatency(plan, ending, status: status, now - record.sent, at: now)
      let next = afterHedgedTry(
        pursuit, plan, ending, status: status, isRetriable: isRetriable, wasOverdue: wasOverdue, at: now,
        into: &actions)
      if next == .waitForOthers {
        keep(pursuit, status: status, cause)
        return
      }
      if next == .answer {
        conclude(pursuit, attempt, status: status, cause, at: now, into: &actions)
        return
      }
    }
    let retry =
      isRetriable && !wasOverdue
      ? mayRetry(pursuit, plan, cluster: record.cluster, after: ending, at: now, into: &actions) : false
    if !retry {
      // A failure that cannot be tried again is no answer yet while others are under way (Envoy).
      let mayBeBetter = hasOthers(pursuit) && (isRetriable || ending == .broken)
      if !mayBeBetter { conclude(pursuit, attempt, status: status, cause, at: now, into: &actions) }
      return
    }
    keep(pursuit, status: status, cause)
    pauseBeforeRetry(pursuit, plan, cluster: record.cluster, at: now, into: &actions)
  }

  /// Whether a request may be tried again after a try that ended so in `cluster`; it has room there then.
  mutating func mayRetry(
    _ pursuit: Int32, _ plan: Int32, cluster: Int32, after ending: AttemptEnding, at now: Timestamp,
    into actions: inout ActionBuffer
  ) -> Bool {
    if pursuits[pursuit].isFinal { return false }
    let permission = retries.mayRetry(
      plan, retries: pursuits[pursuit].retries, cluster: cluster,
      underWay: requestsUnderWay(inCluster: cluster, ending),
      at: now)
    if permission == .noRoom { refused(.retries, cluster: Int(cluster), at: now, into: &actions) }
    return permission == .granted
  }

  /// Keeps what a try led to, for whoever needs an answer and gets no other.
  mutating func keep(_ pursuit: Int32, status: Int16, _ cause: ResponseCause) {
    pursuits.modify(pursuit) { pursuit in
      pursuit.status = status
      pursuit.cause = cause
    }
  }

  /// Tries again after a pause, which counts as a retry under way in `cluster`.
  mutating func pauseBeforeRetry(
    _ pursuit: Int32, _ plan: Int32, cluster: Int32, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    pursuits[pursuit].room = cluster
    let (key, number) = (pursuits[pursuit].arrival.randomness.key(for: .retry), pursuits[pursuit].retries)
    let draw = key.draw(UInt64(number))
    let pause =
      pauseAskedFor(plan, draw: draw)
      ?? retries.plans[plan].backoff.delay(retry: number + 1, draw: draw)
    if pause.nanoseconds <= 0 {
      tryAgain(pursuit, at: now, into: &actions)
      return
    }
    pursuits[pursuit].deadlines.pause = now + pause
    awaitDeadlines(of: pursuit, into: &actions)
  }

  /// The pause before a retry is over.
  mutating func tryAgain(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    pursuits[pursuit].retries += 1
    if profile == .linkerd {
      // Linkerd retries above the split, so a retry may go to another backend; Envoy and all others stay in their cluster.
      let (arrival, number) = pursuits.modify(pursuit) { ($0.arrival, $0.retries) }
      pursuits[pursuit].destination = destination(of: arrival, routes[arrival.route], draw: UInt64(number))
    }
    let (cluster, slot) = beginAgain(pursuit, stream: UInt64(pursuits[pursuit].retries) + 1, at: now)
    if slot < 0 {
      if cluster >= 0 && clusters[Int(cluster)].failsFast {
        hearOfChoiceInVain(cluster: Int(cluster), at: now, into: &actions)
      }
      if hasOthers(pursuit) { return }
      // Linkerd hands on what the try before was answered; Envoy has its own answer.
      let (status, cause) = pursuits.modify(pursuit) { ($0.status, $0.cause) }
      let keeps = profile == .linkerd
      conclude(
        pursuit, .none, status: keeps ? status : 503, keeps ? cause : .noEndpoint, at: now, into: &actions)
      return
    }
    startTry(pursuit, cluster, slot: slot, .retry, at: now, into: &actions)
    if clusters[Int(cluster)].hasWishes { grantWishes(cluster: Int(cluster), at: now, into: &actions) }
  }

  /// Chooses an endpoint for another try, with draws from a stream of its own. What a request names itself counts for its first try
  /// alone.
  mutating func beginAgain(
    _ pursuit: Int32, stream: UInt64, at now: Timestamp
  ) -> (cluster: Int32, slot: Int32) {
    let (arrival, tried) = pursuits.modify(pursuit) { ($0.arrival, $0.tried) }
    let plan = routes[arrival.route]
    var draws = arrival.randomness.stream(for: .balancer, stream)
    guard let (cluster, choice) = memberForRetry(pursuit, plan, &draws) else { return (-1, -1) }
    var context = PickContext(key: arrival.key, hasKey: arrival.hasKey)
    var selection = HostSelectionRetry(maximumAttempts: retries.plans[plan.retry].hostSelectionRetries)
    var slot: Int32
    var again: Bool
    repeat {
      slot = clusters[Int(cluster)].choose(context, route: arrival.route, within: choice, &draws, at: now)
      if slot < 0 { return (cluster, -1) }
      let endpoint = clusters[Int(cluster)].endpoints.states[slot].identity
      context.attempt += 1
      again = selection.again(isRejected: tried.contains(endpoint))
    } while again
    clusters[Int(cluster)].send(slot, at: now)
    return (cluster, slot)
  }

  /// The cluster that a retry goes to, and the priority if that is chosen with it: one that has not been tried, where the route says so.
  private mutating func memberForRetry(
    _ pursuit: Int32, _ plan: RoutePlan, _ draws: inout RandomStream
  ) -> (cluster: Int32, choice: PriorityChoice?)? {
    let (destination, priorities) = (pursuits[pursuit].destination, Int(retries.plans[plan.retry].priorities))
    if priorities < 0 || destination < 0 { return member(of: destination, &draws) }
    let number = draws.next()
    let aggregate = Int(destination) - clusterCount
    if aggregate < 0 {
      // Without layers there is one priority. Of several subsets to look in, the first one's priorities count.
      let layers = clusters[Int(destination)].layers
      guard let layers, let subset = layers.orders[Int(pursuits[pursuit].arrival.route)].first else {
        return (destination, nil)
      }
      let load = layers.parts[Int(subset)].load
      return (destination, retries.priorities[priorities].choose(number, &pursuits[pursuit].triedPriorities, of: load))
    }
    guard let drawn = member(ofAggregate: aggregate, number) else { return nil }
    let members = aggregates[aggregate].priorities
    if members.goesToFirst { return drawn }
    let choice = retries.priorities[priorities].choose(
      number, &pursuits[pursuit].triedPriorities, of: members.load)
    let member = members.members[Int(choice.priority)]
    return (
      Int32(truncatingIfNeeded: aggregates[aggregate].clusters[Int(member.cluster)]),
      PriorityChoice(priority: member.priority, availability: choice.availability)
    )
  }

  /// Notes the priority that a try goes to: that of the aggregate, if there is one.
  private mutating func recordPriority(_ pursuit: Int32, _ cluster: Int32, slot: Int32) {
    var priority = clusters[Int(cluster)].endpoints.states[slot].priority
    let aggregate = Int(pursuits[pursuit].destination) - clusterCount
    if aggregate >= 0 {
      let place = aggregates[aggregate].clusters.firstIndex(of: Int(cluster)) ?? 0
      let member = AggregateMember(cluster: Int32(truncatingIfNeeded: place), priority: priority)
      guard let own = aggregates[aggregate].priorities.priority(of: member) else { return }
      priority = own
    }
    pursuits[pursuit].triedPriorities.record(priority: priority)
  }

  /// The route's timeout is over.
  mutating func pursuitTimedOut(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    while let attempt = openTry(of: pursuit) {
      actions.append(.cancelAttempt(attempt, caller: pursuits[pursuit].arrival.caller))
      let (cluster, _) = countOut(attempt.index, .timedOut, 504, at: now, into: &actions)
      if routes[pursuits[pursuit].arrival.route].rule >= 0 {
        watchCanary(pursuit, attempt.index, .timedOut, status: 504, at: now)
      }
      forgetTry(attempt.index)
      if clusters[cluster].hasWishes { grantWishes(cluster: cluster, at: now, into: &actions) }
    }
    conclude(pursuit, .none, status: 504, .routeTimeout, at: now, into: &actions)
  }

  /// Nobody wants the answer any more.
  mutating func abandonPursuit(_ request: RequestHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    guard let pursuit = pursuit(named: request) else { return }
    while let attempt = openTry(of: pursuit) {
      withdraw(attempt, .abandoned, at: now, into: &actions)
      forgetTry(attempt.index)
    }
    let passage = pursuits[pursuit].passage
    if passage.gate >= 0 { gates.forgotten(passage) }
    forgetPursuit(pursuit, into: &actions)
  }

  /// The request that may be tried again which the world calls so, if it is under way.
  func pursuit(named request: RequestHandle) -> Int32? {
    if request.index & Self.pursuitBit == 0 || request.index < 0 { return nil }
    let handle = SlotHandle(index: request.index & ~Self.pursuitBit, generation: request.generation)
    return pursuits.contains(handle) ? handle.index : nil
  }

  /// A try that is under way, if there is one.
  private func openTry(of pursuit: Int32) -> AttemptHandle? {
    let slot = pursuits[pursuit].tries.any
    return slot < 0 ? nil : requests.handle(at: slot)
  }

  /// Whether an answer may still come from other tries, or from one that is to come.
  func hasOthers(_ pursuit: Int32) -> Bool {
    !pursuits[pursuit].tries.isEmpty || pursuits[pursuit].deadlines.pause < PursuitDeadlines.never
  }

  /// The caller gets its answer, and whatever else is under way is given up.
  mutating func conclude(
    _ pursuit: Int32, _ attempt: AttemptHandle, status: Int16, _ cause: ResponseCause, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    let caller = pursuits[pursuit].arrival.caller
    if !pursuits[pursuit].tries.isEmpty { withdrawOthers(of: pursuit, at: now, into: &actions) }
    let passage = pursuits[pursuit].passage
    forgetPursuit(pursuit, into: &actions)
    if passage.gate >= 0 { gates.ended(passage, status: status, cause, at: now) }
    if passage.responseRate > 0 && cause == .endpoint {
      actions.append(.respondSlowly(caller, cluster: passage.cluster, status: status, rate: passage.responseRate))
      return
    }
    actions.append(.respond(caller, attempt: attempt, status: status, cause: cause))
  }

  /// Gives up the tries that are under way: the request has its answer.
  @inline(never)
  private mutating func withdrawOthers(of pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    let plan = routes[pursuits[pursuit].arrival.route].retry
    while let other = openTry(of: pursuit) {
      retries.recordLatency(plan, .superseded, status: 0, now - requests[other.index].sent, at: now)
      let cluster = Int(requests[other.index].cluster)
      withdraw(other, .superseded, at: now, into: &actions)
      forgetTry(other.index)
      if clusters[cluster].hasWishes { grantWishes(cluster: cluster, at: now, into: &actions) }
    }
  }

  @inline(__always)
  private mutating func forgetTry(_ attempt: Int32) {
    let pursuit = requests[attempt].pursuit
    requests.remove(at: attempt)
    leave(pursuit, attempt)
  }

  /// A try is none of its request's any more.
  @inline(__always)
  mutating func leave(_ pursuit: Int32, _ attempt: Int32) {
    openTries -= 1
    pursuits.modify(pursuit) { pursuit in
      pursuit.tries.remove(attempt)
      if pursuit.tries.isEmpty { pursuit.deadlines.hedge = PursuitDeadlines.never }
    }
  }

  mutating func forgetPursuit(_ index: Int32, into actions: inout ActionBuffer) {
    leaveRoom(index)
    let timer = pursuits.modify(index) { $0.deadlines.timer }
    pursuits.remove(at: index)
    if timer.index >= 0 { drop(timer, into: &actions) }
  }

  mutating func leaveRoom(_ pursuit: Int32) {
    let cluster = pursuits[pursuit].room
    if cluster < 0 { return }
    pursuits[pursuit].room = -1
    retries.leaveRoom(inCluster: cluster)
  }
}

extension ResetKind {
  /// What a broken attempt counts as.
  init(_ failure: TransportFailure?) {
    switch failure {
    case .refused: self = .connectFailure
    case .connectTimeout: self = .connectTimeout
    case .overflow: self = .overflow
    case .reset, nil: self = .reset
    }
  }
}
