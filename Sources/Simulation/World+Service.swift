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
    let row = firstRow[start.cluster] &+ replica &- firstReplicaOfCluster[start.cluster]
    let isCounted = calls[handle.index].isCounted
    var key = calls[handle.index].key
    if start.kind != .first {
      key = key.key(UInt64(start.kind.rawValue) << 32 | UInt64(UInt32(bitPattern: start.number)))
      if calls[handle.index].parent < 0 && isCounted { clients[calls[handle.index].client].retries &+= 1 }
    }
    let older = calls[handle.index].work
    let work = works.insert(
      WorkRecord(
        call: handle, attempt: start.attempt, key: key, sent: now, entered: now, began: now, remaining: -1, demand: 0,
        size: calls[handle.index].size, event: .none, plane: Int32(truncatingIfNeeded: proxy), replica: replica,
        row: row, next: -1, previous: -1, older: older, step: 0, openCalls: 0, status: 200, phase: .travelling,
        holdsWorker: false, isDecided: false, isCounted: isCounted, holdsConnection: false))
    calls[handle.index].request = start.request
    calls[handle.index].work = work.index
    if isCounted { rows[row].requests &+= 1 }
    if hasPaths { depart(work.index, cluster: start.cluster) } else { attemptReachesReplica(work.index) }
  }

  /// An attempt is at its replica's door.
  @inline(__always)
  mutating func attemptReachesReplica(_ work: Int32) {
    let replica = works[work].replica
    if replicas[replica].condition.rawValue != 0 {
      if !isLetIn(work) { return }
    }
    enter(work)
  }

  /// An attempt is inside: it is served at once, waits or is turned away.
  @inline(__always)
  mutating func enter(_ work: Int32) {
    let replica = works[work].replica
    let service = replicas[replica].service
    if works[work].isCounted { services[service].requests &+= 1 }
    if works[work].call.index < 0 && services[service].onCancel != 0 {
      // Nobody waits any more, and the server knows.
      abandonedBeforeService(work)
      return
    }
    if !works[work].isDecided {
      let errorRate = services[service].errorRate
      if errorRate > 0 && unitInterval(works[work].key.key(for: .error).draw(0)) < errorRate {
        works[work].status = 500
      }
      works[work].demand = demand(of: work, replica: replica)
    }
    let demanded = works[work].demand
    works[work].entered = now
    touch(replica)
    switch replicas[replica].discipline {
    case 0, 1:
      if replicas[replica].inService < replicas[replica].workers {
        beginService(work, replica: replica)
      } else if replicas[replica].waiting < replicas[replica].queueLimit {
        enqueue(work, replica: replica)
      } else {
        turnAway(work)
        return
      }
    case 2: beginSharing(work, replica: replica)
    default: beginService(work, replica: replica)
    }
    if replicas[replica].isObserved { observe(replica, adding: demanded) }
  }

  @inline(__always)
  private func demand(of work: Int32, replica: Int32) -> Int64 {
    let call = works[work].call
    if call.index >= 0 {
      let prescribed = calls[call.index].prescribedDemand
      if prescribed >= 0 { return prescribed }
    }
    return distributions.sample(replicas[replica].time, works[work].key.key(for: .demand))
  }

  /// Brings a replica's areas up to the present. To be called before its numbers change.
  @inline(__always)
  mutating func touch(_ replica: Int32) {
    let span = now &- replicas[replica].touched
    if span == 0 { return }
    replicas[replica].touched = now
    let inService = Int64(replicas[replica].inService)
    replicas[replica].waitingArea &+= Int64(replicas[replica].waiting) &* span
    replicas[replica].inServiceArea &+= inService &* span
    let workers = Int64(replicas[replica].workers)
    replicas[replica].heldArea &+= (inService < workers ? inService : workers) &* span
  }

  @inline(__always)
  private mutating func enqueue(_ work: Int32, replica: Int32) {
    works[work].phase = .waiting
    let tail = replicas[replica].queueTail
    works[work].next = -1
    works[work].previous = tail
    if tail < 0 { replicas[replica].queueHead = work } else { works[tail].next = work }
    replicas[replica].queueTail = work
    replicas[replica].waiting &+= 1
  }

  /// Takes a work out of its replica's queue.
  @inline(__always)
  mutating func dequeue(_ work: Int32, replica: Int32) {
    let previous = works[work].previous
    let next = works[work].next
    if previous < 0 { replicas[replica].queueHead = next } else { works[previous].next = next }
    if next < 0 { replicas[replica].queueTail = previous } else { works[next].previous = previous }
    works[work].next = -1
    works[work].previous = -1
    replicas[replica].waiting &-= 1
  }

  /// A worker takes an attempt on. The replica's areas are up to date.
  @inline(__always)
  private mutating func beginService(_ work: Int32, replica: Int32) {
    replicas[replica].inService &+= 1
    works[work].phase = .inService
    works[work].holdsWorker = true
    works[work].began = now
    if works[work].call.index >= 0 { calls[works[work].call.index].hasReachedWorker = true }
    if replicas[replica].isPlain {
      works[work].event = wheel.schedule(
        at: now.addingClamped(works[work].demand), .served, UInt64(UInt32(bitPattern: work)))
      return
    }
    works[work].demand = stretched(works[work].demand, replica: replica)
    works[work].remaining = Double(works[work].demand)
    schedule(work, rate: replicas[replica].rate)
  }

  /// How long a service takes here and now, in nanoseconds at rate 1.
  func stretched(_ demand: Int64, replica: Int32) -> Int64 {
    let service = replicas[replica].service
    let inService = replicas[replica].inService
    var span = Double(demand &+ services[service].perConcurrent &* Int64(inService)) * replicas[replica].stretch
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
    works[work].event = .none
    let service = replicas[works[work].replica].service
    if services[service].stepCount > 0 && works[work].status < 500 {
      beginCalls(work, service: service)
    } else {
      leave(work)
      answer(work)
    }
  }

  /// Frees what an attempt holds at its replica, and lets the next one begin.
  @inline(__always)
  mutating func leave(_ work: Int32) {
    let replica = works[work].replica
    touch(replica)
    if works[work].holdsWorker {
      works[work].holdsWorker = false
      replicas[replica].inService &-= 1
      replicas[replica].sojourn &+= now &- works[work].entered
    }
    if works[work].call.index < 0 { countWaste(work) }
    if replicas[replica].waiting > 0 { beginWaiting(replica) }
    if replicas[replica].condition.rawValue != 0 { mayBeGone(replica) }
  }

  @inline(__always)
  mutating func beginWaiting(_ replica: Int32) {
    while replicas[replica].waiting > 0 && replicas[replica].inService < replicas[replica].workers {
      let next = replicas[replica].discipline == 1 ? replicas[replica].queueTail : replicas[replica].queueHead
      dequeue(next, replica: replica)
      beginService(next, replica: replica)
    }
  }

  /// Sends an attempt's answer on its way.
  @inline(__always)
  mutating func answer(_ work: Int32) {
    let service = replicas[works[work].replica].service
    if works[work].isCounted && works[work].status < 500 { services[service].successes &+= 1 }
    works[work].phase = .answering
    if hasPaths {
      returnAnswer(work, size: services[service].responseSize)
    } else {
      answerReachesCaller(work)
    }
  }

  /// An answer is back at its data plane.
  @inline(__always)
  mutating func answerReachesCaller(_ work: Int32) {
    let record = works[work]
    if record.call.index < 0 {
      removeWork(work)
      return
    }
    countAttempt(record, isSuccess: record.status < 500 && record.status != 429)
    detach(work)
    removeWork(work)
    tell(Int(record.plane), .attemptAnswered(record.attempt, status: record.status))
  }

  /// Counts an attempt that somebody still waited for.
  @inline(__always)
  mutating func countAttempt(_ work: WorkRecord, isSuccess: Bool) {
    if !work.isCounted { return }
    let latency = now &- work.sent
    rows[work.row].successes &+= isSuccess ? 1 : 0
    rows[work.row].ended &+= 1
    rows[work.row].latencySum &+= latency
    measurement.recordAttempt(latency, row: Int(work.row))
  }

  /// Takes a work off its call's list.
  @inline(__always)
  mutating func detach(_ work: Int32) {
    let call = works[work].call.index
    if calls[call].work == work {
      calls[call].work = works[work].older
      return
    }
    var place = calls[call].work
    while place >= 0 {
      if works[place].older == work {
        works[place].older = works[work].older
        return
      }
      place = works[place].older
    }
  }

  /// A record that nobody needs any more.
  @inline(__always)
  mutating func removeWork(_ work: Int32) {
    if works[work].holdsConnection { releaseConnection(work) }
    works.remove(at: work)
  }

  /// No worker is free and no place either.
  private mutating func turnAway(_ work: Int32) {
    works[work].status = 503
    answer(work)
  }

  /// Nobody waits for this attempt any more.
  mutating func cancelAttempt(_ attempt: AttemptHandle, caller: CallerToken) {
    let call = SlotHandle(packed: caller.value)
    if !calls.contains(call) { return }
    var work = calls[call.index].work
    while work >= 0 && works[work].attempt != attempt { work = works[work].older }
    if work < 0 { return }
    detach(work)
    cancelWork(work)
  }

  /// Nobody waits for a work any more: the server goes on as its service says. It is off its call's list already, or the list
  /// goes too.
  mutating func cancelWork(_ work: Int32) {
    countAttempt(works[work], isSuccess: false)
    works[work].call = .none
    works[work].older = -1
    let replica = works[work].replica
    let behaviour = services[replicas[replica].service].onCancel
    // An http1 connection whose answer is given up cannot be used again.
    works[work].holdsConnection = false
    switch works[work].phase {
    case .connecting: forgetConnecting(work)
    case .lost: works.remove(at: work)
    case .waiting:
      if behaviour == 0 { return }
      touch(replica)
      dequeue(work, replica: replica)
      replicas[replica].sojourn &+= now &- works[work].entered
      if replicas[replica].isObserved { observe(replica, adding: -works[work].demand) }
      countAbandoned(work)
      removeWork(work)
    case .inService, .calling:
      if behaviour == 2 { stopWork(work) }
    case .travelling, .answering: break
    }
  }

  /// Stops an attempt in the middle of its service.
  mutating func stopWork(_ work: Int32) {
    let replica = works[work].replica
    abandonCalls(of: work)
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

  private mutating func countAbandoned(_ work: Int32) {
    if works[work].isCounted { services[replicas[works[work].replica].service].abandoned &+= 1 }
  }

  /// Service that was spent on an attempt nobody waits for.
  private mutating func countWaste(_ work: Int32) {
    if !works[work].isCounted { return }
    let service = replicas[works[work].replica].service
    services[service].abandoned &+= 1
    let spent = min(now &- works[work].began, works[work].demand)
    services[service].wasted += Double(spent)
  }

  /// Tells the oracle's listeners how long a replica is busy with what it has.
  mutating func observe(_ replica: Int32, adding demand: Int64) {
    let share = stretched(demand, replica: replica) / Int64(max(1, replicas[replica].workers))
    let busyUntil = max(now, replicas[replica].busyUntil) &+ share
    replicas[replica].busyUntil = busyUntil
    let service = Int(replicas[replica].service)
    for cluster in oracleClusters where memberships.services[cluster] == service {
      for proxy in 0..<proxyCount {
        tell(
          proxy,
          .workObserved(
            cluster: Int32(cluster), endpoint: EndpointIdentity(replica),
            busyUntil: Timestamp(nanoseconds: busyUntil)))
      }
    }
  }
}
