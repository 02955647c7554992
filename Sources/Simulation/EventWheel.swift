// The event list: an exact hierarchical timing wheel on integer nanoseconds.
//
// Eleven levels of 64 slots cover 64 bits of time: a level for each digit of the time in base 64. An event sits on the level
// of the highest digit in which its time differs from the wheel's present, in the slot of that digit. Popping takes the lowest
// occupied slot; on level 0 a slot is one very nanosecond, above it the slot's events are spread over the levels below
// ("cascade"), or taken at once when there is but one. After Varghese and Lauck, Hashed and Hierarchical Timing Wheels, 1987,
// made exact as in a radix heap.
//
// Tie rule: events at the same instant come in the order in which they were scheduled. Events are appended to their slot's
// end and cascade in order, so no sequence number is needed; the tests hold the pop order against a heap on (time, sequence).

import MeshCore

/// What the wheel gives back: an event that is due.
struct DueEvent: BitwiseCopyable {
  /// When.
  var time: Int64
  /// What kind.
  var kind: EventKind
  /// Whom it concerns.
  var argument: UInt64
}

/// Names a scheduled event, to cancel it. Stale once the event has come or was cancelled.
struct EventHandle: BitwiseCopyable, Hashable {
  var index: Int32
  var generation: UInt32

  /// No event.
  static var none: EventHandle { EventHandle(index: -1, generation: 0) }
}

/// A set of events ordered by (time, order of scheduling).
///
/// Complexity: scheduling and cancelling O(1); popping O(1) amortised (an event cascades at most once a level, in practice 3 to
/// 4 times). Memory grows to the peak of pending events and stays. Time never runs backwards: scheduling before the last
/// popped event is a programming error and stops the process.
struct EventWheel: ~Copyable {
  struct Node: BitwiseCopyable {
    var time: Int64
    var argument: UInt64
    var previous: Int32
    var next: Int32
    var generation: UInt32
    var slot: UInt16
    var kind: EventKind
  }

  private static let slotsPerLevel = 64
  private static let levels = 11

  private var nodes: Pool<Node>
  private var firstFree: Int32
  private var heads: Pool<Int32>
  private var tails: Pool<Int32>
  /// One bit a slot, one word a level; the last word is a sentinel that ends the search on an empty wheel.
  private var occupied: Pool<UInt64>
  /// The present: never later than any pending event.
  private var last: Int64
  /// How many events are pending.
  private(set) var count: Int

  init() {
    nodes = Pool(capacity: 1024)
    firstFree = -1
    heads = Pool(repeating: -1, count: Self.levels * Self.slotsPerLevel)
    tails = Pool(repeating: -1, count: Self.levels * Self.slotsPerLevel)
    occupied = Pool(repeating: 0, count: Self.levels + 1)
    occupied[Self.levels] = 1
    last = 0
    count = 0
  }

  /// Adds an event at `time`, which must not lie before the last popped one.
  @inline(__always)
  mutating func schedule(at time: Int64, _ kind: EventKind, _ argument: UInt64) -> EventHandle {
    precondition(time >= last, "an event lies in the future")
    var index = firstFree
    if index >= 0 {
      firstFree = nodes[index].next
    } else {
      index = Int32(truncatingIfNeeded: nodes.count)
      nodes.append(
        Node(time: 0, argument: 0, previous: -1, next: -1, generation: 1, slot: 0, kind: kind))
    }
    nodes[index].time = time
    nodes[index].argument = argument
    nodes[index].kind = kind
    link(index)
    count &+= 1
    return EventHandle(index: index, generation: nodes[index].generation)
  }

  /// Takes an event out. Returns false when it has come or was cancelled before.
  @inline(__always)
  @discardableResult
  mutating func cancel(_ handle: EventHandle) -> Bool {
    if handle.index < 0 || nodes[handle.index].generation != handle.generation { return false }
    unlink(handle.index)
    release(handle.index)
    return true
  }

  /// The next event, if it lies at or before `horizon`.
  @inline(__always)
  mutating func next(until horizon: Int64) -> DueEvent? {
    while true {
      var level = 0
      while occupied[level] == 0 { level &+= 1 }
      if level == Self.levels { return nil }
      let digit = occupied[level].trailingZeroBitCount
      let slot = level &* Self.slotsPerLevel &+ digit
      let first = heads[slot]
      let time = nodes[first].time
      if level == 0 || nodes[first].next < 0 {
        if time > horizon { return nil }
        let event = DueEvent(time: time, kind: nodes[first].kind, argument: nodes[first].argument)
        last = time
        unlink(first)
        release(first)
        return event
      }
      let shift = Int64(6 &* level)
      let start = (time >> shift) << shift
      // Beyond the horizon nothing is spread: a later event may still be scheduled before this slot begins.
      if start > horizon { return nil }
      last = start
      cascade(slot, level: level, digit: digit)
    }
  }

  private mutating func cascade(_ slot: Int, level: Int, digit: Int) {
    var index = heads[slot]
    heads[slot] = -1
    tails[slot] = -1
    occupied[level] &= ~(1 << UInt64(digit))
    while index >= 0 {
      let following = nodes[index].next
      link(index)
      index = following
    }
  }

  @inline(__always)
  private mutating func link(_ index: Int32) {
    let time = nodes[index].time
    let difference = UInt64(bitPattern: time ^ last)
    let level = (63 &- (difference | 1).leadingZeroBitCount) / 6
    let digit = Int(truncatingIfNeeded: time >> Int64(6 &* level)) & 63
    let slot = level &* Self.slotsPerLevel &+ digit
    let tail = tails[slot]
    nodes[index].slot = UInt16(truncatingIfNeeded: slot)
    nodes[index].next = -1
    nodes[index].previous = tail
    if tail < 0 {
      heads[slot] = index
      occupied[level] |= 1 << UInt64(digit)
    } else {
      nodes[tail].next = index
    }
    tails[slot] = index
  }

  @inline(__always)
  private mutating func unlink(_ index: Int32) {
    let slot = Int(nodes[index].slot)
    let previous = nodes[index].previous
    let next = nodes[index].next
    if previous < 0 { heads[slot] = next } else { nodes[previous].next = next }
    if next < 0 { tails[slot] = previous } else { nodes[next].previous = previous }
    if heads[slot] < 0 { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
  }

  @inline(__always)
  private mutating func release(_ index: Int32) {
    nodes[index].generation &+= 1
    nodes[index].next = firstFree
    firstFree = index
    count &-= 1
  }
}
