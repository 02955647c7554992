// AnchorHash: any endpoint may leave, only its keys move, and four small arrays are all the memory.
//
// Mendelson, Vargaftik, Barabash, Lorenz, Keslassy, Orda: AnchorHash: A Scalable Consistent Hash, 2021 (arXiv:1812.09674),
// the array form. There are more buckets than endpoints. A key is hashed over all of them; a bucket that was removed
// remembers how many were left then, and the key is hashed again over those. A bucket that comes back is always the one that
// was removed last. A look-up takes 1 + ln(buckets / endpoints) hashes or so. Endpoints have equal shares, and the table
// remembers in which order they went: two tables with different pasts place keys differently.
//
// The letters of the paper: A `removals`, W `successors`, L `places`, K `replacements`, R `removed`, N `working`.

import MeshCore

/// An anchor of numbered buckets, some of which work. Complexity: a look-up O(1) hashes while a fair part of them works,
/// O(log capacity) otherwise; `add` and `remove` O(1).
public struct AnchorTable: Sendable {
  /// How many buckets worked when this one was removed, itself not counted; 0 while it works.
  private var removals: ContiguousArray<Int32>
  /// The working buckets by place.
  private var successors: ContiguousArray<Int32>
  /// The place of each bucket.
  private var places: ContiguousArray<Int32>
  /// Who took the place of a removed bucket.
  private var replacements: ContiguousArray<Int32>
  /// Removed buckets, the last one last.
  private var removed: ContiguousArray<Int32> = []
  /// How many buckets work.
  public private(set) var working: Int

  /// An anchor of `capacity` buckets of which the first `working` work.
  public init(capacity: Int, working: Int) {
    let capacity = max(capacity, max(1, working))
    let identity = ContiguousArray((0..<capacity).map { Int32(truncatingIfNeeded: $0) })
    removals = ContiguousArray(repeating: 0, count: capacity)
    (successors, places, replacements) = (identity, identity, identity)
    self.working = max(0, working)
    for bucket in stride(from: capacity - 1, through: self.working, by: -1) {
      removed.append(identity[bucket])
      removals[bucket] = identity[bucket]
    }
  }

  /// How many buckets there are, working or not.
  public var capacity: Int { removals.count }

  /// The working bucket of `key`; -1 when none works.
  public func bucket(of key: UInt64) -> Int32 {
    if working == 0 { return -1 }
    var bucket = Self.below(Int32(truncatingIfNeeded: capacity), mix64(key))
    while removals[Int(bucket)] > 0 {
      let left = removals[Int(bucket)]
      var next = Self.below(left, mix64(key &+ (UInt64(UInt32(bitPattern: bucket)) &+ 1) &* goldenGamma))
      while removals[Int(next)] >= left { next = replacements[Int(next)] }
      bucket = next
    }
    return bucket
  }

  /// Puts the bucket that was removed last back to work and returns it; -1 when all work.
  public mutating func add() -> Int32 {
    guard let bucket = removed.popLast() else { return -1 }
    let place = Int(bucket)
    removals[place] = 0
    let last = Int32(truncatingIfNeeded: working)
    places[Int(successors[working])] = last
    successors[Int(places[place])] = bucket
    replacements[place] = bucket
    working += 1
    return bucket
  }

  /// Takes a working bucket out of work.
  public mutating func remove(_ bucket: Int32) {
    let place = Int(bucket)
    working -= 1
    removed.append(bucket)
    removals[place] = Int32(truncatingIfNeeded: working)
    let last = successors[working]
    successors[Int(places[place])] = last
    replacements[place] = last
    places[Int(last)] = places[place]
  }

  @inline(__always)
  private static func below(_ bound: Int32, _ hash: UInt64) -> Int32 {
    Int32(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(UInt32(bitPattern: bound))).high)
  }
}
