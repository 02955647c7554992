// The tries of one request that are under way at once: one, unless it is hedged.

/// A few attempts by their slots, in no order that matters. Lies in a request's record.
struct OpenTries: BitwiseCopyable {
  /// Slots of attempts, where `used` says that there is one.
  private var slots = SIMD8<Int32>(repeating: -1)
  /// By place, a bit: whether a try is there.
  private var used: UInt8 = 0
  /// By place, a bit: whether its time was over and it goes on all the same, beside its retry.
  private var overdue: UInt8 = 0
  /// By place, a bit: whether its time is limited.
  private var limited: UInt8 = 0

  /// Tries that may be under way at a time.
  static var capacity: Int { 8 }

  /// Whether nothing is under way.
  var isEmpty: Bool { used == 0 }

  /// How many are under way.
  var count: Int { used.nonzeroBitCount }

  /// Any one of them, or -1.
  var any: Int32 { used == 0 ? -1 : slots[used.trailingZeroBitCount] }

  /// Whether one more has room.
  var hasRoom: Bool { used != .max }

  /// The try at a place where there is one.
  subscript(place: Int) -> Int32 { slots[place] }

  /// Whether there is a try at a place, 0..<`capacity`, whose time is limited and not over.
  func isLimited(_ place: Int) -> Bool { used & limited & ~overdue & 1 << UInt8(place) != 0 }

  /// A try begins; there is room.
  mutating func insert(_ slot: Int32, isLimited: Bool) {
    precondition(hasRoom, "more tries than have room")
    let place = (~used).trailingZeroBitCount
    let bit: UInt8 = 1 << UInt8(place)
    slots[place] = slot
    used |= bit
    overdue &= ~bit
    limited = isLimited ? limited | bit : limited & ~bit
  }

  /// A try is over.
  @inline(__always)
  mutating func remove(_ slot: Int32) {
    let isOnly = used & (used &- 1) == 0
    used = isOnly && slots[0] == slot ? 0 : used & ~bit(slot)
  }

  /// A try has taken too long and goes on.
  mutating func setOverdue(_ slot: Int32) { overdue |= bit(slot) }

  /// Whether a try has taken too long and gone on.
  @inline(__always)
  func isOverdue(_ slot: Int32) -> Bool { overdue == 0 ? false : overdue & bit(slot) != 0 }

  /// The bit of a try's place; 0 when it is not under way.
  private func bit(_ slot: Int32) -> UInt8 {
    var left = used
    while left != 0 {
      let place = left.trailingZeroBitCount
      if slots[place] == slot { return 1 << UInt8(place) }
      left &= left - 1
    }
    return 0
  }
}
