// Earliest deadline first: weighted round robin with fractional weights, as Envoy schedules it.
//
// Each member has a deadline of 1/weight after its last turn; the earliest is next, ties go first come, first served. A
// member is put back with the weight it has at that moment, so a changed weight acts one turn late. To keep many data
// planes from starting in step, a schedule is built as if a seed's number of turns had passed already: most of them by
// arithmetic, the rest one by one. Follows Envoy's EdfScheduler (upstream/edf_scheduler.h) turn by turn.

/// Whose turn it is among members known by their place, 0 ..< count.
///
/// Complexity: a turn O(log n), a rebuild O(n log n).
public struct EDFScheduler: Sendable {
  private struct Entry: BitwiseCopyable, Sendable {
    var deadline: Double
    /// Breaks ties: who was put in earlier goes first.
    var order: UInt64
    var place: Int32
  }

  /// A binary heap, the earliest on top.
  private var heap: ContiguousArray<Entry> = []
  /// The deadline of the last turn.
  private var now: Double = 0
  private var nextOrder: UInt64 = 0

  /// How many turns a seed may ask for: Envoy's bound, a tenth of 2^32, keeps the arithmetic exact.
  private static let turnBound: UInt32 = 429_496_729
  /// Added to each weight while turns are skipped, so that rounding does not give a member a turn too many.
  private static let augmentation = 1e-13

  /// A schedule without members.
  public init() {}

  /// How many members there are.
  public var count: Int { heap.count }

  /// The place of the member whose turn is next; there must be one.
  @inline(__always)
  public var earliest: Int32 { heap[0].place }

  /// Forgets all members and the time; keeps the memory.
  public mutating func removeAll() {
    heap.removeAll(keepingCapacity: true)
    now = 0
    nextOrder = 0
  }

  /// Adds a member with a first turn 1/`weight` from now.
  public mutating func add(place: Int32, weight: Double) { insert(place: place, deadline: now + 1 / weight) }

  /// Gives the earliest member its turn and puts it back with `weight`.
  @inline(__always)
  public mutating func takeTurn(weight: Double) {
    now = heap[0].deadline
    heap[0].deadline = now + 1 / weight
    heap[0].order = nextOrder
    nextOrder &+= 1
    sinkTop()
  }

  /// Starts afresh with one member per weight (all above 0), as if the low 32 bits of `seed`, modulo 429496729, turns
  /// had been taken.
  public mutating func rebuild(weights: ContiguousArray<Double>, seed: UInt64) {
    removeAll()
    if weights.isEmpty { return }
    let turns = UInt32(truncatingIfNeeded: seed) % Self.turnBound
    var total: Double = 0
    for weight in weights { total += weight + Self.augmentation }
    let horizon = Double(turns) / total
    var taken: UInt32 = 0
    var latest: Double = 0
    for place in 0..<weights.count {
      let weight = weights[place] + Self.augmentation
      // The turns that this member has surely had before the horizon.
      var own = UInt32(weight * Double(turns) / total)
      if own > 0 && Double(own) / weight >= horizon { own -= 1 }
      latest = max(latest, Double(own) / weight)
      taken += own
      insert(place: Int32(truncatingIfNeeded: place), deadline: (Double(own) + 1) / weight)
    }
    now = latest
    while taken < turns {
      takeTurn(weight: weights[Int(earliest)])
      taken += 1
    }
  }

  private mutating func insert(place: Int32, deadline: Double) {
    heap.append(Entry(deadline: deadline, order: nextOrder, place: place))
    nextOrder &+= 1
    var child = heap.count &- 1
    while child > 0 {
      let parent = (child &- 1) / 2
      if !Self.isEarlier(heap[child], heap[parent]) { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func sinkTop() {
    heap.withUnsafeMutableBufferPointer { heap in
      let count = heap.count
      let moving = heap[0]
      var hole = 0
      while true {
        var child = 2 &* hole &+ 1
        if child >= count { break }
        // Which child is the earlier one nobody can foresee: a number to add costs less than a branch that is wrong half the time.
        if child &+ 1 < count { child &+= Self.precedence(heap[child &+ 1], heap[child]) }
        if !Self.isEarlier(heap[child], moving) { break }
        heap[hole] = heap[child]
        hole = child
      }
      heap[hole] = moving
    }
  }

  /// 1 when `left` is earlier than `right`, else 0, without a branch.
  @inline(__always)
  private static func precedence(_ left: Entry, _ right: Entry) -> Int {
    let isSooner = left.deadline < right.deadline ? 1 : 0
    let isTied = left.deadline == right.deadline ? 1 : 0
    return isSooner | (isTied & (left.order < right.order ? 1 : 0))
  }

  @inline(__always)
  private static func isEarlier(_ left: Entry, _ right: Entry) -> Bool {
    left.deadline < right.deadline || (left.deadline == right.deadline && left.order < right.order)
  }
}
