// Tokens that are forgotten some time after they came: a ring of slots, and a writer for the slot that is under way.
//
// When the writer is older than one slot, its sum goes into the ring, the slots of the time that nobody looked in on are
// emptied, and the new slot begins now, not where a slot of a clock would: slots of a quiet budget are longer. Whether the
// part of a slot that is left over by that time empties one more is the one thing in which tower and Finagle differ.
// (tower, retry/budget/tps_budget.rs, which took it over from com.twitter.util.WindowedAdder)

/// The sum of what was added of late.
@frozen
@usableFromInline
struct TokenWindow: BitwiseCopyable, Sendable, Hashable {
  /// The first `slotCount` are used.
  private var slots = SIMD16<Int64>(repeating: 0)
  private var writer: Int64 = 0
  private var generation: Int64
  private let slotLength: Int64
  private var place: Int64 = 0
  private let slotCount: Int64
  private let countsPartSlots: Bool

  /// An empty window from `now` on, whose unit is the caller's choice.
  ///
  /// - Parameters:
  ///   - slotCount: slots behind the writer, 1 … 16.
  ///   - countsPartSlots: whether part of a slot without an operation empties a slot too.
  init(slotCount: Int64, slotLength: Int64, countsPartSlots: Bool, at now: Int64) {
    precondition(slotCount >= 1 && slotCount <= 16 && slotLength > 0)
    self.slotCount = slotCount
    self.slotLength = slotLength
    self.countsPartSlots = countsPartSlots
    self.generation = now
  }

  /// What is in it. Tokens taken are forgotten later than those they were taken from, so it may be below 0.
  var sum: Int64 { slots.wrappedSum() &+ writer }

  /// Adds `tokens`, or takes some. What is forgotten by now has to be forgotten first, see `expire`.
  mutating func add(_ tokens: Int64) { writer &+= tokens }

  /// Forgets what is too old. Complexity: O(1).
  mutating func expire(at now: Int64) {
    let elapsed = now - generation
    if elapsed < slotLength { return }
    slots[Int(place)] = writer
    writer = 0
    let skipped = (countsPartSlots ? elapsed - 1 : elapsed - slotLength) / slotLength
    for step in 0..<min(skipped, slotCount) { slots[Int((place + 1 + step) % slotCount)] = 0 }
    // Finagle goes on by no more than all slots, which leads to the same place.
    place = (place + 1 + (countsPartSlots ? skipped : min(skipped, slotCount))) % slotCount
    generation = now
  }
}
