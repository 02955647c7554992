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
    let order = members.indices.sorted { (members[$0].key.utf8Order(members[$1].key), $0) < (0, $1) }
    for number in order {
      let member = members[number]
      builds.append(
        Build(
          number: Int32(truncatingIfNeeded: number), place: XXHash64.hash(member.key) % size,
          skip: XXHash64.hash(member.key, seed: 1) % (size - 1) + 1, share: member.share, target: 0))
    }
    fill(&builds, size: size, mostShare: mostShare)
  }

  /// One endpoint while the table is filled.
  private struct Build {
    let number: Int32
    /// The next entry that it would like.
    var place: UInt64
    let skip: UInt64
    let share: Double
    /// It takes part in a round when the round times its share has reached this.
    var target: Double
  }

  private mutating func fill(_ builds: inout [Build], size: UInt64, mostShare: Double) {
    var left = Int(size)
    // A bit an entry keeps the search for free ones in the nearest cache.
    var taken = ContiguousArray<UInt64>(repeating: 0, count: (Int(size) + 63) / 64)
    entries = ContiguousArray(repeating: -1, count: Int(size))
    entries.withUnsafeMutableBufferPointer { entries in
      taken.withUnsafeMutableBufferPointer { taken in
        builds.withUnsafeMutableBufferPointer { builds in
          var round: Double = 1
          while true {
            for index in 0..<builds.count {
              if round * builds[index].share < builds[index].target { continue }
              builds[index].target += mostShare
              var place = builds[index].place
              let skip = builds[index].skip
              while taken[Int(truncatingIfNeeded: place &>> 6)] & (1 &<< (place & 63)) != 0 {
                place &+= skip
                if place >= size { place &-= size }
              }
              taken[Int(truncatingIfNeeded: place &>> 6)] |= 1 &<< (place & 63)
              entries[Int(truncatingIfNeeded: place)] = builds[index].number
              left &-= 1
              if left == 0 { return }
              place &+= skip
              builds[index].place = place >= size ? place &- size : place
            }
            round += 1
          }
        }
      }
    }
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

extension String {
  /// -1, 0 or 1 as this text is before, equal to or after `other`, byte by byte, as C++ orders texts.
  fileprivate func utf8Order(_ other: String) -> Int {
    if utf8.elementsEqual(other.utf8) { return 0 }
    return utf8.lexicographicallyPrecedes(other.utf8) ? -1 : 1
  }
}
