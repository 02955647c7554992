// Calls that a replica makes after its own service: groups one after another, the calls of a group at once.

import DataPlane
import MeshCore

extension World {
  /// An attempt's own service is over and it has calls to make.
  mutating func beginCalls(_ work: Int32, service: Int32) {
    works[work].phase = .calling
    if !services[service].holdsWorker { letWorkerGo(work) }
    works[work].step = 0
    works[work].firstCall = -1
    nextStep(work)
  }

  /// Sends the present group's calls, or answers when there is no group left.
  private mutating func nextStep(_ work: Int32) {
    let service = replicas[works[work].replica].service
    if works[work].step >= services[service].stepCount {
      leave(work)
      answer(work)
      return
    }
    let step = steps[services[service].firstStep &+ works[work].step]
    var open: Int32 = 0
    for lane in step.firstLane..<(step.firstLane &+ step.laneCount) {
      open &+= lanes[lane].isParallel ? lanes[lane].count : 1
    }
    works[work].openCalls = open
    // Answers that come at once must not end the group before all of it is out.
    let wasWorkingOff = isWorkingOff
    isWorkingOff = true
    for lane in step.firstLane..<(step.firstLane &+ step.laneCount) {
      if lanes[lane].isParallel {
        for copy in 0..<lanes[lane].count { call(from: work, lane: lane, copy: copy, copiesLeft: 0) }
      } else {
        call(from: work, lane: lane, copy: 0, copiesLeft: lanes[lane].count &- 1)
      }
    }
    isWorkingOff = wasWorkingOff
    if !wasWorkingOff { workOffAll() }
  }

  private mutating func call(from work: Int32, lane: Int32, copy: Int32, copiesLeft: Int32) {
    // The path of calls that leads here: the attempt that calls, which call of its list, which copy.
    let service = replicas[works[work].replica].service
    let place = lane &- steps[services[service].firstStep].firstLane
    let key = works[work].key.key(
      0x1_0000_0000_0000 | UInt64(UInt32(bitPattern: place)) << 20 | UInt64(UInt32(bitPattern: copy)))
    let proxy = replicas[works[work].replica].plane
    let next = works[work].firstCall
    let call = calls.insert(
      CallRecord(
        wanted: now, key: key, request: .none, plane: proxy, client: next, parent: work, lane: lane,
        copiesLeft: copiesLeft, work: -1, user: -1, prescribedDemand: -1, size: 0,
        isCounted: works[work].isCounted, hasReachedWorker: false))
    var route = lanes[lane].route
    if route < -1 { route = self.route(route, of: key) }
    let hash = hashes.isOn ? hash(callOf: works[work].replica, lane: lane, route: route) : nil
    if next >= 0 { calls[next].previousSibling = call.index }
    works[work].firstCall = call.index
    tell(
      Int(proxy),
      .requestArrived(
        RequestArrival(
          caller: CallerToken(call.packed), route: route, randomness: key, key: hash ?? 0, hasKey: hash != nil)))
  }

  /// One of an attempt's calls has its answer.
  mutating func callAnswered(_ call: CallRecord, status: Int16) {
    // Whoever made this call has failed or stopped at this very instant.
    if call.parent < 0 { return }
    let work = call.parent
    forget(call, of: work)
    let lane = lanes[call.lane]
    let isSuccess = SuccessRule.isSuccess(status: status)
    if !isSuccess && lane.failsList {
      if works[work].openCalls > 1 { abandonCalls(of: work) }
      works[work].status = 500
      leave(work)
      answer(work)
      return
    }
    if call.copiesLeft > 0 {
      self.call(
        from: work, lane: call.lane, copy: lane.count &- call.copiesLeft, copiesLeft: call.copiesLeft &- 1)
      return
    }
    works[work].openCalls &-= 1
    if works[work].openCalls == 0 {
      works[work].step &+= 1
      nextStep(work)
    }
  }

  /// Takes a call that has its answer off the list of those that an attempt waits for.
  private mutating func forget(_ call: CallRecord, of work: Int32) {
    if call.nextSibling >= 0 { calls[call.nextSibling].previousSibling = call.previousSibling }
    if call.previousSibling >= 0 {
      calls[call.previousSibling].nextSibling = call.nextSibling
    } else {
      works[work].firstCall = call.nextSibling
    }
  }

  /// Gives up all calls that an attempt waits for, as soon as what data planes have asked for is done: a call may be answered or
  /// sent by the rest of the list. Complexity: O(calls that it waits for).
  mutating func abandonCalls(of work: Int32) {
    if works[work].phase != .calling { return }
    var index = works[work].firstCall
    while index >= 0 {
      calls[index].parent = -2
      orphans.append(calls.handle(at: index))
      index = calls[index].nextSibling
    }
    works[work].firstCall = -1
    works[work].openCalls = 0
    if !isWorkingOff && orphans.count > 0 { workOffAll() }
  }

  /// Gives up one of the calls whose caller has gone. Returns whether there was one.
  @inline(__always)
  mutating func giveUpOrphan() -> Bool {
    guard orphans.count > 0, let handle = orphans.popLast() else { return false }
    giveUp(handle)
    return true
  }

  private mutating func giveUp(_ handle: SlotHandle) {
    if !calls.contains(handle) { return }
    if isWatching { noteGivenUp(handle) }
    let call = calls[handle.index]
    var attempt = call.work
    while attempt >= 0 {
      let older = works[attempt].older
      cancelWork(attempt)
      attempt = older
    }
    calls.remove(at: handle.index)
    tell(Int(call.plane), .requestAbandoned(call.request))
  }

  /// Frees the worker of an attempt that goes on without it.
  mutating func letWorkerGo(_ work: Int32) {
    if !works[work].holdsWorker { return }
    let replica = works[work].replica
    touch(replica)
    works[work].holdsWorker = false
    replicas[replica].inService &-= 1
    replicas[replica].sojourn &+= now &- works[work].entered
    beginWaiting(replica)
  }
}
