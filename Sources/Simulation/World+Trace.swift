// Tracing: the run is played again with somebody watching, as for an explanation.
//
// What data planes ask for is noted before it is done, what an event is about before it takes effect, and what came of both
// right after it. Nothing is asked that could change the run: no draw is made, no balancer is looked at.

import DataPlane
import MeshCore

extension World {
  /// Runs to the end and tells how it went.
  mutating func trace(
    _ scope: TraceScope, _ isStopped: () -> Bool
  ) throws(SimulationError) -> ReplicationTrace {
    let recording = TraceRecording(scope, faults: faults.states.count, replicas: replicas.count)
    self.recording = recording
    isWatching = true
    begin()
    while let event = try nextEvent() {
      lookBefore(event, recording)
      perform(event)
      lookAfter(event, recording)
      if eventCount & 0xfff == 0 {
        if isStopped() { throw .stopped }
        if works.occupiedCount > mostWorks { throw .tooManyOpen(overloadText()) }
      }
      if isOver { break }
    }
    if now < horizon && measurement.open > 0 { now = horizon }
    recording.endAll(at: now, "still open when the run ends")
    let names = (0..<Int32(replicas.count)).map { replicaName($0) }
    let wanted = measurement.wantedCount
    let result = try finish()
    noteWindows(of: result, recording)
    return ReplicationTrace(
      clients: description.clients.map(\.name), replicas: names, events: recording.ordered,
      requests: recording.requests, wanted: wanted, notes: notes(recording, wanted: wanted), result: result)
  }

  private func notes(_ recording: TraceRecording, wanted: Int64) -> [String] {
    var notes: [String] = []
    let from = recording.scope.from
    if Int64(recording.requests) < wanted {
      let start = from > .zero ? " wanted from \((from - .zero).seconds) s on" : ""
      notes.append("\(recording.requests) of \(wanted) requests are traced, the first ones\(start)")
    }
    if let full = recording.fullSince {
      let at = Timestamp(nanoseconds: full)
      notes.append("queues are told once a window from \((at - .zero).seconds) s on")
    } else if recording.queueEvents >= recording.scope.events {
      notes.append("after \(recording.queueEvents) changes of queues no more are told")
    }
    return notes
  }

  /// What the time line says at the end of each window.
  private func noteWindows(of result: ReplicationResult, _ recording: TraceRecording) {
    let end = Timestamp.zero + result.simulated
    for row in result.timeline {
      let at = min(row.time + settings.window, end)
      recording.note(
        at.nanoseconds, .counts(open: Int(row.inFlight), healthyEndpoints: Int(row.healthyEndpoints)))
    }
  }

  // MARK: - Before and after an event

  /// Notes what an event is about.
  private mutating func lookBefore(_ event: DueEvent, _ recording: TraceRecording) {
    let index = Int32(truncatingIfNeeded: event.argument)
    recording.wanting.client = -1
    switch event.kind {
    case .arrival:
      recording.wanting = (index, clients[index].wanted)
    case .userThought:
      let client = users[index].client
      recording.wanting = (client, clients[client].wanted)
    case .served:
      noteService(index, recording)
      lookAt(work: index, recording)
    case .sharedServed:
      guard let first = sharing[index].first else { return }
      noteService(first.work, recording)
      lookAt(work: first.work, recording)
    case .answerReachesCaller, .failureReachesCaller, .attemptReachesReplica, .attemptReachesQueue, .shedAnswered:
      lookAt(work: index, recording)
    case .answerHandedOn:
      recording.handedOn = slowAnswers[index].call
      callerMayAnswer(slowAnswers[index].call, status: slowAnswers[index].status, recording)
    case .faultBegins, .faultEnds, .restarted:
      recording.fault = (Int(index), faults.states[Int(index)].roundsActive)
    default: break
    }
  }

  /// An event is about a work: its replica's queue may change, and its attempt may end.
  private mutating func lookAt(work: Int32, _ recording: TraceRecording) {
    recording.touch(works[work].replica)
    guard let number = recording.number(ofWork: works.handle(at: work)) else { return }
    if works[work].status > 0 { recording.attempts[number].status = works[work].status }
    recording.doubtful.append(number)
  }

  /// A worker is done with a work.
  private mutating func noteService(_ work: Int32, _ recording: TraceRecording) {
    guard let number = recording.number(ofWork: works.handle(at: work)) else { return }
    let attempt = recording.attempts[number]
    let began = works[work].began
    recording.note(
      began,
      .serves(
        attempt.track, replica: Int(works[work].replica), span: TimeSpan(nanoseconds: now &- began),
        name: recording.calls[attempt.call].name, isWanted: works[work].call.index >= 0))
  }

  /// Notes what came of an event.
  private mutating func lookAfter(_ event: DueEvent, _ recording: TraceRecording) {
    for number in recording.begun where recording.attempts[number].isOpen {
      let work = findWork(of: recording.attempts[number], recording)
      if work >= 0 {
        recording.setWork(works.handle(at: work), ofAttempt: number)
      } else {
        recording.end(attempt: number, at: now, outcome(of: number, recording))
      }
    }
    recording.begun.removeAll(keepingCapacity: true)
    for number in recording.doubtful where recording.attempts[number].isOpen && isGone(number, recording) {
      recording.end(attempt: number, at: now, outcome(of: number, recording))
    }
    recording.doubtful.removeAll(keepingCapacity: true)
    if recording.handedOn != .none {
      if let call = recording.number(ofCall: recording.handedOn), call >= 0 {
        recording.end(call: call, at: now, "handed on to its end")
      }
      recording.handedOn = .none
    }
    if let fault = recording.fault {
      noteRounds(of: fault.index, before: fault.rounds, recording)
      recording.fault = nil
    }
    while recording.told < measurement.events.count {
      let row = measurement.events[recording.told]
      recording.told += 1
      if row.event != "faultBegan" && row.event != "faultEnded" { recording.note(row.time.nanoseconds, .tells(row)) }
    }
    noteQueues(event, recording)
  }

  /// A fault has begun or ended.
  private mutating func noteRounds(of index: Int, before: Int32, _ recording: TraceRecording) {
    let after = faults.states[index].roundsActive
    if after > before {
      let track = recording.newTrack(ofFault: index)
      recording.openRounds[index].append(track.part)
      recording.note(now, .begins(track, name: description.faults[index].summary, at: .world, details: []))
    } else if after < before && !recording.openRounds[index].isEmpty {
      let part = recording.openRounds[index].removeFirst()
      recording.note(now, .ends(TraceTrack(.fault, number: index, part: part), outcome: "ends"))
    }
  }

  /// The queues that have changed; when they are not followed closely, once a window.
  private mutating func noteQueues(_ event: DueEvent, _ recording: TraceRecording) {
    defer { recording.clearTouched() }
    let isClose = recording.isClose(at: now)
    let wasClose = recording.wasClose
    recording.wasClose = isClose
    if !isClose && (event.kind != .windowEnds || recording.queueEvents >= 2 * recording.scope.events) { return }
    if !isClose || !wasClose || event.kind.mayTouchAnyQueue {
      for replica in 0..<Int32(replicas.count) { noteQueue(replica, recording) }
    } else {
      for replica in recording.touched { noteQueue(replica, recording) }
    }
  }

  private mutating func noteQueue(_ replica: Int32, _ recording: TraceRecording) {
    let (waiting, inService) = replicas.modify(replica) { ($0.waiting, $0.inService) }
    let index = Int(replica)
    if waiting == recording.lastWaiting[index] && inService == recording.lastInService[index] { return }
    recording.lastWaiting[index] = waiting
    recording.lastInService[index] = inService
    recording.queueEvents += 1
    recording.note(now, .holds(replica: index, waiting: Int(waiting), inService: Int(inService)))
  }

  // MARK: - Actions

  /// Notes an action that a data plane asks for, before it is done.
  mutating func noteTraced(_ action: Action, _ recording: TraceRecording) {
    switch action {
    case .startAttempt(let start): attemptBegins(start, recording)
    case .cancelAttempt(let attempt, let caller): attemptIsCancelled(attempt, caller, recording)
    case .respond(let caller, _, let status, let cause):
      let words = cause == .endpoint ? "\(status)" : "\(status): \(Self.words(cause))"
      callIsAnswered(caller, status: status, recording)
      if let call = followed(caller, recording) { recording.end(call: call, at: now, words) }
    case .respondSlowly(let caller, _, let status, let rate):
      callIsAnswered(caller, status: status, recording)
      if let call = followed(caller, recording) {
        recording.note(now, .passes(recording.calls[call].track, name: "\(status), handed on at \(rate) KiB a second"))
      }
    case .hold(let caller, _, let reason):
      if let call = followed(caller, recording) {
        let words = reason == .endpoint ? "waits until an endpoint is ready" : "is held up by an injected fault"
        recording.note(now, .passes(recording.calls[call].track, name: words))
      }
    default: break
    }
  }

  private mutating func attemptBegins(_ start: AttemptStart, _ recording: TraceRecording) {
    recording.touch(start.endpoint.number)
    guard let call = followed(start.caller, recording) else { return }
    let isCopy = start.kind == .mirror
    settle(call, recording)
    let isBeside = isCopy || !recording.calls[call].openAttempts.isEmpty
    let own = recording.calls[call].track
    let track = isBeside ? recording.newTrack(ofRequest: own.number) : own
    let kind = ["", "retry", "hedge", "copy"][Int(start.kind.rawValue)]
    let endpoint = replicaName(start.endpoint.number)
    let name = kind.isEmpty ? endpoint : "\(kind) \(start.number): \(endpoint)"
    let number = recording.attempts.count
    recording.attempts.append(
      .init(
        call: call, handle: start.attempt, proxy: calls[SlotHandle(packed: start.caller.value).index].plane,
        isCopy: isCopy, track: track, name: name))
    if isCopy { recording.openCopies.append(number) } else { recording.calls[call].openAttempts.append(number) }
    recording.begun.append(number)
    recording.note(
      now,
      .begins(
        track, name: name, at: .replica(Int(start.endpoint.number)),
        details: [
          TraceDetail("cluster", mesh.clusters[Int(start.cluster)].name),
          TraceDetail("of", recording.calls[call].name),
        ]))
  }

  private mutating func attemptIsCancelled(
    _ attempt: AttemptHandle, _ caller: CallerToken, _ recording: TraceRecording
  ) {
    let handle = SlotHandle(packed: caller.value)
    let call = recording.number(ofCall: handle) ?? -1
    // A copy may outlive the call that it was made of.
    let own = call >= 0 ? recording.calls[call].openAttempts : []
    for number in own + recording.openCopies
    where recording.attempts[number].handle == attempt
      && recording.calls[recording.attempts[number].call].handle == handle
    {
      let work = findWork(of: recording.attempts[number], recording)
      if work >= 0 { recording.touch(works[work].replica) }
      recording.end(attempt: number, at: now, "given up")
      return
    }
    // Nobody follows it, but its place in a queue may come free.
    touchReplicas(of: handle, recording)
  }

  /// The queues that hold a call's attempts may change.
  private mutating func touchReplicas(of handle: SlotHandle, _ recording: TraceRecording) {
    guard calls.contains(handle) else { return }
    var work = calls[handle.index].work
    while work >= 0 {
      recording.touch(works[work].replica)
      work = works[work].older
    }
  }

  /// A call has its answer: its attempts are over for it, copies apart.
  private mutating func callIsAnswered(_ caller: CallerToken, status: Int16, _ recording: TraceRecording) {
    let handle = SlotHandle(packed: caller.value)
    touchReplicas(of: handle, recording)
    callerMayAnswer(handle, status: status, recording)
    guard let call = followed(caller, recording) else { return }
    settle(call, recording)
    for number in recording.calls[call].openAttempts {
      recording.end(attempt: number, at: now, "given up")
    }
  }

  /// A replica's call is answered: the replica may answer itself at this very instant.
  private mutating func callerMayAnswer(_ handle: SlotHandle, status: Int16, _ recording: TraceRecording) {
    guard calls.contains(handle), calls[handle.index].parent >= 0 else { return }
    let record = calls[handle.index]
    recording.touch(works[record.parent].replica)
    guard let parent = recording.number(ofWork: works.handle(at: record.parent)) else { return }
    let fails = !SuccessRule.isSuccess(status: status) && lanes[record.lane].failsList
    recording.attempts[parent].status = fails ? 500 : works[record.parent].status
    recording.doubtful.append(parent)
  }

  /// Ends the attempts of a call whose records are gone.
  private mutating func settle(_ call: Int, _ recording: TraceRecording) {
    for number in recording.calls[call].openAttempts {
      if recording.attempts[number].work == .none {
        // It began in this event: only its call knows its record.
        if findWork(of: recording.attempts[number], recording) >= 0 { continue }
      } else if !isGone(number, recording) {
        continue
      }
      recording.end(attempt: number, at: now, outcome(of: number, recording))
    }
  }

  // MARK: - What happens besides

  /// An attempt breaks, or never gets through.
  mutating func noteBrokenTrace(_ work: Int32, _ failure: TransportFailure, _ recording: TraceRecording) {
    recording.touch(works[work].replica)
    guard let number = findAttempt(ofWork: work, recording) else { return }
    let words =
      switch failure {
      case .refused: "refused"
      case .reset: "reset"
      case .connectTimeout: "connect timeout"
      case .overflow: "circuit breaker overflow"
      }
    recording.end(attempt: number, at: now, words)
  }

  /// A replica, or what stands before it, has no place for an attempt.
  @inline(never)
  mutating func noteTurnedAway(_ work: Int32, status: Int16) {
    guard let recording else { return }
    recording.touch(works[work].replica)
    guard let number = findAttempt(ofWork: work, recording) else { return }
    recording.attempts[number].status = status
    recording.doubtful.append(number)
  }

  /// Whoever made a call has failed or stopped.
  @inline(never)
  mutating func noteGivenUp(_ handle: SlotHandle) {
    guard let recording else { return }
    touchReplicas(of: handle, recording)
    guard let call = recording.number(ofCall: handle), call >= 0 else { return }
    settle(call, recording)
    for number in recording.calls[call].openAttempts {
      recording.end(attempt: number, at: now, "given up")
    }
    recording.end(call: call, at: now, "given up")
  }

  // MARK: - Who is who

  /// The number of a caller's call, which is followed from now on if it is to be; nil when it is not.
  private mutating func followed(_ caller: CallerToken, _ recording: TraceRecording) -> Int? {
    let handle = SlotHandle(packed: caller.value)
    if let known = recording.number(ofCall: handle) { return known >= 0 ? known : nil }
    guard calls.contains(handle) else { return nil }
    let record = calls[handle.index]
    let call: TraceRecording.FollowedCall
    let place: TracePlace
    if record.isOfClient {
      guard recording.takes(wantedAt: record.wanted) else {
        recording.setNumber(-1, ofCall: handle)
        return nil
      }
      let isNew = recording.wanting.client == record.client && record.wanted == now
      // The number that `--explain` knows it by.
      let own = isNew ? " \(recording.wanting.number)" : ""
      let name = description.clients[Int(record.client)].name + own
      call = .init(handle: handle, track: recording.newTrack(ofRequest: recording.requests), name: name)
      recording.requests += 1
      place = .client(Int(record.client))
    } else {
      guard record.parent >= 0, let parent = recording.number(ofWork: works.handle(at: record.parent)) else {
        recording.setNumber(-1, ofCall: handle)
        return nil
      }
      let root = recording.attempts[parent].track.number
      let name = "call of \(replicaName(works[record.parent].replica))"
      call = .init(handle: handle, track: recording.newTrack(ofRequest: root), name: name)
      place = .replica(Int(works[record.parent].replica))
    }
    let number = recording.calls.count
    recording.calls.append(call)
    recording.setNumber(number, ofCall: handle)
    recording.note(
      record.wanted,
      .begins(
        call.track, name: call.name, at: place, details: [TraceDetail("data plane", proxyName(Int(record.plane)))]))
    return number
  }

  /// The record of an attempt, or -1 when it has none any more.
  private mutating func findWork(
    of attempt: TraceRecording.FollowedAttempt, _ recording: TraceRecording
  ) -> Int32 {
    var call = recording.calls[attempt.call].handle
    if attempt.isCopy {
      let proxy = Int(attempt.proxy)
      guard Int(attempt.handle.index) < proxies[proxy].copies.count else { return -1 }
      call = proxies[proxy].copies[attempt.handle.index]
      guard calls.contains(call), calls[call.index].request == attempt.handle else { return -1 }
    }
    guard calls.contains(call) else { return -1 }
    var work = calls[call.index].work
    while work >= 0 && works[work].attempt != attempt.handle { work = works[work].older }
    return work
  }

  /// The number of the attempt that a work belongs to, if it is followed; also when it has begun in this very event.
  private mutating func findAttempt(ofWork work: Int32, _ recording: TraceRecording) -> Int? {
    if let number = recording.number(ofWork: works.handle(at: work)) { return number }
    guard let call = recording.number(ofCall: works[work].call), call >= 0 else { return nil }
    let handle = works[work].attempt
    return recording.calls[call].openAttempts.first { recording.attempts[$0].handle == handle }
  }

  /// Whether nobody waits for an attempt any more whose record is known.
  private mutating func isGone(_ number: Int, _ recording: TraceRecording) -> Bool {
    let work = recording.attempts[number].work
    return !works.contains(work) || works[work.index].call.index < 0
  }

  /// How an attempt has ended of whose end nothing else is known.
  private mutating func outcome(of number: Int, _ recording: TraceRecording) -> String {
    let attempt = recording.attempts[number]
    if works.contains(attempt.work) { return "given up" }
    return attempt.status > 0 ? "\(attempt.status)" : "turned away"
  }
}

extension EventKind {
  /// Whether queues may change at it whose replicas neither it nor what data planes ask for names.
  fileprivate var mayTouchAnyQueue: Bool {
    switch self {
    case .arrival, .userThought, .served, .sharedServed, .answerReachesCaller, .attemptReachesReplica,
      .attemptReachesQueue, .failureReachesCaller, .attemptLeavesCaller, .timer, .backgroundTimer, .discovered,
      .probeReachesReplica, .probeReturns, .healthCheckReachesReplica, .healthCheckReturns, .shedAnswered,
      .answerHandedOn, .readinessProbed, .readinessProbeTimedOut, .published, .canaryChecked, .windowEnds,
      .warmUpEnds, .arrivalsStop:
      return false
    default: return true
    }
  }
}
