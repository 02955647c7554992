// Requests as they come from clients, and their answers as they arrive.

import DataPlane
import MeshCore

extension World {
  /// An open-loop client wants its next request.
  @inline(__always)
  mutating func requestWanted(client: Int32) {
    if requestsLeft == 0 { return }
    let (number, key) = clients.modify(client) { client in
      let number = client.wanted
      client.wanted = number &+ 1
      return (number, client.callKey.key(number))
    }
    let row = arrivals.traceRow(client: client)
    let next = arrivals.next(client: client, number: number &+ 1)
    if next < stop { _ = wheel.scheduleInPlace(at: next, .arrival, UInt64(client)) } else { sourceRunsDry() }
    send(client: client, key: key, number: number, user: -1, traceRow: row)
  }

  /// A closed-loop user wants the next answer.
  mutating func userThought(_ user: Int32) {
    let client = users[user].client
    if clients[client].allowance == 0 || requestsLeft == 0 { return }
    clients[client].allowance -= 1
    if clients[client].allowance == 0 { sourceRunsDry() }
    let number = users[user].sent
    users[user].sent = number &+ 1
    clients[client].wanted &+= 1
    send(client: client, key: users[user].key.key(number), number: number, user: user, traceRow: -1)
  }

  @inline(__always)
  private mutating func send(client: Int32, key: RandomKey, number: UInt64, user: Int32, traceRow: Int32) {
    let isCounted = measurement.isCounting
    var (proxy, count, route, size, keyKind) = clients.modify(client) { client in
      if isCounted { client.requests &+= 1 }
      return (client.firstPlane, client.planeCount, client.route, client.size, client.keyKind)
    }
    if count > 1 { proxy &+= share(client: client, of: count, number: number, user: user) }
    var demand: Int64 = -1
    if traceRow >= 0 {
      let row = arrivals.trace[traceRow]
      (route, size, demand) = (row.route, row.size, row.demand)
      if route < -1 { route = self.route(route, of: key) }
    }
    let call = calls.insert(
      CallRecord(
        wanted: now, key: key, request: .none, plane: proxy, client: client, parent: -1, lane: -1, copiesLeft: 0,
        work: -1, user: user, prescribedDemand: demand, size: size,
        isCounted: isCounted, hasReachedWorker: false))
    measurement.wanted(at: now)
    var hashKey: UInt64 = 0
    var hasKey = false
    if traceRow >= 0 && arrivals.trace[traceRow].hasKey {
      hashKey = arrivals.trace[traceRow].key
      hasKey = true
    } else if keyKind != 0 {
      if keyKind & ClientState.drawsRoute != 0 { route = self.route(route, of: key) }
      hasKey = keyKind != ClientState.drawsRoute
      if hasKey { hashKey = drawKey(client: client, key) }
    }
    var named: Int32 = -1
    if sessions.isOn {
      named = sessionEndpoint(call: call.index, route: route, hasKey ? hashKey : nil, client: client, user: user)
    }
    if hashes.isOn {
      let hash = hash(client: client, user: user, traceRow: traceRow, route: route, key: hasKey ? hashKey : nil)
      (hashKey, hasKey) = (hash ?? 0, hash != nil)
    }
    let arrival = RequestArrival(
      caller: CallerToken(call.packed), route: route, randomness: key, key: hashKey, hasKey: hasKey,
      override: EndpointIdentity(named))
    if requestsLeft > 0 {
      requestsLeft -= 1
      if requestsLeft == 0 { stopAfterLastRequest() }
    }
    proxies[Int(proxy)].plane.requestArrived(arrival, at: Timestamp(nanoseconds: now), into: &actions)
    workOff(for: Int(proxy))
  }

  /// The endpoint that the cookie of a request's session names, or -1.
  @inline(never)
  private mutating func sessionEndpoint(
    call: Int32, route: Int32, _ key: UInt64?, client: Int32, user: Int32
  ) -> Int32 {
    if key == nil && user < 0 {
      sessions.beginWithout(call: call)
      return -1
    }
    let session = ClientSession(client: client, key: key ?? UInt64(user))
    return sessions.begin(call: call, route: route, session, at: now)
  }

  /// Which of a client's data planes a request goes to: a user keeps to one, other requests are spread evenly by chance.
  private mutating func share(client: Int32, of count: Int32, number: UInt64, user: Int32) -> Int32 {
    if user >= 0 { return users[user].number % count }
    let draw = clients[client].planeKey.draw(number)
    return Int32(truncatingIfNeeded: draw.multipliedFullWidth(by: UInt64(count)).high)
  }

  /// A client has no more requests to come. When nobody has, a run of a number of requests has had its last.
  mutating func sourceRunsDry() {
    sources -= 1
    if sources == 0 && requestsLeft > 0 { stopAfterLastRequest() }
  }

  /// The last of `run.requests` has been wanted: the run's duration ends right behind it.
  mutating func stopAfterLastRequest() {
    if stop < .max { return }
    stop = now &+ 1
    horizon = min(horizon, stop.addingClamped(settings.drain.nanoseconds))
    _ = wheel.schedule(at: stop, .arrivalsStop, 0)
  }

  /// What a proxy makes of the header that carries the request's key: the hash of a number's decimal digits, from 1 on.
  mutating func drawKey(client: Int32, _ key: RandomKey) -> UInt64 {
    switch clients[client].keyKind & ~ClientState.drawsRoute {
    case 1: return RequestHash.header(number: zipfs.rank(clients[client].zipf, key.key(for: .key)) &+ 1)
    case 2:
      let bits = key.key(for: .key).draw(0)
      return RequestHash.header(number: bits.multipliedFullWidth(by: clients[client].constantKey).high &+ 1)
    default: return clients[client].constantKey
    }
  }

  /// The data plane has answered a call.
  @inline(__always)
  mutating func respond(_ caller: CallerToken, status: Int16, cause: ResponseCause) {
    let handle = SlotHandle(packed: caller.value)
    precondition(calls.contains(handle), "a request is answered once")
    fold(UInt64(UInt16(bitPattern: status)) << 8 ^ UInt64(cause.rawValue))
    let (latest, isOfClient, wanted, client, user, isCounted, hasReachedWorker) = calls.modify(handle.index) { call in
      (call.work, call.isOfClient, call.wanted, call.client, call.user, call.isCounted, call.hasReachedWorker)
    }
    let refusal = calls.modify(handle.index) { $0.refusal }
    if latest >= 0 { forgetWorks(latest) }
    if !isOfClient {
      respondToReplica(handle.index, status: status)
      return
    }
    if sessions.isOn { sessions.answered(call: handle.index, at: now) }
    calls.remove(at: handle.index)
    let latency = now &- wanted
    measurement.ended(wanted: wanted, at: now)
    let isInSpan = measurement.isCounting
    let isSuccess = clients.modify(client) { client in
      let isSuccess =
        SuccessRule.isSuccess(status: status) && cause != .transport && cause != .routeTimeout
        && latency <= client.successWithin
      if isInSpan { client.answeredInSpan &+= 1 }
      if isCounted {
        client.successes &+= isSuccess ? 1 : 0
        if status >= 429 {
          if cause == .routeTimeout { client.timeouts &+= 1 }
          if (status == 429 || status == 503) && !hasReachedWorker { client.rejected &+= 1 }
        }
      }
      return isSuccess
    }
    if !isSuccess || cause != .endpoint || status == 403 {
      countRefusal(client, cause, refusal, status: status, isCounted)
    }
    measurement.record(latency, client: Int(client), isSuccess: isSuccess, isCounted: isCounted)
    if user >= 0 { think(user) }
  }

  @inline(never)
  private mutating func respondToReplica(_ index: Int32, status: Int16) {
    let call = calls[index]
    calls.remove(at: index)
    callAnswered(call, status: status)
  }

  /// Works of an answered call are nobody's any more; their records stay with their replicas.
  @inline(never)
  private mutating func forgetWorks(_ latest: Int32) {
    var work = latest
    while work >= 0 {
      let older = works[work].older
      works[work].call = .none
      works[work].older = -1
      work = older
    }
  }

  /// A closed-loop user begins to think.
  mutating func think(_ user: Int32) {
    if hasStopped { return }
    let client = users[user].client
    let key = clients[client].thinkKey.key(UInt64(users[user].number)).key(users[user].sent)
    let at = now.addingClamped(distributions.sample(clients[client].think, key))
    if at < stop { _ = wheel.schedule(at: at, .userThought, UInt64(user)) }
  }

  // MARK: - Between world and data planes

  /// Tells a data plane what happened, and does what it asks for.
  @inline(__always)
  mutating func tell(_ proxy: Int, _ event: Event) {
    proxies[proxy].plane.handle(event, at: Timestamp(nanoseconds: now), into: &actions)
    workOff(for: proxy)
  }

  /// Tells a data plane of an answer, the commonest event.
  @inline(__always)
  mutating func tellAnswer(_ proxy: Int, _ attempt: AttemptHandle, status: Int16) {
    proxies[proxy].plane.attemptAnswered(
      attempt, status: status, at: Timestamp(nanoseconds: now), into: &actions)
    if isWorkingOff { own(proxy) } else { workOffAnswer(by: proxy) }
  }

  /// Owns the actions that `proxy` has just appended, and works the list off unless somebody is at it already.
  @inline(__always)
  mutating func workOff(for proxy: Int) {
    if isWorkingOff { own(proxy) } else { workOffAll(firstOwned: actions.count, by: proxy) }
  }

  mutating func own(_ proxy: Int) {
    while firstOwned &+ actionOwners.count < actions.count {
      actionOwners.append(Int32(truncatingIfNeeded: proxy))
    }
  }

  /// Does what an answer leads to. Most often that is one response and nothing else, for which the whole list is long a way.
  @inline(never)
  private mutating func workOffAnswer(by proxy: Int) {
    var (count, done) = (actions.count, 0)
    if count == 2, !isWatching, case .cancelTimer(let timer) = actions[0] {
      // What a request that may be tried again waited for.
      if case .respond = actions[1] {
        wheel.cancel(proxies[proxy].timers[timer.index].event)
        done = 1
      }
    }
    if count == done + 1, !isWatching, case .respond(let caller, _, let status, let cause) = actions[done] {
      isWorkingOff = true
      firstOwned = count
      respond(caller, status: status, cause: cause)
      done = count
      if actions.count == count && orphans.count == 0 {
        actions.removeAll()
        firstOwned = 0
        isWorkingOff = false
        return
      }
    }
    count = done > 0 ? count : actions.count
    workOffAll(firstOwned: count, by: proxy, from: done)
  }

  /// Does everything that data planes have asked for, and what follows from it at this instant.
  @inline(never)
  mutating func workOffAll(firstOwned: Int = 0, by owner: Int = -1, from done: Int = 0) {
    isWorkingOff = true
    // What is there now is `owner`'s; only what comes meanwhile needs to say whose it is.
    self.firstOwned = firstOwned
    var place = done
    repeat {
      while place < actions.count {
        let isFirst = place < self.firstOwned
        if isWatching { noteWatched(actions[place]) }
        perform(actions[place], for: isFirst ? owner : Int(actionOwners[place &- self.firstOwned]))
        place &+= 1
      }
      actions.removeAll()
      actionOwners.removeAll()
      self.firstOwned = 0
      place = 0
    } while giveUpOrphan()
    isWorkingOff = false
  }

  @inline(__always)
  private mutating func perform(_ action: Action, for proxy: Int) {
    switch action {
    case .startAttempt(let start): startAttempt(start, proxy: proxy)
    case .respond(let caller, _, let status, let cause): respond(caller, status: status, cause: cause)
    case .respondSlowly(let caller, let cluster, let status, let rate):
      respondSlowly(caller, cluster: cluster, status: status, rate: rate)
    case .hold(let caller, let request, let reason): hold(caller, request, reason)
    case .setTimer(let timer, let deadline): setTimer(timer, deadline, proxy: proxy)
    case .setBackgroundTimer(let timer, let deadline): setTimer(timer, deadline, .backgroundTimer, proxy: proxy)
    case .cancelTimer(let timer): wheel.cancel(proxies[proxy].timers[timer.index].event)
    case .cancelAttempt(let attempt, let caller): cancelAttempt(attempt, caller: caller, proxy: proxy)
    case .startProbe(let start):
      if start.kind == .load { startProbe(start, proxy: proxy) } else { startHealthCheck(start, proxy: proxy) }
    case .cancelProbe(let probe): cancelHealthCheck(probe, proxy: proxy)
    case .report(let notice): report(notice, proxy: proxy)
    }
  }

  private mutating func setTimer(
    _ timer: TimerHandle, _ deadline: Timestamp, _ kind: EventKind = .timer, proxy: Int
  ) {
    if Int(timer.index) >= proxies[proxy].timers.count {
      proxies[proxy].timers.resize(
        to: Int(timer.index) + 1, filling: ArmedTimer(event: .none, generation: 0))
    }
    let at = deadline.nanoseconds < now ? now : deadline.nanoseconds
    let event = wheel.schedule(at: at, kind, UInt64(proxy) << 32 | UInt64(UInt32(bitPattern: timer.index)))
    proxies[proxy].timers[timer.index] = ArmedTimer(event: event, generation: timer.generation)
  }

  mutating func timerDue(proxy: Int, index: Int32) {
    let generation = proxies[proxy].timers[index].generation
    tell(proxy, .timerDue(TimerHandle(index: index, generation: generation)))
  }
}

extension Int64 {
  /// The sum, or the largest number when it would be larger still.
  @inline(__always)
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
