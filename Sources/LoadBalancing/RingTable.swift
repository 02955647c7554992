// A hash ring: every endpoint has points on a circle in proportion to its weight, and a key goes to the next point.
//
// Karger et al. 1997; the arithmetic is Envoy's (ring_hash_lb.cc), which gRPC shares (proposal A42). With the smallest share
// w of any endpoint the ring is scaled to min(⌈w · minimum⌉ / w, maximum), so that the lightest endpoint gets a whole
// number of points if it can. Endpoint by endpoint a running target grows by scale · share, and points are added while there
// are fewer than that. Point i of an endpoint is the hash of `key_i`. So how many points an endpoint has depends on the
// others: when one leaves, a few more keys move than have to.
//
// The points are sorted by their leading bits into as many buckets as there are points, which is nearly all there is to do
// for hashes, and the buckets' borders stay for the look-up: it takes a constant time in place of a binary search.

import MeshCore

/// A sorted ring of points. Complexity: a look-up O(1), a rebuild O(points); both expected, for hashes that are uniform.
public struct RingTable: Sendable {
  /// The points' places, ascending.
  public private(set) var hashes: ContiguousArray<UInt64> = []
  /// Whose point each is, by number among the members that the ring was built from.
  public private(set) var members: ContiguousArray<Int32> = []
  /// Where each bucket of leading bits begins, and the end of the last.
  private var starts: ContiguousArray<Int32> = []
  /// What of a hash is not leading bits.
  private var shift: UInt64 = 0

  /// Envoy's bound on the size of a ring.
  public static let largestSize: UInt64 = 8_388_608

  /// What is wrong with these bounds, as Envoy judges them; `nil` when nothing is.
  public static func fault(minimumSize: UInt64, maximumSize: UInt64) -> String? {
    if max(minimumSize, maximumSize) > largestSize { return "a ring has at most \(largestSize) entries" }
    if minimumSize == 0 || maximumSize == 0 { return "a ring has at least 1 entry" }
    if minimumSize > maximumSize { return "the minimum size \(minimumSize) is above the maximum size \(maximumSize)" }
    return nil
  }

  /// An empty ring.
  public init() {}

  /// The ring of `members`, at least `minimumSize` points if `maximumSize` allows.
  public init(
    _ members: [WeightedMember], minimumSize: UInt64 = 1024, maximumSize: UInt64 = largestSize,
    function: HashFunction = .xxHash
  ) {
    guard let leastShare = members.map(\.share).min(), leastShare > 0 else { return }
    let scale = min((leastShare * Double(minimumSize)).rounded(.up) / leastShare, Double(maximumSize))
    let size = Int(scale.rounded(.up))
    var unsorted = ContiguousArray<UInt64>()
    var owners = ContiguousArray<Int32>()
    unsorted.reserveCapacity(size)
    owners.reserveCapacity(size)
    // Counted in doubles, as Envoy does: whether a point more is added hangs on their rounding.
    var target: Double = 0
    var current: Double = 0
    for (number, member) in members.enumerated() {
      target += scale * member.share
      var name = PointName(key: member.key)
      while current < target {
        unsorted.append(name.withNext(function.hash))
        owners.append(Int32(truncatingIfNeeded: number))
        current += 1
      }
    }
    sort(unsorted, owners)
  }

  /// A ring with one point a member, at these places.
  public init(points: [UInt64]) {
    sort(ContiguousArray(points), ContiguousArray((0..<Int32(truncatingIfNeeded: points.count))))
  }

  /// How many points there are.
  public var count: Int { hashes.count }

  /// The place in the ring of the first point at or after `hash`, the first of all when there is none. -1 in an empty ring.
  @inline(__always)
  public func place(of hash: UInt64) -> Int {
    if hashes.isEmpty { return -1 }
    let bucket = Int(truncatingIfNeeded: hash &>> shift)
    var low = Int(starts[bucket])
    var high = Int(starts[bucket &+ 1])
    while low < high {
      let middle = (low &+ high) / 2
      if hashes[middle] < hash { low = middle &+ 1 } else { high = middle }
    }
    return low == hashes.count ? 0 : low
  }

  /// Whose point comes at or after `hash`; `attempt` points further when a choice is made again, as Envoy's retries do.
  /// -1 in an empty ring.
  @inline(__always)
  public func member(of hash: UInt64, attempt: Int = 0) -> Int32 {
    let place = place(of: hash)
    if place < 0 { return -1 }
    return members[attempt == 0 ? place : (place + attempt) % count]
  }

  /// Sorts by place. Points at the same place stay in the order in which they were added.
  private mutating func sort(_ unsorted: ContiguousArray<UInt64>, _ owners: ContiguousArray<Int32>) {
    let count = unsorted.count
    let bits = max(1, Int.bitWidth - max(count - 1, 1).leadingZeroBitCount)
    let shift = UInt64(64 - bits)
    self.shift = shift
    starts = ContiguousArray(repeating: 0, count: (1 << bits) + 1)
    starts.withUnsafeMutableBufferPointer { starts in
      for hash in unsorted { starts[Int(truncatingIfNeeded: hash &>> shift) &+ 1] &+= 1 }
      for bucket in 1..<starts.count { starts[bucket] &+= starts[bucket &- 1] }
    }
    var ends = ContiguousArray(starts.dropLast())
    hashes = ContiguousArray(unsafeUninitializedCapacity: count) { hashes, hashCount in
      members = ContiguousArray(unsafeUninitializedCapacity: count) { members, memberCount in
        ends.withUnsafeMutableBufferPointer { ends in
          for point in 0..<count {
            let hash = unsorted[point]
            let bucket = Int(truncatingIfNeeded: hash &>> shift)
            // Into its place among those of its bucket that are there already: one or two, if hashes are hashes.
            var place = Int(ends[bucket])
            let first = Int(starts[bucket])
            while place > first && hashes[place &- 1] > hash {
              hashes[place] = hashes[place &- 1]
              members[place] = members[place &- 1]
              place &-= 1
            }
            hashes[place] = hash
            members[place] = owners[point]
            ends[bucket] &+= 1
          }
        }
        memberCount = count
      }
      hashCount = count
    }
  }
}

/// The names of an endpoint's points, `key_0`, `key_1`, …, in one buffer that only changes at its end.
private struct PointName {
  private var bytes: [UInt8]
  private let prefix: Int
  private var number: UInt64 = 0

  init(key: String) {
    bytes = Array(key.utf8)
    bytes.append(UInt8(ascii: "_"))
    prefix = bytes.count
    bytes.append(UInt8(ascii: "0"))
  }

  /// The hash of the next name.
  @inline(__always)
  mutating func withNext(_ hash: (UnsafeRawBufferPointer) -> UInt64) -> UInt64 {
    let value = bytes.withUnsafeBytes(hash)
    increment()
    return value
  }

  /// Counts in decimal: a nine becomes a nought and carries.
  private mutating func increment() {
    var place = bytes.count &- 1
    while place >= prefix {
      if bytes[place] < UInt8(ascii: "9") {
        bytes[place] &+= 1
        return
      }
      bytes[place] = UInt8(ascii: "0")
      place &-= 1
    }
    bytes.insert(UInt8(ascii: "1"), at: prefix)
  }
}
