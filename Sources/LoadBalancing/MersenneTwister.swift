// The Mersenne Twister MT19937, because Envoy's bounded load shuffles with C++'s std::mt19937.
//
// Matsumoto and Nishimura 1998. A choice needs a few numbers only, so the state is seeded and twisted as far as it is asked for.

/// 32-bit random numbers as C++'s std::mt19937 gives them.
struct MersenneTwister: Sendable {
  private static let size = 624
  private static let middle = 397

  private var state = ContiguousArray<UInt32>(repeating: 0, count: size)
  /// How much of the state is seeded.
  private var seeded = 0
  private var next = 0
  /// Whether the state has been twisted once all around.
  private var isTwisted = false

  /// A generator without a seed; `reseed` gives it one.
  init() {}

  /// Starts anew from `seed`. Complexity: O(1).
  mutating func reseed(_ seed: UInt32) {
    state[0] = seed
    seeded = 1
    next = 0
    isTwisted = false
  }

  /// 32 random bits.
  mutating func draw() -> UInt32 {
    if next == Self.size {
      next = 0
      isTwisted = true
    }
    // The twist of a place needs its neighbour and the place 397 further, both as they were before it.
    if !isTwisted { seed(through: min(next + Self.middle, Self.size - 1)) }
    let neighbour = next + 1 == Self.size ? 0 : next + 1
    let far = next + Self.middle < Self.size ? next + Self.middle : next + Self.middle - Self.size
    let mixed = (state[next] & 0x8000_0000) | (state[neighbour] & 0x7fff_ffff)
    var value = state[far] ^ (mixed >> 1) ^ (mixed & 1 == 0 ? 0 : 0x9908_b0df)
    state[next] = value
    next += 1
    value ^= value >> 11
    value ^= (value << 7) & 0x9d2c_5680
    value ^= (value << 15) & 0xefc6_0000
    return value ^ (value >> 18)
  }

  /// A whole number from 0 up to but without `bound`: the draw divided by ⌊2^32 / bound⌋, again while that is too large.
  mutating func below(_ bound: UInt32) -> UInt32 {
    let divisor = (UInt64(UInt32.max) + 1) / UInt64(bound)
    while true {
      let value = UInt64(draw()) / divisor
      if value < UInt64(bound) { return UInt32(truncatingIfNeeded: value) }
    }
  }

  private mutating func seed(through last: Int) {
    while seeded <= last {
      let before = state[seeded - 1]
      state[seeded] = 1_812_433_253 &* (before ^ (before >> 30)) &+ UInt32(truncatingIfNeeded: seeded)
      seeded += 1
    }
  }
}
