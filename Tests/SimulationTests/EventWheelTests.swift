// The event wheel against an obvious reference: a list of (time, sequence), searched for its least.

import MeshCore
import Testing

@testable import Simulation

/// What the wheel promises, in the simplest form: a binary heap on (time, order of scheduling), with a set of the cancelled.
private struct HeapOracle {
  struct Entry {
    var time: Int64
    var sequence: Int
    var argument: UInt64
  }

  private var entries: [Entry] = []
  private var alive: Set<Int> = []
  private var scheduled = 0

  var count: Int { alive.count }

  private static func comesBefore(_ left: Entry, _ right: Entry) -> Bool {
    left.time < right.time || (left.time == right.time && left.sequence < right.sequence)
  }

  mutating func schedule(at time: Int64, _ argument: UInt64) -> Int {
    entries.append(Entry(time: time, sequence: scheduled, argument: argument))
    alive.insert(scheduled)
    scheduled += 1
    var place = entries.count - 1
    while place > 0, Self.comesBefore(entries[place], entries[(place - 1) / 2]) {
      entries.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
    return scheduled - 1
  }

  mutating func cancel(_ sequence: Int) -> Bool { alive.remove(sequence) != nil }

  mutating func next(until horizon: Int64) -> Entry? {
    while let first = entries.first {
      let isAlive = alive.contains(first.sequence)
      if isAlive && first.time > horizon { return nil }
      removeFirst()
      if isAlive {
        alive.remove(first.sequence)
        return first
      }
    }
    return nil
  }

  private mutating func removeFirst() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var place = 0
    while true {
      var child = 2 * place + 1
      if child >= entries.count { return }
      if child + 1 < entries.count, Self.comesBefore(entries[child + 1], entries[child]) { child += 1 }
      if !Self.comesBefore(entries[child], entries[place]) { return }
      entries.swapAt(place, child)
      place = child
    }
  }
}

@Suite("event wheel")
struct EventWheelTests {
  /// Goal: the wheel pops, refuses and cancels exactly as a heap on (time, sequence) does. Method: random scripts of
  /// scheduling (near, far, tied, at the present, at the end of time), cancelling (pending, past, twice) and popping up to
  /// random horizons.
  @Test("random scripts agree with a heap", arguments: [UInt64(1), 2, 3, 4, 5, 6])
  func agreesWithHeap(seed: UInt64) {
    var random = RandomStream(state: seed)
    var wheel = EventWheel()
    var oracle = HeapOracle()
    var handles: [(wheel: EventHandle, oracle: Int)] = []
    var present: Int64 = seed == 2 ? 1 << 40 : 0
    var argument: UInt64 = 0
    var lastTime = present
    var differences = 0
    for _ in 0..<60_000 {
      switch random.below(10) {
      case 0..<4:
        let time: Int64
        switch random.below(8) {
        case 0: time = present
        case 1: time = lastTime < present ? present : lastTime
        case 2: time = present.addingClamped(Int64(random.below(64)))
        case 3: time = present.addingClamped(Int64(random.below(5_000)))
        case 4: time = present.addingClamped(Int64(random.below(1 << 24)))
        case 5: time = present.addingClamped(Int64(random.next() >> UInt64(1 + random.below(63))))
        case 6: time = (present | 0xfff).addingClamped(Int64(random.below(3)))
        default: time = random.below(50) == 0 ? .max : present.addingClamped(Int64(random.below(1 << 14)))
        }
        lastTime = time
        argument += 1
        let handle = wheel.schedule(at: time, .arrival, argument)
        handles.append((handle, oracle.schedule(at: time, argument)))
      case 4..<6:
        if handles.isEmpty { continue }
        let pair = handles[random.below(handles.count)]
        if wheel.cancel(pair.wheel) != oracle.cancel(pair.oracle) { differences += 1 }
      default:
        let horizon: Int64
        switch random.below(4) {
        case 0: horizon = present
        case 1: horizon = present.addingClamped(Int64(random.below(1 << 16)))
        case 2: horizon = present.addingClamped(Int64(random.below(1 << 30)))
        default: horizon = random.below(200) == 0 ? .max : present.addingClamped(Int64(random.below(4_000)))
        }
        let event = wheel.next(until: horizon)
        let expected = oracle.next(until: horizon)
        if event?.time != expected?.time || event?.argument != expected?.argument { differences += 1 }
        if let event {
          present = event.time
        } else if horizon < .max {
          // Whoever has looked as far as the horizon goes on from there.
          present = horizon
        }
        if present > .max / 2 { present = .max / 2 }
      }
      if wheel.count != oracle.count { differences += 1 }
      if present >= .max / 2 { break }
    }
    while let expected = oracle.next(until: .max) {
      let event = wheel.next(until: .max)
      if event?.time != expected.time || event?.argument != expected.argument { differences += 1 }
    }
    let outcome1 = wheel.next(until: .max)
    #expect(outcome1 == nil)
    #expect(wheel.count == 0)
    #expect(differences == 0)
  }

  /// Goal: the published tie rule. Method: many events at one instant, scheduled from different distances, with others between.
  @Test("events at one instant come in the order of scheduling")
  func tieRule() {
    var wheel = EventWheel()
    let instant: Int64 = 5_000_000
    var expected: [UInt64] = []
    for number in 0..<100 as Range<UInt64> {
      _ = wheel.schedule(at: instant, .arrival, number)
      expected.append(number)
      _ = wheel.schedule(at: Int64(number) * 49_000, .timer, 1_000 + number)
    }
    var popped: [UInt64] = []
    var following: UInt64 = 100
    while let event = wheel.next(until: .max) {
      if event.kind == .arrival { popped.append(event.argument) }
      if event.kind == .timer && event.time < instant {
        _ = wheel.schedule(at: instant, .arrival, following)
        expected.append(following)
        following += 1
      }
      if event.kind == .arrival && event.argument == 3 {
        _ = wheel.schedule(at: instant, .arrival, 9_999)
        expected.append(9_999)
      }
    }
    #expect(popped == expected)
  }

  /// Goal: a horizon takes in its own instant and nothing later, and refusing changes nothing.
  @Test("the horizon is inclusive")
  func horizon() {
    var wheel = EventWheel()
    let outcome2 = wheel.next(until: .max)
    #expect(outcome2 == nil)
    _ = wheel.schedule(at: 100, .arrival, 1)
    _ = wheel.schedule(at: 100, .arrival, 2)
    _ = wheel.schedule(at: 101, .arrival, 3)
    let outcome3 = wheel.next(until: 99)
    #expect(outcome3 == nil)
    let outcome4 = wheel.next(until: 100)
    #expect(outcome4?.argument == 1)
    let outcome5 = wheel.next(until: 100)
    #expect(outcome5?.argument == 2)
    let outcome6 = wheel.next(until: 100)
    #expect(outcome6 == nil)
    let outcome7 = wheel.next(until: 101)
    #expect(outcome7?.argument == 3)
    let outcome8 = wheel.next(until: .max)
    #expect(outcome8 == nil)
    #expect(wheel.count == 0)
  }

  /// Goal: a handle is good once, also when its place has a new tenant.
  @Test("a stale handle cancels nobody")
  func staleHandles() {
    var wheel = EventWheel()
    let first = wheel.schedule(at: 10, .arrival, 1)
    let outcome9 = wheel.cancel(first)
    #expect(outcome9)
    let outcome10 = wheel.cancel(first)
    #expect(!outcome10)
    let second = wheel.schedule(at: 10, .arrival, 2)
    #expect(second.index == first.index)
    let outcome11 = wheel.cancel(first)
    #expect(!outcome11)
    let outcome12 = wheel.next(until: 10)
    #expect(outcome12?.argument == 2)
    let outcome13 = wheel.cancel(second)
    #expect(!outcome13)
    let outcome14 = wheel.cancel(.none)
    #expect(!outcome14)
  }
}
