// What happens at a replica: an attempt comes, waits, is served and leaves.

import DataPlane
import MeshCore

extension World {
  /// The data plane has chosen a replica.
  @inline(__always)
  mutating func startAttempt(_ start: AttemptStart, proxy: Int) {
    let handle = SlotHandle(packed: start.caller.value)
    let replica = start.endpoint.number
    fold(UInt64(UInt32(bitPattern: replica)) << 16 ^ UInt64(start.kind.rawValue))
    if sessions.isOn && start.kind != .mirror { sessions.sent(call: handle.index, to: replica) }
    let row = rowOfReplicaZero[start.cluster] &+ replica
    if startsAtOnce && start.kind == .first && replicas[replica].takesAsDemanded {
      startAtOnce(start, handle, proxy: proxy, row: row)
      return
    }
    let call = calls[handle.index]
    var owner = handle
    var key = call.key
    var demand = call.prescribedDemand
    if start.kind != .first {
      if settings.repeatsDemand && demand < 0 {
        demand = distributions.sample(replicas[replica].time, key.key(for: .demand))
      }
      calls[handle.index].refusal = .none
      key = TrafficStreams.attempt(of: key, kind: start.kind, number: start.number)
      if start.kind == .mirror {
        owner = copy(call, start.request)
      } else if call.isOfClient && call.isCounted {
        clients.modify(call.client) { client in
          if start.kind == .hedge { client.hedges &+= 1 } else { client.retries &+= 1 }
        }
      }
    }
    let work = works.insert(
      WorkRecord(
        call: owner, attempt: start.attempt, key: key, sent: now, entered: now, began: now, remaining: -1,
        demand: demand, event: .none,
        plane: Int32(truncatingIfNeeded: proxy), replica: replica, row: row, next: -1, previous: -1,
        older: call.work, step: 0, met: 0, openCalls: 0, status: 200, phase: .travelling, holdsWorker: false,
        wasServed: false,
        isDecided: false, isCounted: call.isCounted, holdsConnection: false))
    calls.modify(owner.index) { call in
      call.request = start.request
      call.work = work.index
    }
    if call.isCounted { rows[row].requests &+= 1 }
    if startsAtOnce { attemptReachesReplica(work.index) } else { depart(work.index, cluster: start.cluster) }
  }

  /// Makes a copy of a call, whose answer nobody will see, and notes it by its attempt, which has the same handle as `request`.
  @inline(never)
  private mutating func copy(_ call: CallRecord, _ request: RequestHandle) -> SlotHandle {
    if call.isOfClient && call.isCounted { clients[call.client].mirrors &+= 1 }
    var copy = call
    copy.parent = -3
    copy.client = -1
    copy.user = -1
    copy.work = -1
    copy.request = request
    let (handle, proxy) = (calls.insert(copy), Int(call.plane))
    if Int(request.index) >= proxies[proxy].copies.count {
      proxies[proxy].copies.resize(to: Int(request.index) + 1, filling: .none)
    }
    proxies[proxy].copies[request.index] = handle
    return handle
  }

  /// The call that an attempt belongs to: a copy's own, or its caller's.
  private mutating func call(of attempt: AttemptHandle, _ caller: CallerToken, proxy: Int) -> SlotHandle {
    if Int(attempt.index) < proxies[proxy].copies.count {
      let copy = proxies[proxy].copies[attempt.index]
      if calls.contains(copy) && calls[copy.index].request == attempt { return copy }
    }
    return SlotHandle(packed: caller.value)
  }

  /// The same for the commonest case, in one go: nothing lies between, and the replica serves in turn for just what is demanded.
  @inline(__always)
  private mutating func startAtOnce(_ start: AttemptStart, _ handle: SlotHandle, proxy: Int, row: Int32) {
    let replica = start.endpoint.number
    let now = now
    let (key, prescribed, older, isCounted) = calls.modify(handle.index) { call in
      call.request = start.request
      return (call.key, call.prescribedDemand, call.work, call.isCounted)
    }
    if isCounted { rows[row].requests &+= 1 }
    let (time, errorRate) = replicas.modify(replica) { replica in
      if isCounted { replica.requests &+= 1 }
      return (replica.time, replica.errorRate)
    }
    let fails = errorRate > 0 && unitInterval(key.key(for: .error).draw(0)) < errorRate
    let demand = prescribed >= 0 ? prescribed : distributions.sampleInPlace(time, key.key(for: .demand))
    let admission = replicas.modify(replica) { $0.admit(at: now) }
    let isServed = admission == .plainService
    let work = works.insert(
      WorkRecord(
        call: handle, attempt: start.attempt, key: key, sent: now, entered: now, began: now, remaining: -1,
        demand: demand, event: .none,
        plane: Int32(truncatingIfNeeded: proxy), replica: replica, row: row, next: -1, previous: -1, older: older,
        step: 0, met: 0, openCalls: 0, status: fails ? 500 : 200, phase: isServed ? .inService : .travelling,
        holdsWorker: isServed, wasServed: isServed, isDecided: false, isCounted: isCounted, holdsConnection: false)
    ).index
    calls[handle.index].work = work
    if isServed {
      works[work].event = wheel.scheduleInPlace(
        at: now.addingClamped(demand), .served, UInt64(UInt32(bitPattern: work)))
    } else if admission == .queue {
      enqueue(work, replica: replica)
    } else {
      turnAway(work)
    }
  }

  /// An attempt is at its replica's door.
  @inline(never)
  mutating func attemptReachesReplica(_ work: Int32) {
    let replica = works[work].replica
    if replicas[replica].condition.rawValue != 0 {
      if !isLetIn(work) { return }
    }
    enter(work)
  }

  /// An attempt is inside: it is served at once, waits or is turned away.
  @inline(never)
  mutating func enter(_ work: Int32) {
    let record = works[work]
    let replica = record.replica
    let (service, time, errorRate) = replicas.modify(replica) { replica in
      if record.isCounted { replica.requests &+= 1 }
      return (replica.service, replica.time, replica.errorRate)
    }
    if record.call.index < 0 && services[service].onCancel != 0 {
      // Nobody waits any more, and the server knows.
      abandonedBeforeService(work)
      return
    }
    var demand = record.demand
    var status = record.status
    if !record.isDecided {
      if errorRate > 0 && status == 200 && unitInterval(record.key.key(for: .error).draw(0)) < errorRate {
        status = 500
      }
      demand =
        record.demand >= 0
        ? record.demand : distributions.sample(time, record.key.key(for: .demand))
    }
    let now = now
    let admission = replicas.modify(replica) { $0.admit(at: now) }
    let met = replicas.modify(replica) { $0.inService &+ $0.waiting &- 1 }
    works.modify(work) { work in
      work.entered = now
      work.met = met
      work.demand = demand
      work.status = status
    }
    switch admission {
    case .plainService: beginPlainService(work, demand: demand)
    case .service: beginService(work, replica: replica)
    case .queue:
      enqueue(work, replica: replica)
      if replicas[replica].condition.contains(.observed) { workWaits(work, replica: replica, 1) }
    case .sharing: beginSharing(work, replica: replica)
    case .refusal: turnAway(work)
    }
  }

  /// Brings a replica's areas up to the present. To be called before its numbers change.
  @inline(__always)
  mutating func touch(_ replica: Int32) {
    let now = now
    replicas.modify(replica) { $0.touch(at: now) }
  }

  private mutating func enqueue(_ work: Int32, replica: Int32) {
    let tail = replicas.modify(replica) { replica in
      let tail = replica.queueTail
      if tail < 0 { replica.queueHead = work }
      replica.queueTail = work
      return tail
    }
    works.modify(work) { work in
      work.phase = .waiting
      work.next = -1
      work.previous = tail
    }
    if tail >= 0 { works[tail].next = work }
  }

  /// Takes a work out of its replica's queue.
  @inline(never)
  mutating func dequeue(_ work: Int32, replica: Int32) {
    let (previous, next) = works.modify(work) { work in
      let neighbours = (work.previous, work.next)
      work.next = -1
      work.previous = -1
      return neighbours
    }
    replicas.modify(replica) { replica in
      if previous < 0 { replica.queueHead = next }
      if next < 0 { replica.queueTail = previous }
      replica.waiting &-= 1
    }
    if previous >= 0 { works[previous].next = next }
    if next >= 0 { works[next].previous = previous }
  }

  /// A worker takes an attempt on that takes just as long as was demanded. The replica has counted it in.
  @inline(never)
  private mutating func beginPlainService(_ work: Int32, demand: Int64) {
    let now = now
    let event = wheel.schedule(at: now.addingClamped(demand), .served, UInt64(UInt32(bitPattern: work)))
    works.modify(work) { work in
      work.phase = .inService
      work.holdsWorker = true
      work.wasServed = true
      work.began = now
      work.event = event
    }
  }

  /// A worker takes an attempt on. The replica has counted it in.
  private mutating func beginService(_ work: Int32, replica: Int32) {
    works[work].phase = .inService
    works[work].holdsWorker = true
    works[work].wasServed = true
    works[work].began = now
    if !works[work].isDecided { works[work].demand = stretched(works[work].demand, replica: replica) }
    works[work].remaining = Double(works[work].demand)
    schedule(work, rate: replicas[replica].rate)
    if replicas[replica].condition.contains(.observed) { serviceBegins(work, replica: replica) }
  }

  /// How long a service takes here and now, in nanoseconds at rate 1.
  mutating func stretched(_ demand: Int64, replica: Int32) -> Int64 {
    let service = replicas[replica].service
    let inService = replicas[replica].inService
    // In doubles: a long perConcurrent times many in service is beyond 64 bits.
    let whole = Double(demand) + Double(services[service].perConcurrent) * Double(inService)
    var span = whole * replicas[replica].stretch
    let factor = services[service].coldStartFactor
    if factor > 1 {
      let age = now &- replicas[replica].started
      let over = services[service].coldStartOver
      if age < over {
        let warmth = age > 0 ? Double(over) / Double(age) : factor
        span *= warmth < factor ? warmth : factor
      }
    }
    return span < 9e18 ? Int64(span.rounded()) : .max
  }

  /// Schedules the end of a stretch of service at `rate`; at rate 0 nothing ends.
  mutating func schedule(_ work: Int32, rate: Double) {
    if rate <= 0 {
      works[work].event = .none
      return
    }
    let span = (works[work].remaining / rate).rounded(.up)
    let at = span < 9e18 ? now.addingClamped(Int64(span)) : .max
    works[work].event = wheel.schedule(at: at, .served, UInt64(UInt32(bitPattern: work)))
  }

  /// A replica has done its own part of an attempt.
  @inline(__always)
  mutating func served(_ work: Int32) {
    let (replica, status, call) = works.modify(work) { work in
      work.event = .none
      return (work.replica, work.status, work.call.index)
    }
    let (makesCalls, isUp) = replicas.modify(replica) { ($0.makesCalls, $0.condition.rawValue == 0) }
    if !isUp && replicas[replica].condition.contains(.observed) && replicas[replica].discipline != 2 {
      let left = works[work].remaining - Double(now &- works[work].began) * replicas[replica].rate
      serviceEnds(replica: replica, left: left)
    }
    if makesCalls && status == 200 {
      beginCalls(work, service: replicas[replica].service)
    } else if answersAtOnce && call >= 0 && isUp && works[work].holdsWorker && !(hasCopies && calls[call].isCopy) {
      answerAtOnce(work, replica: replica)
    } else {
      leave(work)
      answer(work)
    }
  }

  /// What `leave`, `answer` and `answerReachesCaller` do one after another, in one go for the commonest case: nothing lies
  /// between, somebody waits, and the attempt holds its worker to the end.
  @inline(__always)
  private mutating func answerAtOnce(_ work: Int32, replica: Int32) {
    let now = now
    let (call, attempt, plane, row, older) = works.modify(work) { work in
      (work.call.index, work.attempt, work.plane, work.row, work.older)
    }
    let (sent, entered, status, isCounted) = works.modify(work) { work in
      (work.sent, work.entered, work.status, work.isCounted)
    }
    works.remove(at: work)
    let success: Int64 = SuccessRule.isSuccess(status: status) ? 1 : 0
    let waiting = replicas.modify(replica) { replica in
      replica.touch(at: now)
      replica.inService &-= 1
      replica.sojourn &+= now &- entered
      if isCounted { replica.successes &+= success }
      return replica.waiting
    }
    if waiting > 0 { beginWaiting(replica) }
    if isCounted {
      let latency = now &- sent
      rows.modify(row) { row in
        row.successes &+= success
        row.ended &+= 1
        row.latencySum &+= Int128(latency)
      }
      measurement.attemptLatencies.count(latency, row: Int(row))
    }
    let isLatest = calls.modify(call) { call in
      call.hasReachedWorker = true
      if call.work != work { return false }
      call.work = older
      return true
    }
    if !isLatest {
      forget(work, older: older, call: call)
      if sessions.isOn { sessions.sent(call: call, to: replica) }
    }
    tellAnswer(Int(plane), attempt, status: status)
  }

  /// Frees what an attempt holds at its replica, and lets the next one begin.
  @inline(never)
  mutating func leave(_ work: Int32) {
    let now = now
    let (replica, call, entered, heldWorker) = works.modify(work) { work in
      let held = work.holdsWorker
      work.holdsWorker = false
      return (work.replica, work.call.index, work.entered, held)
    }
    let (waiting, isUp) = replicas.modify(replica) { replica in
      replica.touch(at: now)
      if heldWorker {
        replica.inService &-= 1
        replica.sojourn &+= now &- entered
      }
      return (replica.waiting, replica.condition.rawValue == 0)
    }
    if call < 0 { countWaste(work) }
    if waiting > 0 { beginWaiting(replica) }
    if !isUp { mayBeGone(replica) }
  }

  /// Workers that are free take on who waits.
  @inline(never)
  mutating func beginWaiting(_ replica: Int32) {
    while true {
      let state = replicas[replica]
      if state.waiting == 0 || state.inService >= state.workers { return }
      var next = state.discipline == 1 ? state.queueTail : state.queueHead
      if state.isPlain {
        dequeue(next, replica: replica)
        replicas[replica].inService &+= 1
        beginPlainService(next, demand: works[next].demand)
      } else {
        if state.condition.contains(.shedding) {
          let head = shedNext(replica)
          if head.hasShed { continue }
          next = head.next
        }
        dequeue(next, replica: replica)
        replicas[replica].inService &+= 1
        if state.condition.contains(.observed) { workWaits(next, replica: replica, -1) }
        beginService(next, replica: replica)
      }
    }
  }

  /// Sends an attempt's answer on its way.
  @inline(never)
  mutating func answer(_ work: Int32) {
    let (replica, isSuccess) = works.modify(work) { work in
      work.phase = .answering
      return (work.replica, work.isCounted && SuccessRule.isSuccess(status: work.status))
    }
    let service = replicas.modify(replica) { replica in
      if isSuccess { replica.successes &+= 1 }
      return replica.service
    }
    if !replicas[replica].condition.isDisjoint(with: [.reporting, .leaving]) { remarkOnAnswer(work) }
    if hasPaths {
      returnAnswer(work, size: services[service].responseSize)
    } else {
      answerReachesCaller(work)
    }
  }

  /// An answer is back at its data plane.
  @inline(never)
  mutating func answerReachesCaller(_ work: Int32) {
    let call = works[work].call
    if call.index < 0 {
      removeWork(work)
      return
    }
    let (plane, attempt, status) = (works[work].plane, works[work].attempt, works[work].status)
    countAttempt(work, isSuccess: SuccessRule.isSuccess(status: status))
    if works[work].wasServed { calls[call.index].hasReachedWorker = true }
    let cluster = rows[works[work].row].cluster
    // Of several tries it is the one that is answered whose endpoint the session keeps to.
    if sessions.isOn && !calls[call.index].isCopy { sessions.sent(call: call.index, to: works[work].replica) }
    detach(work)
    removeWork(work)
    if calls[call.index].isCopy { calls.remove(at: call.index) }
    if saysMore[cluster] {
      tellAnswerWithRemarks(work, plane: Int(plane), attempt, status: status, cluster: cluster)
    } else {
      tellAnswer(Int(plane), attempt, status: status)
    }
  }

  /// Counts an attempt that somebody still waited for.
  mutating func countAttempt(_ work: Int32, isSuccess: Bool) {
    let (isCounted, sent, row) = (works[work].isCounted, works[work].sent, works[work].row)
    if !isCounted { return }
    let latency = now &- sent
    rows.modify(row) { row in
      row.successes &+= isSuccess ? 1 : 0
      row.ended &+= 1
      row.latencySum &+= Int128(latency)
    }
    measurement.attemptLatencies.count(latency, row: Int(row))
  }

  /// Takes a work off its call's list.
  @inline(never)
  mutating func detach(_ work: Int32) {
    let (call, older) = (works[work].call.index, works[work].older)
    let isLatest = calls.modify(call) { call in
      if call.work != work { return false }
      call.work = older
      return true
    }
    if !isLatest { forget(work, older: older, call: call) }
  }

  /// Takes a work that is not the latest off its call's list.
  private mutating func forget(_ work: Int32, older: Int32, call: Int32) {
    var place = calls[call].work
    while place >= 0 {
      if works[place].older == work {
        works[place].older = older
        return
      }
      place = works[place].older
    }
  }

  /// A record that nobody needs any more.
  mutating func removeWork(_ work: Int32) {
    if works[work].holdsConnection { releaseConnection(work) }
    works.remove(at: work)
  }

  /// No worker is free and no place either, or something else speaks against an attempt.
  mutating func turnAway(_ work: Int32, status: Int16 = 503, _ refusal: ServerRefusal = .none) {
    let call = works[work].call.index
    if call >= 0 { calls[call].refusal = refusal }
    works[work].status = status
    if isWatching { noteTurnedAway(work, status: status) }
    answer(work)
  }

  /// Nobody waits for this attempt any more.
  @inline(never)
  mutating func cancelAttempt(_ attempt: AttemptHandle, caller: CallerToken, proxy: Int) {
    let call = call(of: attempt, caller, proxy: proxy)
    if !calls.contains(call) { return }
    var work = calls[call.index].work
    while work >= 0 && works[work].attempt != attempt { work = works[work].older }
    if work < 0 { return }
    if works[work].wasServed { calls[call.index].hasReachedWorker = true }
    detach(work)
    cancelWork(work)
    if calls[call.index].isCopy { calls.remove(at: call.index) }
  }

  /// Nobody waits for a work any more: the server goes on as its service says. It is off its call's list already, or the list
  /// goes too.
  mutating func cancelWork(_ work: Int32) {
    countAttempt(work, isSuccess: false)
    works[work].call = .none
    works[work].older = -1
    let replica = works[work].replica
    let behaviour = services[replicas[replica].service].onCancel
    // An http1 connection whose answer is given up cannot be used again.
    loseConnection(work)
    switch works[work].phase {
    case .connecting: forgetConnecting(work)
    case .lost: works.remove(at: work)
    case .waiting:
      if behaviour == 0 { return }
      touch(replica)
      dequeue(work, replica: replica)
      replicas[replica].sojourn &+= now &- works[work].entered
      if replicas[replica].condition.contains(.observed) { workWaits(work, replica: replica, -1) }
      countAbandoned(work)
      removeWork(work)
    case .inService, .calling:
      if behaviour == 2 { stopWork(work) }
    case .travelling, .heldUp, .answering: break
    }
  }

  /// Stops an attempt in the middle of its service.
  mutating func stopWork(_ work: Int32) {
    let replica = works[work].replica
    abandonCalls(of: work)
    let left = serviceLeft(work)
    works[work].demand &-= left
    if works[work].phase == .inService && replicas[replica].condition.contains(.observed) {
      serviceEnds(replica: replica, left: Double(left))
    }
    if works[work].phase == .inService && replicas[replica].discipline == 2 {
      touch(replica)
      leaveSharing(work, replica: replica)
    } else {
      wheel.cancel(works[work].event)
      works[work].event = .none
    }
    leave(work)
    removeWork(work)
  }

  private mutating func abandonedBeforeService(_ work: Int32) {
    countAbandoned(work)
    removeWork(work)
  }

  mutating func countAbandoned(_ work: Int32) {
    if works[work].isCounted { services[replicas[works[work].replica].service].abandoned &+= 1 }
  }

  /// Service that was spent on an attempt nobody waits for: all that it demanded, or that it has had so far.
  mutating func countWaste(_ work: Int32) {
    if !works[work].isCounted { return }
    let service = replicas[works[work].replica].service
    services[service].abandoned &+= 1
    services[service].wasted += Double(works[work].demand)
  }

  /// Nanoseconds of its demand that an attempt in service has not had yet.
  mutating func serviceLeft(_ work: Int32) -> Int64 {
    let record = works[work]
    if record.phase != .inService || !record.holdsWorker { return 0 }
    let left: Double
    if replicas[record.replica].discipline == 2 {
      left = sharedServiceLeft(work, replica: record.replica)
    } else {
      let whole = record.remaining < 0 ? Double(record.demand) : record.remaining
      left = whole - Double(now &- record.began) * replicas[record.replica].rate
    }
    return min(record.demand, Int64(max(0, left).rounded()))
  }
}
