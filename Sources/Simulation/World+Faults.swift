// Faults as they begin and end.

import DataPlane
import MeshCore

extension World {
  // MARK: - Beginning and ending

  /// Schedules one round of a fault. Both ends go on the wheel at once, so that what is planned for the very instant in which it
  /// ends does not meet it.
  mutating func scheduleRound(_ index: Int, at start: Int64) {
    if start > horizon { return }
    _ = wheel.schedule(at: start, .faultBegins, UInt64(index))
    let duration = faults.states[index].duration
    if duration < .max { _ = wheel.schedule(at: start.addingClamped(duration), .faultEnds, UInt64(index)) }
  }

  mutating func faultBegins(_ index: Int) {
    faults.states[index].roundsActive += 1
    faults.states[index].rounds &+= 1
    let state = faults.states[index]
    let fault = description.faults[index]
    note("faultBegan", fault.summary)
    if state.period > 0 { scheduleRound(index, at: now.addingClamped(state.period)) }
    apply(fault.kind, index: index, isBeginning: true)
  }

  mutating func faultEnds(_ index: Int) {
    if !faults.states[index].isActive { return }
    faults.states[index].roundsActive -= 1
    note("faultEnded", description.faults[index].summary)
    apply(description.faults[index].kind, index: index, isBeginning: false)
  }

  private mutating func apply(_ kind: FaultKind, index: Int, isBeginning: Bool) {
    let step: Int32 = isBeginning ? 1 : -1
    switch kind {
    case .crash(let targets):
      forEachReplica(of: targets) { world, replica in
        world.faults.crashes[replica] += step
        if isBeginning { world.goDown(replica, isSilent: false) } else { world.comeUp(replica) }
      }
    case .hang(let targets):
      forEachReplica(of: targets) { world, replica in
        world.faults.hangs[replica] += step
        if isBeginning { world.goDown(replica, isSilent: true) } else { world.comeUp(replica) }
      }
    case .restart(let targets, let down):
      if !isBeginning { return }
      forEachReplica(of: targets) { world, replica in
        world.faults.restarts[replica] += 1
        world.goDown(replica, isSilent: false)
      }
      _ = wheel.schedule(at: now.addingClamped(down.nanoseconds), .restarted, UInt64(index))
    case .slow(let targets, _, _):
      forEachReplica(of: targets) { world, replica in world.resetSpeed(replica) }
    case .delay(let targets, _):
      forEachReplica(of: targets) { world, replica in
        world.faults.delays[replica] += step
        world.resetCondition(replica)
      }
    case .errors(let targets, _, _, _, _):
      forEachReplica(of: targets) { world, replica in
        world.faults.errors[replica] += step
        world.resetCondition(replica)
      }
    case .healthCheckFail(let targets):
      forEachReplica(of: targets) { world, replica in
        world.faults.leaves[replica] += step
        world.resetCondition(replica)
      }
    case .pause:
      if isBeginning {
        pauseBegins(fault: index)
      } else {
        wheel.cancel(faults.states[index].pauseBegin)
        wheel.cancel(faults.states[index].pauseEnd)
        releasePause(fault: index)
      }
    case .partition, .loss:
      break
    case .scale(let service, let count):
      scale(service: service, to: isBeginning ? count : countAfterScaling(service))
    case .discoveryFrozen(let only):
      for service in 0..<services.count where only ?? service == service {
        faults.freezes[service] += step
        if faults.freezes[service] == 0 { discoveryThaws(ofService: service) }
      }
    case .certificateExpired(let service):
      faults.expiredCertificates[service] += step
    }
  }

  /// What a service's count is when a `scale` has ended: that of the latest one that still lasts, or what it was at first.
  private func countAfterScaling(_ service: Int) -> Int {
    var count = description.services[service].replicas.count
    var latest: Int64 = -1
    for index in 0..<faults.states.count where faults.states[index].isActive {
      guard case .scale(service, let wanted) = description.faults[index].kind else { continue }
      let state = faults.states[index]
      let began = state.at &+ Int64(state.rounds &- 1) &* state.period
      if began >= latest { (latest, count) = (began, wanted) }
    }
    return count
  }

  /// Calls `body` for each replica that is meant.
  private mutating func forEachReplica(
    of targets: [FaultTarget], _ body: (inout World, Int32) -> Void
  ) {
    for target in targets {
      let service = services[target.service]
      if let numbers = target.replicas {
        for number in numbers where number < Int(service.replicaRoom) {
          body(&self, service.firstReplica &+ Int32(number))
        }
      } else {
        for number in 0..<service.replicaRoom { body(&self, service.firstReplica &+ number) }
      }
    }
  }

  /// Whether a replica takes no connections.
  func isDown(_ replica: Int32) -> Bool {
    let condition = replicas[replica].condition
    return condition.contains(.crashed) || condition.contains(.absent) || condition.contains(.restarting)
  }

  /// Sets a replica's condition from what strikes it.
  mutating func resetCondition(_ replica: Int32) {
    var condition = replicas[replica].condition.intersection([
      .draining, .absent, .observed, .reporting, .limited, .shedding,
    ])
    if faults.crashes[replica] > 0 { condition.insert(.crashed) }
    if faults.hangs[replica] > 0 { condition.insert(.hung) }
    if faults.restarts[replica] > 0 { condition.insert(.restarting) }
    if faults.delays[replica] > 0 { condition.insert(.delayed) }
    if faults.errors[replica] > 0 { condition.insert(.erring) }
    if faults.leaves[replica] > 0 { condition.insert(.leaving) }
    replicas[replica].condition = condition
  }

  // MARK: - Down and up

  /// A replica stops: what it has is reset, or (silently) never answered.
  private mutating func goDown(_ replica: Int32, isSilent: Bool) {
    resetCondition(replica)
    touch(replica)
    for work in 0..<Int32(works.slotCount) where works.isOccupied(work) && works[work].replica == replica {
      switch works[work].phase {
      case .heldUp, .waiting, .inService, .calling: drop(work, isSilent: isSilent)
      case .connecting, .travelling, .answering, .lost: break
      }
    }
    forgetWork(replica)
    watchReadiness(replica)
    if !isSilent {
      closeConnections(of: replica)
      closeCheckConnections(of: replica)
    }
    releaseHealthChecks(at: replica)
    mayBeGone(replica)
  }

  /// Takes a work away from its replica without serving anybody in its place.
  private mutating func drop(_ work: Int32, isSilent: Bool) {
    let replica = works[work].replica
    abandonCalls(of: work)
    let isWanted = works[work].call.index >= 0
    wheel.cancel(works[work].event)
    works[work].event = .none
    switch works[work].phase {
    case .waiting:
      dequeue(work, replica: replica)
      replicas[replica].sojourn &+= now &- works[work].entered
      if !isWanted { countAbandoned(work) }
    case .heldUp:
      if !isWanted { countAbandoned(work) }
    default:
      works[work].demand &-= serviceLeft(work)
      if !isWanted { countWaste(work) }
      if works[work].holdsWorker && replicas[replica].discipline == 2 {
        leaveSharing(work, replica: replica)
      } else if works[work].holdsWorker {
        works[work].holdsWorker = false
        replicas[replica].inService &-= 1
        replicas[replica].sojourn &+= now &- works[work].entered
      }
    }
    if !isWanted {
      removeWork(work)
    } else if isSilent {
      loseWork(work)
    } else {
      failBack(work, .reset)
    }
  }

  /// A replica is back, if nothing else keeps it down: fresh, with nothing to do.
  private mutating func comeUp(_ replica: Int32) {
    let wasGone = isDown(replica)
    let wasDown = wasGone || replicas[replica].condition.contains(.hung)
    resetCondition(replica)
    if wasGone && !isDown(replica) { containerStarts(replica) }
    if wasDown && !isDown(replica) && !replicas[replica].condition.contains(.hung) { replicas[replica].started = now }
  }

  mutating func restarted(fault: Int) {
    guard case .restart(let targets, _) = description.faults[fault].kind else { return }
    forEachReplica(of: targets) { world, replica in
      world.faults.restarts[replica] = max(0, world.faults.restarts[replica] - 1)
      world.comeUp(replica)
    }
    faults.states[fault].roundsActive -= 1
    note("faultEnded", description.faults[fault].summary)
  }

  /// A fault has held an attempt up long enough. The replica may have gone meanwhile.
  mutating func heldUpEnds(_ work: Int32) {
    works[work].event = .none
    if !isDown(works[work].replica) {
      enter(work)
    } else if works[work].call.index < 0 {
      countAbandoned(work)
      removeWork(work)
    } else {
      failBack(work, .reset)
    }
  }

  /// Looks at what strikes the replica an attempt has come to. Returns whether it may go on to the queue now.
  mutating func isLetIn(_ work: Int32) -> Bool {
    let replica = works[work].replica
    let condition = replicas[replica].condition
    if isDown(replica) {
      let pair = Int(works[work].plane) &* network.rowCount &+ Int(works[work].row)
      let wasConnected = hasPaths && network.connections[pair].opening == 0
      // Whoever thought himself connected knows better now.
      if wasConnected { closeShared(Int32(truncatingIfNeeded: pair), cluster: rows[works[work].row].cluster) }
      if works[work].call.index < 0 {
        removeWork(work)
      } else {
        failBack(work, wasConnected ? .reset : .refused)
      }
      return false
    }
    if condition.contains(.hung) {
      loseWork(work)
      return false
    }
    if condition.contains(.limited) && isRefusedAtInbound(work) { return false }
    if condition.contains(.erring) { decideErrors(work) }
    if condition.contains(.delayed) {
      let extra = faultDelay(replica: replica, works[work].key)
      works[work].phase = .heldUp
      works[work].event = wheel.schedule(
        at: now.addingClamped(extra), .attemptReachesQueue, UInt64(UInt32(bitPattern: work)))
      return false
    }
    return true
  }

  /// Draws whether a fault makes the attempt fail; the service's own errors are drawn later and independently.
  private mutating func decideErrors(_ work: Int32) {
    guard let error = decidedError(replica: works[work].replica, works[work].key.key(for: .error)) else { return }
    works[work].status = error.status
    if let retryAfter = error.retryAfter { remark(work, retryAfter: retryAfter, status: error.status) }
    if error.time >= 0 {
      works[work].demand = distributions.sample(error.time, works[work].key.key(for: .demand))
      works[work].isDecided = true
    }
  }

  /// The first fault that makes what has come to a replica fail: with which status, and the distribution of how long that takes, or -1.
  mutating func decidedError(
    replica: Int32, _ key: RandomKey
  ) -> (status: Int16, time: Int32, retryAfter: TimeSpan?)? {
    for index in 0..<faults.states.count where faults.states[index].isActive {
      guard case .errors(let targets, let rate, let status, let time, let retryAfter) = description.faults[index].kind
      else { continue }
      if !strikes(targets, replica) { continue }
      if unitInterval(key.key(faults.states[index].seat).draw(0)) >= rate { continue }
      return (Int16(clamping: status), time == nil ? -1 : faults.states[index].distribution, retryAfter)
    }
    return nil
  }

  /// How long faults hold up what has come to a replica.
  mutating func faultDelay(replica: Int32, _ requestKey: RandomKey) -> Int64 {
    let key = requestKey.key(for: .faultDelay)
    var sum: Int64 = 0
    for index in 0..<faults.states.count where faults.states[index].isActive {
      guard case .delay(let targets, _) = description.faults[index].kind else { continue }
      if !strikes(targets, replica) { continue }
      sum = sum.addingClamped(
        distributions.sample(faults.states[index].distribution, key.key(faults.states[index].seat)))
    }
    return sum
  }

  /// Whether a replica is among a fault's targets.
  mutating func strikes(_ targets: [FaultTarget], _ replica: Int32) -> Bool {
    targets.contains { target in
      target.service == Int(replicas[replica].service)
        && (target.replicas?.contains(Int(replicas[replica].number)) ?? true)
    }
  }

  // MARK: - Speed

  /// Sets how fast a replica serves, from its own speed, what it has drawn and what strikes it.
  mutating func resetSpeed(_ replica: Int32) {
    let isObserved = replicas[replica].condition.contains(.observed)
    if isObserved { advanceWork(replica) }
    var stretch = 1 / (replicas[replica].speed * replicas[replica].fluctuation)
    var rate: Double = 1
    for index in 0..<faults.states.count where faults.states[index].isActive {
      guard case .slow(let targets, let factor, let affectsRunning) = description.faults[index].kind else { continue }
      if !strikes(targets, replica) { continue }
      if affectsRunning { rate /= factor } else { stretch *= factor }
    }
    if replicas[replica].holds > 0 { rate = 0 }
    replicas[replica].stretch = stretch
    setRate(rate, replica)
    let service = services[replicas[replica].service]
    replicas[replica].isPlain =
      stretch == 1 && rate == 1 && service.perConcurrent == 0 && service.coldStartFactor <= 1 && !isObserved
      && !replicas[replica].condition.contains(.shedding)
    if isObserved { tellWork(replica) }
  }

  /// Changes the rate of what runs. Complexity: O(works in flight), only when the rate really changes.
  private mutating func setRate(_ rate: Double, _ replica: Int32) {
    let old = replicas[replica].rate
    if rate == old { return }
    if replicas[replica].discipline == 2 { advanceSharing(replica) }
    replicas[replica].rate = rate
    if replicas[replica].discipline == 2 {
      scheduleSharing(replica)
      return
    }
    for work in 0..<Int32(works.slotCount)
    where works.isOccupied(work) && works[work].replica == replica && works[work].phase == .inService {
      // Whoever began when nothing was special has its whole demand left.
      if works[work].remaining < 0 { works[work].remaining = Double(works[work].demand) }
      works[work].remaining = max(0, works[work].remaining - Double(now &- works[work].began) * old)
      works[work].began = now
      wheel.cancel(works[work].event)
      schedule(work, rate: rate)
    }
  }

  // MARK: - Pauses, antagonists, fluctuation

  mutating func pauseBegins(fault index: Int) {
    guard case .pause(let targets, let every, let length) = description.faults[index].kind else { return }
    if !faults.states[index].isActive { return }
    faults.states[index].pauseBegin = wheel.schedule(
      at: now.addingClamped(every.nanoseconds), .pauseBegins, UInt64(index))
    if faults.states[index].isHolding { return }
    faults.states[index].isHolding = true
    forEachReplica(of: targets) { world, replica in world.hold(replica, 1) }
    faults.states[index].pauseEnd = wheel.schedule(
      at: now.addingClamped(length.nanoseconds), .pauseEnds, UInt64(index))
  }

  mutating func pauseEnds(fault index: Int) {
    releasePause(fault: index)
  }

  private mutating func releasePause(fault index: Int) {
    guard case .pause(let targets, _, _) = description.faults[index].kind else { return }
    if !faults.states[index].isHolding { return }
    faults.states[index].isHolding = false
    forEachReplica(of: targets) { world, replica in world.hold(replica, -1) }
  }

  /// Holds a replica's work, or lets it go on.
  private mutating func hold(_ replica: Int32, _ change: Int32) {
    replicas[replica].holds += change
    resetSpeed(replica)
    if replicas[replica].holds == 0 { releaseHealthChecks(at: replica) }
  }

  mutating func antagonistTakes(replica: Int32) {
    guard let antagonist = description.services[Int(replicas[replica].service)].antagonist else { return }
    hold(replica, 1)
    let share = Int64((Double(antagonist.period.nanoseconds) * antagonist.share).rounded())
    _ = wheel.schedule(at: now.addingClamped(share), .antagonistGives, UInt64(UInt32(bitPattern: replica)))
  }

  mutating func antagonistGives(replica: Int32) {
    hold(replica, -1)
    guard let antagonist = description.services[Int(replicas[replica].service)].antagonist else { return }
    scheduleAntagonist(replica, antagonist, round: (now - 1) / antagonist.period.nanoseconds + 1)
  }

  /// Schedules an antagonist's turn in period number `round`: it begins at a drawn moment and ends within the period.
  mutating func scheduleAntagonist(_ replica: Int32, _ antagonist: AntagonistDescription, round: Int64) {
    let period = antagonist.period.nanoseconds
    let room = Double(period) * (1 - antagonist.share)
    let key = RandomKey(
      seed: seed, replication: replicationNumber, purpose: .antagonist,
      entity: nameHash(description.services[Int(replicas[replica].service)].name))
    let draw = unitInterval(key.key(UInt64(replicas[replica].number)).draw(UInt64(round)))
    let at = max(now, (round &* period).addingClamped(Int64((room * draw).rounded(.down))))
    if at <= horizon { _ = wheel.schedule(at: at, .antagonistTakes, UInt64(UInt32(bitPattern: replica))) }
  }

  /// Each replica of a service draws its speed for the time to come.
  mutating func fluctuates(service: Int32) {
    guard let fluctuation = description.services[Int(service)].fluctuation else { return }
    let round = now / fluctuation.every.nanoseconds
    let key = RandomKey(
      seed: seed, replication: replicationNumber, purpose: .fluctuation,
      entity: nameHash(description.services[Int(service)].name))
    for number in 0..<services[service].replicaRoom {
      let replica = services[service].firstReplica &+ number
      let bits = key.key(UInt64(number)).draw(UInt64(round))
      let place = Int(bits.multipliedFullWidth(by: UInt64(fluctuation.factors.count)).high)
      replicas[replica].fluctuation = fluctuation.factors[place]
      resetSpeed(replica)
    }
    let next = now.addingClamped(fluctuation.every.nanoseconds)
    if next <= horizon { _ = wheel.schedule(at: next, .fluctuates, UInt64(service)) }
  }
}
