// What is noted of a replication while it is traced: which calls and attempts are followed, and the events so far.
//
// Records in the world come and go in slots, so what is known of them is kept by slot, with the slot's generation. A call
// is followed from the first action that concerns it; an attempt's work record is found after the event that it began in,
// and is looked for again after every event that may have ended it.

import DataPlane
import MeshCore

/// The notes of a trace. A class: whoever takes them is looking at the world meanwhile.
final class TraceRecording {
  /// A client's request, or a call that a replica makes.
  struct FollowedCall {
    let handle: SlotHandle
    let track: TraceTrack
    let name: String
    var isOpen = true
    /// Its attempts that have not ended, copies apart.
    var openAttempts: [Int] = []
  }

  /// One attempt.
  struct FollowedAttempt {
    let call: Int
    let handle: AttemptHandle
    let proxy: Int32
    let isCopy: Bool
    let track: TraceTrack
    let name: String
    /// Its record; none before it is found.
    var work: SlotHandle = .none
    /// Its answer's status, as far as it is known; 0 before.
    var status: Int16 = 0
    var isOpen = true
  }

  let scope: TraceScope
  var events: [TraceEvent] = []
  var calls: [FollowedCall] = []
  var attempts: [FollowedAttempt] = []
  /// Copies that have not ended.
  var openCopies: [Int] = []
  /// How many client requests are followed.
  var requests = 0
  /// When a request was left out for the first time because there were enough.
  var fullSince: Int64?

  // What the event that runs is about.
  /// The client that wants a request, and the request's number among its own.
  var wanting: (client: Int32, number: UInt64) = (-1, 0)
  /// Attempts that began in it.
  var begun: [Int] = []
  /// Attempts that may have ended in it.
  var doubtful: [Int] = []
  /// A fault and its rounds before.
  var fault: (index: Int, rounds: Int32)?
  /// Who has its answer handed on in parts, to its end.
  var handedOn: SlotHandle = .none

  /// By fault: the rounds that are open, the oldest first; and how many there have been.
  var openRounds: [[Int]]
  private var rounds: [Int]
  /// Lines of the event list that are told.
  var told = 0

  // Queues.
  private var isTouched: [Bool]
  private(set) var touched: [Int32] = []
  var lastWaiting: [Int32]
  var lastInService: [Int32]
  /// How many events of queues there are.
  var queueEvents = 0
  /// Whether the event before was one at which queues were followed closely.
  var wasClose = false

  /// By slot of a call, and of a work: whose it was last, and its number here, -1 when it is not followed.
  private var callOfSlot: [(generation: UInt32, number: Int)] = []
  private var attemptOfSlot: [(generation: UInt32, number: Int)] = []
  /// By request: tracks so far.
  private var parts: [Int] = []

  init(_ scope: TraceScope, faults: Int, replicas: Int) {
    self.scope = scope
    openRounds = Array(repeating: [], count: faults)
    rounds = Array(repeating: 0, count: faults)
    isTouched = Array(repeating: false, count: replicas)
    lastWaiting = Array(repeating: 0, count: replicas)
    lastInService = Array(repeating: 0, count: replicas)
  }

  /// Whether requests that are wanted now are followed.
  func takes(wantedAt wanted: Int64) -> Bool {
    if wanted < scope.from.nanoseconds { return false }
    if requests < scope.requests && events.count - queueEvents < scope.events { return true }
    if fullSince == nil { fullSince = wanted }
    return false
  }

  /// Whether each change of a queue is told now.
  func isClose(at now: Int64) -> Bool {
    now >= scope.from.nanoseconds && fullSince == nil && queueEvents < scope.events
  }

  /// A new track of the request `number`.
  func newTrack(ofRequest number: Int) -> TraceTrack {
    while parts.count <= number { parts.append(0) }
    defer { parts[number] += 1 }
    return TraceTrack(.request, number: number, part: parts[number])
  }

  /// The track of a fault's next round.
  func newTrack(ofFault index: Int) -> TraceTrack {
    defer { rounds[index] += 1 }
    return TraceTrack(.fault, number: index, part: rounds[index])
  }

  func note(_ time: Int64, _ kind: TraceEvent.Kind) {
    events.append(TraceEvent(time: Timestamp(nanoseconds: time), kind))
  }

  /// A replica's queue may have changed.
  func touch(_ replica: Int32) {
    if isTouched[Int(replica)] { return }
    isTouched[Int(replica)] = true
    touched.append(replica)
  }

  func clearTouched() {
    for replica in touched { isTouched[Int(replica)] = false }
    touched.removeAll(keepingCapacity: true)
  }

  // MARK: - By slot

  /// The number of a call; -1 when it is known not to be followed, nil when nothing is known of it.
  func number(ofCall handle: SlotHandle) -> Int? {
    guard handle.index >= 0, Int(handle.index) < callOfSlot.count else { return nil }
    let known = callOfSlot[Int(handle.index)]
    return known.generation == handle.generation ? known.number : nil
  }

  func setNumber(_ number: Int, ofCall handle: SlotHandle) {
    // Generations begin at 1.
    while callOfSlot.count <= Int(handle.index) { callOfSlot.append((0, -1)) }
    callOfSlot[Int(handle.index)] = (handle.generation, number)
  }

  /// The number of the attempt that a work belongs to, if it is followed.
  func number(ofWork handle: SlotHandle) -> Int? {
    guard handle.index >= 0, Int(handle.index) < attemptOfSlot.count else { return nil }
    let known = attemptOfSlot[Int(handle.index)]
    return known.generation == handle.generation && known.number >= 0 ? known.number : nil
  }

  func setWork(_ handle: SlotHandle, ofAttempt number: Int) {
    while attemptOfSlot.count <= Int(handle.index) { attemptOfSlot.append((0, -1)) }
    attemptOfSlot[Int(handle.index)] = (handle.generation, number)
    attempts[number].work = handle
  }

  // MARK: - Ends

  /// An attempt ends, if it has not.
  func end(attempt number: Int, at now: Int64, _ outcome: String) {
    if !attempts[number].isOpen { return }
    attempts[number].isOpen = false
    if attempts[number].isCopy {
      openCopies.removeAll { $0 == number }
    } else {
      calls[attempts[number].call].openAttempts.removeAll { $0 == number }
    }
    note(now, .ends(attempts[number].track, outcome: outcome))
  }

  /// A call ends, if it has not; its attempts have.
  func end(call number: Int, at now: Int64, _ outcome: String) {
    if !calls[number].isOpen { return }
    calls[number].isOpen = false
    note(now, .ends(calls[number].track, outcome: outcome))
  }

  /// Ends whatever is open: attempts before the calls around them.
  func endAll(at now: Int64, _ outcome: String) {
    for number in attempts.indices { end(attempt: number, at: now, outcome) }
    for number in calls.indices { end(call: number, at: now, outcome) }
    for fault in openRounds.indices {
      for part in openRounds[fault] {
        note(now, .ends(TraceTrack(.fault, number: fault, part: part), outcome: "lasts to the end"))
      }
      openRounds[fault] = []
    }
  }

  /// The events by time; those of one instant stay in their order.
  var ordered: [TraceEvent] {
    let order = events.indices.sorted { (events[$0].time, $0) < (events[$1].time, $1) }
    return order.map { events[$0] }
  }
}
