// The tries of one request that are under way at once: one, unless it is hedged.

/// A few attempts by their slots, in no order that matters. Lies in a request's record.
struct OpenTries: BitwiseCopyable {
  /// Slots of attempts, -1 where there is none.
  private var slots = SIMD8<Int32>(repeating: -1)
  /// By place: whether its time was over and it goes on all the same, beside its retry.
  private var overdue: UInt8 = 0

  /// Tries that may be under way at a time.
  static var capacity: Int { 8 }

  /// Whether nothing is under way.
  var isEmpty: Bool { count == 0 }

  /// How many are under way.
  var count: Int {
    var count = 0
    for place in 0..<Self.capacity where slots[place] >= 0 { count += 1 }
    return count
  }

  /// Any one of them, or -1.
  var any: Int32 {
    for place in 0..<Self.capacity where slots[place] >= 0 { return slots[place] }
    return -1
  }

  /// Whether one more has room.
  var hasRoom: Bool { count < Self.capacity }

  /// A try begins; there is room.
  mutating func insert(_ slot: Int32) {
    for place in 0..<Self.capacity where slots[place] < 0 {
      slots[place] = slot
      overdue &= ~(1 << UInt8(place))
      return
    }
    preconditionFailure("more tries than have room")
  }

  /// A try is over.
  mutating func remove(_ slot: Int32) {
    for place in 0..<Self.capacity where slots[place] == slot { slots[place] = -1 }
  }

  /// A try has taken too long and goes on.
  mutating func setOverdue(_ slot: Int32) {
    for place in 0..<Self.capacity where slots[place] == slot { overdue |= 1 << UInt8(place) }
  }

  /// Whether a try has taken too long and gone on.
  func isOverdue(_ slot: Int32) -> Bool {
    for place in 0..<Self.capacity where slots[place] == slot { return overdue & (1 << UInt8(place)) != 0 }
    return false
  }
}
