// Bounded load: no endpoint of a hashing table gets more than a given multiple of its share; what is too much goes elsewhere.
//
// Mirrokni, Thorup, Zadimoghaddam: Consistent Hashing with Bounded Loads, 2016; where to go instead follows Chen et al.,
// Revisiting Consistent Hashing with Bounded Loads, 2019, as Envoy does it (thread_aware_lb_impl.cc). An endpoint's slots are
// its share of (requests in flight + 1) · factor / 100, rounded up twice. When the first choice has more requests than slots,
// the others are asked in an order that is shuffled from the key's hash, so that a key has the same way out each time; the
// first with room is taken, else the one that is least overloaded. An endpoint that is just full has room for one more: Envoy
// compares before the request is counted.

/// The rule of bounded load for endpoints known by number.
public struct BoundedLoad: Sendable {
  /// Envoy's hash_balance_factor: how many per cent of its share an endpoint may have; 0 is no bound.
  public let factor: UInt32
  private var twister = MersenneTwister()
  /// The numbers 0, 1, … in order; shuffled while a choice is made, and put back.
  private var order: ContiguousArray<Int32> = []
  /// What was swapped, to be swapped back.
  private var swaps: ContiguousArray<Int32> = []

  /// The rule with a bound of `factor` per cent.
  public init(factor: UInt32) { self.factor = factor }

  /// How full an endpoint is: requests in flight over slots; above 1 it is overloaded.
  @inline(__always)
  public static func overload(active: Int32, share: Double, totalSlots: UInt32) -> Double {
    Double(active) / Double(slots(share: share, totalSlots: totalSlots))
  }

  /// An endpoint's slots, at least 1.
  @inline(__always)
  public static func slots(share: Double, totalSlots: UInt32) -> UInt32 {
    max(UInt32(min((Double(totalSlots) * share).rounded(.up), Double(UInt32.max))), 1)
  }

  /// The slots of all endpoints together while `active` requests are in flight, in Envoy's 32 bits.
  @inline(__always)
  public func totalSlots(active: UInt32) -> UInt32 { ((active &+ 1) &* factor &+ 99) / 100 }

  /// The endpoint for `hash` among `count`, of which the table has chosen `first`; `overload` says how full each is.
  ///
  /// Complexity: O(endpoints asked), O(count) when all are overloaded, and once after `count` has grown.
  public mutating func choose(_ first: Int32, hash: UInt64, count: Int, overload: (Int32) -> Double) -> Int32 {
    var least = first
    var leastOverload = overload(first)
    if leastOverload <= 1 { return first }
    while order.count < count { order.append(Int32(truncatingIfNeeded: order.count)) }
    twister.reseed(UInt32(truncatingIfNeeded: hash))
    swaps.removeAll(keepingCapacity: true)
    for place in 0..<count {
      let other = nextOf(place, count)
      if other == first { continue }
      let itsOverload = overload(other)
      if itsOverload < leastOverload {
        least = other
        leastOverload = itsOverload
      }
      if itsOverload <= 1 { break }
    }
    for place in stride(from: swaps.count - 1, through: 0, by: -1) { order.swapAt(place, Int(swaps[place])) }
    return least
  }

  /// One step of the shuffle.
  @inline(__always)
  private mutating func nextOf(_ place: Int, _ count: Int) -> Int32 {
    let other = place + Int(twister.below(UInt32(truncatingIfNeeded: count - place)))
    order.swapAt(place, other)
    swaps.append(Int32(truncatingIfNeeded: other))
    return order[place]
  }

  /// The order in which `count` endpoints are asked for `seed`.
  public static func shuffledOrder(seed: UInt64, count: Int) -> [Int] {
    var rule = BoundedLoad(factor: 100)
    rule.order = ContiguousArray((0..<count).map { Int32(truncatingIfNeeded: $0) })
    rule.twister.reseed(UInt32(truncatingIfNeeded: seed))
    return (0..<count).map { Int(rule.nextOf($0, count)) }
  }
}
