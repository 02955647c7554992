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

  /// The first and last event of a slot, or -1.
  struct SlotEnds: BitwiseCopyable {
    var head: Int32
    var tail: Int32
  }

  private static let slotsPerLevel = 64
  private static let levels = 11

  private var nodes: Pool<Node>
  private var firstFree: Int32
  private var slots: WrappingTable<SlotEnds>
  /// One bit a slot, one word a level.
  private var occupied: WrappingTable<UInt64>
  /// One bit a level that has any event.
  private var occupiedLevels: UInt64
  /// The present: never later than any pending event.
  private var last: Int64
  /// How many events are pending.
  private(set) var count: Int

  init() {
    nodes = Pool(capacity: 1024)
    firstFree = -1
    slots = WrappingTable(repeating: SlotEnds(head: -1, tail: -1), count: Self.levels * Self.slotsPerLevel)
    occupied = WrappingTable(repeating: 0, count: Self.levels)
    occupiedLevels = 0
    last = 0
    count = 0
  }

  /// Adds an event at `time`, which must not lie before the last popped one.
  @inline(never)
  mutating func schedule(at time: Int64, _ kind: EventKind, _ argument: UInt64) -> EventHandle {
    scheduleInPlace(at: time, kind, argument)
  }

  /// The same without a call, for the hottest places.
  @inline(__always)
  mutating func scheduleInPlace(at time: Int64, _ kind: EventKind, _ argument: UInt64) -> EventHandle {
    precondition(time >= last, "an event lies in the future")
    if firstFree < 0 { addNodes() }
    let (slot, digit) = place(of: time)
    let tail = slots[slot].tail
    let index = firstFree
    let (next, generation) = nodes.modify(index) { node in
      let next = node.next
      node.time = time
      node.argument = argument
      node.previous = tail
      node.next = -1
      node.slot = UInt16(truncatingIfNeeded: slot)
      node.kind = kind
      return (next, node.generation)
    }
    firstFree = next
    join(index, slot: slot, digit: digit, behind: tail)
    count &+= 1
    return EventHandle(index: index, generation: generation)
  }

  /// Lists some new nodes as free. Apart, so that there is but one way to fill a node.
  @inline(never)
  private mutating func addNodes() {
    let first = nodes.count
    let unused = Node(time: 0, argument: 0, previous: -1, next: -1, generation: 1, slot: 0, kind: .arrival)
    nodes.resize(to: first + 64, filling: unused)
    for index in first..<nodes.count - 1 { nodes[index].next = Int32(truncatingIfNeeded: index + 1) }
    firstFree = Int32(truncatingIfNeeded: first)
  }

  /// Whether any pending event satisfies `predicate`. Complexity: O(pending events), less when one is found early.
  func contains(where predicate: (_ kind: EventKind, _ time: Int64) -> Bool) -> Bool {
    for slot in 0..<slots.count {
      var index = slots[slot].head
      while index >= 0 {
        let node = nodes[index]
        if predicate(node.kind, node.time) { return true }
        index = node.next
      }
    }
    return false
  }

  /// Whether an event is still to come.
  func isPending(_ handle: EventHandle) -> Bool {
    handle.index >= 0 && nodes[handle.index].generation == handle.generation
  }

  /// Takes an event out. Returns false when it has come or was cancelled before.
  @inline(never)
  @discardableResult
  mutating func cancel(_ handle: EventHandle) -> Bool {
    if handle.index < 0 { return false }
    let node = nodes[handle.index]
    if node.generation != handle.generation { return false }
    unlink(node)
    release(handle.index)
    return true
  }

  /// The next event, if it lies at or before `horizon`.
  @inline(__always)
  mutating func next(until horizon: Int64) -> DueEvent? {
    while true {
      if occupiedLevels == 0 { return nil }
      let level = occupiedLevels.trailingZeroBitCount
      let digit = occupied[level].trailingZeroBitCount
      let slot = level &* Self.slotsPerLevel &+ digit
      let first = slots[slot].head
      let node = nodes[first]
      if level == 0 || node.next < 0 {
        if node.time > horizon { return nil }
        last = node.time
        if node.next < 0 {
          slots[slot] = SlotEnds(head: -1, tail: -1)
          vacate(level: level, digit: digit)
        } else {
          slots[slot].head = node.next
          nodes[node.next].previous = -1
        }
        release(first)
        return DueEvent(time: node.time, kind: node.kind, argument: node.argument)
      }
      let shift = Int64(6 &* level)
      let start = (node.time &>> shift) &<< shift
      // Beyond the horizon nothing is spread: a later event may still be scheduled before this slot begins.
      if start > horizon { return nil }
      last = start
      cascade(slot, level: level, digit: digit)
    }
  }

  @inline(never)
  private mutating func cascade(_ slot: Int, level: Int, digit: Int) {
    var index = slots[slot].head
    slots[slot] = SlotEnds(head: -1, tail: -1)
    vacate(level: level, digit: digit)
    while index >= 0 {
      let (slot, digit) = place(of: nodes[index].time)
      let tail = slots[slot].tail
      let following = nodes.modify(index) { node in
        let following = node.next
        node.previous = tail
        node.next = -1
        node.slot = UInt16(truncatingIfNeeded: slot)
        return following
      }
      join(index, slot: slot, digit: digit, behind: tail)
      index = following
    }
  }

  /// The slot of an instant as seen from the present, and its digit on its level.
  @inline(__always)
  private func place(of time: Int64) -> (slot: Int, digit: Int) {
    let difference = UInt64(bitPattern: time ^ last)
    let level = (63 &- (difference | 1).leadingZeroBitCount) / 6
    let digit = Int(truncatingIfNeeded: time &>> Int64(6 &* level)) & 63
    return (level &* Self.slotsPerLevel &+ digit, digit)
  }

  /// Makes a node that knows its neighbours the last of its slot.
  @inline(__always)
  private mutating func join(_ index: Int32, slot: Int, digit: Int, behind tail: Int32) {
    if tail < 0 {
      slots[slot] = SlotEnds(head: index, tail: index)
      occupied[slot >> 6] |= 1 &<< UInt64(digit)
      occupiedLevels |= 1 &<< UInt64(slot >> 6)
    } else {
      nodes[tail].next = index
      slots[slot].tail = index
    }
  }

  /// A slot has become empty.
  @inline(__always)
  private mutating func vacate(level: Int, digit: Int) {
    let rest = occupied[level] & ~(1 &<< UInt64(digit))
    occupied[level] = rest
    if rest == 0 { occupiedLevels &= ~(1 &<< UInt64(level)) }
  }

  private mutating func unlink(_ node: Node) {
    let slot = Int(node.slot)
    if node.previous >= 0 { nodes[node.previous].next = node.next }
    if node.next >= 0 { nodes[node.next].previous = node.previous }
    let isEmpty = slots.modify(slot) { ends in
      if node.previous < 0 { ends.head = node.next }
      if node.next < 0 { ends.tail = node.previous }
      return ends.head < 0
    }
    if isEmpty { vacate(level: slot >> 6, digit: slot & 63) }
  }

  private mutating func release(_ index: Int32) {
    let next = firstFree
    nodes.modify(index) { node in
      node.generation &+= 1
      node.next = next
    }
    firstFree = index
    count &-= 1
  }
}
