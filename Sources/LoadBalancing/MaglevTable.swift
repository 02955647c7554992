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
    // The order of equal keys is the order of the list; Envoy's is that of pointers, which nobody can know.
    let names = members.map { ContiguousArray($0.key.utf8) }
    let order = members.indices.sorted { left, right in
      if names[left] == names[right] { return left < right }
      return names[left].lexicographicallyPrecedes(names[right])
    }
    var walks = order.map { number in
      MaglevWalk(
        number: Int32(truncatingIfNeeded: number), offset: XXHash64.hash(members[number].key) % size,
        step: XXHash64.hash(members[number].key, seed: 1) % (size - 1) + 1, share: members[number].share,
        size: Int32(truncatingIfNeeded: size))
    }
    entries = MaglevFill.entries(&walks, size: Int32(truncatingIfNeeded: size), mostShare: mostShare)
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
