// Maglev hashing: a table of prime size in which every endpoint has entries in proportion to its weight; a key's hash modulo
// the size says which entry.
//
// Eisenbud et al.: Maglev, NSDI 2016, with Envoy's weights (maglev_lb.cc). Each endpoint prefers the entries in an order of its
// own: it starts at xxHash64(key, 0) mod M and steps by xxHash64(key, 1) mod (M − 1) + 1. In rounds, each in the order of
// their keys, endpoints take the next entry of theirs that is free; one with a smaller share sits rounds out. Endpoints are
// sorted by key, so the table does not depend on the order in which they are listed.

import MeshCore

/// A Maglev table. Complexity: a look-up O(1), a rebuild O(size · log size).
public struct MaglevTable: Sendable {
  /// The number of the member that each entry belongs to, among the members that the table was built from.
  public private(set) var entries: ContiguousArray<Int32> = []

  /// Envoy's bound on the size of a table.
  public static let largestSize: UInt64 = 5_000_011

  /// What is wrong with this size, as Envoy judges it; `nil` when nothing is.
  public static func fault(size: UInt64) -> String? {
    if size > largestSize { return "a Maglev table has at most \(largestSize) entries" }
    return isPrime(size) ? nil : "a Maglev table's size is a prime number, which \(size) is not"
  }

  /// The least valid size that is at least `size`, if there is one.
  public static func validSize(atLeast size: Int64) -> UInt64 {
    var size = UInt64(min(max(size, 2), Int64(largestSize)))
    while !isPrime(size) { size += 1 }
    return size
  }

  /// An empty table.
  public init() {}

  /// The table of `members`. `size` must be a prime number up to `largestSize`; see `fault`.
  public init(_ members: [WeightedMember], size: UInt64 = 65_537) {
    precondition(Self.fault(size: size) == nil, "a Maglev table's size is a prime number")
    guard let mostShare = members.map(\.share).max(), mostShare > 0 else { return }
    var builds: [Build] = []
    // The order of equal keys is the order of the list; Envoy's is that of pointers, which nobody can know.
    let names = members.map { ContiguousArray($0.key.utf8) }
    let order = members.indices.sorted { left, right in
      if names[left] == names[right] { return left < right }
      return names[left].lexicographicallyPrecedes(names[right])
    }
    for number in order {
      let member = members[number]
      builds.append(
        Build(
          number: Int32(truncatingIfNeeded: number),
          place: Int32(truncatingIfNeeded: XXHash64.hash(member.key) % size),
          back: Int32(truncatingIfNeeded: size - 1 - XXHash64.hash(member.key, seed: 1) % (size - 1)),
          share: member.share, target: 0))
    }
    fill(&builds, size: size, mostShare: mostShare)
  }

  /// One endpoint while the table is filled.
  private struct Build {
    let number: Int32
    /// The next entry that it would like.
    var place: Int32
    /// The size less the step: going back by this, modulo the size, goes on by the step.
    let back: Int32
    let share: Double
    /// One over the step, modulo the size; 0 until it is needed.
    var inverse: Int32 = 0
    /// It takes part in a round when the round times its share has reached this.
    var target: Double
  }

  private mutating func fill(_ builds: inout [Build], size: UInt64, mostShare: Double) {
    // Finding the last free entries by stepping takes as long as all the others together: there are few to compare.
    let last = Int32(2 * Double(size).squareRoot())
    let reciprocal = UInt64.max / size
    let size = Int32(truncatingIfNeeded: size)
    var left = size
    // A bit an entry keeps the search for free ones in the nearest cache.
    var taken = ContiguousArray<UInt32>(repeating: 0, count: Int(size) / 32 + 1)
    var free: ContiguousArray<Int32> = []
    entries = ContiguousArray(repeating: -1, count: Int(size))
    entries.withUnsafeMutableBufferPointer { entries in
      taken.withUnsafeMutableBufferPointer { taken in
        builds.withUnsafeMutableBufferPointer { builds in
          var round: Double = 1
          while true {
            for index in 0..<builds.count {
              if round * builds[index].share < builds[index].target { continue }
              builds[index].target += mostShare
              let back = builds[index].back
              var place = builds[index].place
              if left > last {
                while taken[Int(place &>> 5)] & (1 &<< UInt32(truncatingIfNeeded: place & 31)) != 0 {
                  // Without a branch: whether the step wraps around is anybody's guess, the processor's too.
                  place &-= back
                  place &+= size & (place &>> 31)
                }
                taken[Int(place &>> 5)] |= 1 &<< UInt32(truncatingIfNeeded: place & 31)
              } else {
                if free.isEmpty { free = Self.freeEntries(UnsafeBufferPointer(entries)) }
                if builds[index].inverse == 0 { builds[index].inverse = Self.inverse(size &- back, size) }
                place = Self.takeFirst(&free, from: builds[index], size, reciprocal)
              }
              entries[Int(place)] = builds[index].number
              left &-= 1
              if left == 0 { return }
              place &-= back
              builds[index].place = place &+ (size & (place &>> 31))
            }
            round += 1
          }
        }
      }
    }
  }

  private static func freeEntries(_ entries: UnsafeBufferPointer<Int32>) -> ContiguousArray<Int32> {
    var free: ContiguousArray<Int32> = []
    for place in 0..<entries.count where entries[place] < 0 { free.append(Int32(truncatingIfNeeded: place)) }
    return free
  }

  /// Takes the free entry that the endpoint would come to first: it is (entry − place) / step steps away, modulo the size.
  private static func takeFirst(
    _ free: inout ContiguousArray<Int32>, from build: Build, _ size: Int32, _ reciprocal: UInt64
  ) -> Int32 {
    let modulus = UInt64(UInt32(bitPattern: size))
    let inverse = UInt64(UInt32(bitPattern: build.inverse))
    let place = build.place &- size
    var first = 0
    var least = UInt64.max
    free.withUnsafeBufferPointer { free in
      for index in 0..<free.count {
        // At most twice the size times the size: 46 bits, so the quotient by the reciprocal is one too small at most.
        let product = UInt64(UInt32(bitPattern: free[index] &- place)) &* inverse
        var steps = product &- product.multipliedFullWidth(by: reciprocal).high &* modulus
        steps = steps >= modulus ? steps &- modulus : steps
        if steps < least {
          least = steps
          first = index
        }
      }
    }
    let entry = free[first]
    free.swapAt(first, free.count - 1)
    free.removeLast()
    return entry
  }

  /// The number whose product with `number` is 1 modulo the prime `size` (Euclid).
  private static func inverse(_ number: Int32, _ size: Int32) -> Int32 {
    var (a, b) = (Int64(size), Int64(number))
    var (x, y) = (Int64(0), Int64(1))
    while b > 1 {
      (x, y) = (y, x - a / b * y)
      (a, b) = (b, a % b)
    }
    return Int32(truncatingIfNeeded: y < 0 ? y + Int64(size) : y)
  }

  /// How many entries there are.
  public var count: Int { entries.count }

  /// Whose entry `hash` leads to; for a choice that is made again another entry, as Envoy's retries do. -1 in an empty table.
  @inline(__always)
  public func member(of hash: UInt64, attempt: Int = 0) -> Int32 {
    if entries.isEmpty { return -1 }
    let hash = attempt == 0 ? hash : hash ^ (0 &- UInt64(truncatingIfNeeded: attempt))
    return entries[Int(truncatingIfNeeded: hash % UInt64(truncatingIfNeeded: entries.count))]
  }

  /// Whether `number` is a prime number. Complexity: O(√number).
  public static func isPrime(_ number: UInt64) -> Bool {
    if number < 4 { return number > 1 }
    if number.isMultiple(of: 2) { return false }
    var divisor: UInt64 = 3
    while divisor * divisor <= number {
      if number.isMultiple(of: divisor) { return false }
      divisor += 2
    }
    return true
  }
}
