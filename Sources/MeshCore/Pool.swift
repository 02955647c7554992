// The one unsafe file: storage of everything that the hot path mutates.
//
// A `Pool` is a growable array of plain records without reference counts, uniqueness checks or exclusivity
// bookkeeping; a `Slab` is a pool of reusable slots addressed by generation-checked handles. Every index is checked,
// in release builds too (2–3 % of a simulated request), so a stale index stops the process and never corrupts it.
// All of it is `@inlinable`: without that each access pays a generic look-up at run time, a factor of nine.

/// A growable array of plain records, owned by one place, every index checked.
///
/// Complexity: subscripting O(1); appending O(1) amortised. Memory never shrinks.
@frozen
public struct Pool<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline internal var base: UnsafeMutablePointer<Element>
  @usableFromInline internal var capacity: Int
  @usableFromInline internal var used: Int

  /// How many records the pool holds.
  @inlinable
  public var count: Int { used }

  /// An empty pool with room for `capacity` records.
  @inlinable
  public init(capacity: Int = 0) {
    let room = capacity < 8 ? 8 : capacity
    self.base = Self.allocate(room)
    self.capacity = room
    self.used = 0
  }

  /// A pool of `count` records, each a copy of `element`.
  @inlinable
  public init(repeating element: Element, count: Int) {
    self.init(capacity: count)
    self.base.initialize(repeating: element, count: count)
    self.used = count
  }

  deinit { base.deallocate() }

  /// The record at `index`, in place.
  @inlinable
  public subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: used))
      return UnsafePointer(base + index)
    }
    @inline(__always) unsafeMutableAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: used))
      return base + index
    }
  }

  /// The record at `index`, in place, for the 32-bit indices that records hold.
  @inlinable
  public subscript(index: Int32) -> Element {
    @inline(__always) unsafeAddress {
      precondition(UInt(UInt32(bitPattern: index)) < UInt(bitPattern: used))
      return UnsafePointer(base + Int(UInt32(bitPattern: index)))
    }
    @inline(__always) unsafeMutableAddress {
      precondition(UInt(UInt32(bitPattern: index)) < UInt(bitPattern: used))
      return base + Int(UInt32(bitPattern: index))
    }
  }

  /// Changes the record at `index` in place, with one check for however many fields.
  @inlinable
  @inline(__always)
  @discardableResult
  public mutating func modify<Result>(_ index: Int, _ body: (inout Element) -> Result) -> Result {
    body(&self[index])
  }

  /// Changes the record at `index` in place, with one check for however many fields.
  @inlinable
  @inline(__always)
  @discardableResult
  public mutating func modify<Result>(_ index: Int32, _ body: (inout Element) -> Result) -> Result {
    body(&self[index])
  }

  /// Adds `element` behind the last record.
  @inlinable
  public mutating func append(_ element: Element) {
    if used == capacity { grow(to: capacity &* 2) }
    (base + used).initialize(to: element)
    used &+= 1
  }

  /// Makes room for `count` records that `appendReserved` adds.
  @inlinable
  @inline(__always)
  public mutating func reserve(_ count: Int) {
    if capacity &- used < count { grow(to: capacity &* 2 &+ count) }
  }

  /// Adds `element` behind the last record where `reserve` has made room: who adds in several places then has but one way that
  /// may lead out of line, at a moment when little is in registers.
  @inlinable
  @inline(__always)
  public mutating func appendReserved(_ element: Element) {
    precondition(used < capacity)
    (base + used).initialize(to: element)
    used &+= 1
  }

  /// Removes the last record and returns it, or `nil` when the pool is empty.
  @inlinable
  public mutating func popLast() -> Element? {
    if used == 0 { return nil }
    used &-= 1
    return base[used]
  }

  /// Forgets all records and keeps the memory.
  @inlinable
  public mutating func removeAll() { used = 0 }

  /// Makes the pool exactly `newCount` records long; new ones are copies of `element`.
  @inlinable
  public mutating func resize(to newCount: Int, filling element: Element) {
    if newCount > capacity { grow(to: newCount > capacity &* 2 ? newCount : capacity &* 2) }
    if newCount > used { (base + used).initialize(repeating: element, count: newCount - used) }
    used = newCount
  }

  /// Sets every record to `element`.
  @inlinable
  public mutating func fill(with element: Element) {
    base.update(repeating: element, count: used)
  }

  /// Memory that begins with a cache line, so that records of 64 or 128 bytes do not straddle two.
  @inlinable
  internal static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Element> {
    UnsafeMutableRawPointer
      .allocate(byteCount: capacity &* MemoryLayout<Element>.stride, alignment: 64)
      .bindMemory(to: Element.self, capacity: capacity)
  }

  @usableFromInline
  @inline(never)
  internal mutating func grow(to newCapacity: Int) {
    let wider = Self.allocate(newCapacity)
    wider.moveInitialize(from: base, count: used)
    base.deallocate()
    base = wider
    capacity = newCapacity
  }
}

/// A table of fixed size whose indices wrap around: no index lies outside it, so none needs a check.
@frozen
public struct WrappingTable<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline internal let base: UnsafeMutablePointer<Element>
  @usableFromInline internal let mask: Int

  /// A table of copies of `element`: at least `count` of them, rounded up to a power of two.
  public init(repeating element: Element, count: Int) {
    var room = 1
    while room < count { room *= 2 }
    base = .allocate(capacity: room)
    base.initialize(repeating: element, count: room)
    mask = room - 1
  }

  deinit { base.deallocate() }

  /// How many records there are.
  @inlinable
  public var count: Int { mask + 1 }

  /// The record at `index` modulo the table's size, in place.
  @inlinable
  public subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress { UnsafePointer(base + (index & mask)) }
    @inline(__always) unsafeMutableAddress { base + (index & mask) }
  }

  /// Changes the record at `index` in place.
  @inlinable
  @inline(__always)
  @discardableResult
  public mutating func modify<Result>(_ index: Int, _ body: (inout Element) -> Result) -> Result {
    body(&self[index])
  }
}

/// The records of a pool, lent for the length of a call: reading costs no copy of the pool's own fields.
///
/// Whoever is given one must not keep it: the pool may move its records as soon as the call is over.
@frozen
public struct PoolView<Element: BitwiseCopyable>: BitwiseCopyable {
  @usableFromInline internal let base: UnsafePointer<Element>

  /// How many records there are.
  public let count: Int

  @inlinable
  internal init(base: UnsafePointer<Element>, count: Int) {
    self.base = base
    self.count = count
  }

  /// The record at `index`.
  @inlinable
  public subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return base + index
    }
  }

  /// The record at `index`, for the 32-bit indices that records hold.
  @inlinable
  public subscript(index: Int32) -> Element {
    @inline(__always) unsafeAddress {
      precondition(UInt(UInt32(bitPattern: index)) < UInt(bitPattern: count))
      return base + Int(UInt32(bitPattern: index))
    }
  }
}

extension Pool {
  /// The records, to be read while the pool is not changed.
  @inlinable
  public var view: PoolView<Element> {
    @inline(__always) get { PoolView(base: UnsafePointer(base), count: used) }
  }
}

/// Names one occupant of a `Slab`: the slot, and which of the slot's successive occupants is meant.
@frozen
public struct SlotHandle: BitwiseCopyable, Hashable, Sendable {
  /// The slot's index.
  public var index: Int32
  /// How often the slot had been given out before this occupant.
  public var generation: UInt32

  /// The occupant `generation` of slot `index`.
  @inlinable
  public init(index: Int32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }

  /// A handle that no slab ever gives out.
  @inlinable
  public static var none: SlotHandle { SlotHandle(index: -1, generation: 0) }

  /// The handle as one 64-bit number.
  @inlinable
  public var packed: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: index)) }

  /// The handle that `packed` stands for.
  @inlinable
  public init(packed: UInt64) {
    self.init(index: Int32(truncatingIfNeeded: packed), generation: UInt32(truncatingIfNeeded: packed >> 32))
  }
}

/// Reusable slots for records that come and go, addressed by handles that know when they are stale.
///
/// Complexity: every operation O(1), without allocation once the slab has grown to its peak.
@frozen
public struct Slab<Element: BitwiseCopyable>: ~Copyable {
  @frozen
  @usableFromInline
  internal struct Slot: BitwiseCopyable {
    @usableFromInline var element: Element
    @usableFromInline var generation: UInt32
    /// The next free slot, or `occupied`.
    @usableFromInline var next: Int32

    @inlinable
    init(element: Element, generation: UInt32, next: Int32) {
      self.element = element
      self.generation = generation
      self.next = next
    }
  }

  @usableFromInline internal static var endOfList: Int32 { @inlinable get { -1 } }
  @usableFromInline internal static var occupied: Int32 { @inlinable get { -2 } }

  @usableFromInline internal var slots: Pool<Slot>
  @usableFromInline internal var firstFree: Int32
  @usableFromInline internal var occupants: Int

  /// How many slots are occupied.
  @inlinable
  public var occupiedCount: Int { occupants }

  /// An empty slab with room for `capacity` records.
  @inlinable
  public init(capacity: Int = 64) {
    self.slots = Pool(capacity: capacity)
    self.firstFree = -1
    self.occupants = 0
  }

  /// How many slots there are, occupied or free: the range to scan for all occupants.
  @inlinable
  public var slotCount: Int { slots.count }

  /// Changes the record in slot `index` in place, with one check for however many fields.
  @inlinable
  @inline(__always)
  @discardableResult
  public mutating func modify<Result>(_ index: Int32, _ body: (inout Element) -> Result) -> Result {
    body(&self[index])
  }

  /// Puts `element` into a free slot.
  @inlinable
  @inline(__always)
  public mutating func insert(_ element: Element) -> SlotHandle {
    if firstFree < 0 { addSlots() }
    occupants &+= 1
    let index = firstFree
    let (next, generation) = slots.modify(index) { slot in
      let next = slot.next
      slot.element = element
      slot.next = Self.occupied
      return (next, slot.generation)
    }
    firstFree = next
    return SlotHandle(index: index, generation: generation)
  }

  /// Lists some new slots as free, to be taken in order. Apart, so that there is but one way to fill a slot: a second one in line,
  /// around a call, costs every caller registers.
  @usableFromInline
  @inline(never)
  internal mutating func addSlots() {
    let first = slots.count
    if first == slots.capacity { slots.grow(to: slots.capacity &* 2) }
    let end = min(slots.capacity, first + 64)
    for index in first..<end {
      let raw = UnsafeMutableRawPointer(slots.base + index)
      raw.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<Slot>.stride)
      (slots.base + index).pointee.generation = 1
      (slots.base + index).pointee.next = index + 1 < end ? Int32(truncatingIfNeeded: index + 1) : Self.endOfList
    }
    slots.used = end
    firstFree = Int32(truncatingIfNeeded: first)
  }

  /// Frees the slot at `index`; its handles become stale.
  @inlinable
  @inline(__always)
  public mutating func remove(at index: Int32) {
    let next = firstFree
    slots.modify(index) { slot in
      precondition(slot.next == Self.occupied, "a slot is freed once")
      slot.generation &+= 1
      slot.next = next
    }
    firstFree = index
    occupants &-= 1
  }

  /// Whether `handle` still names an occupant.
  @inlinable
  @inline(__always)
  public func contains(_ handle: SlotHandle) -> Bool {
    if UInt(UInt32(bitPattern: handle.index)) >= UInt(bitPattern: slots.used) { return false }
    let slot = slots[handle.index]
    return slot.generation == handle.generation && slot.next == Self.occupied
  }

  /// Whether slot `index` is occupied.
  @inlinable
  public func isOccupied(_ index: Int32) -> Bool { slots[index].next == Self.occupied }

  /// The handle of slot `index`'s present occupant.
  @inlinable
  public func handle(at index: Int32) -> SlotHandle {
    SlotHandle(index: index, generation: slots[index].generation)
  }

  /// The record in slot `index`, in place.
  @inlinable
  public subscript(index: Int32) -> Element {
    @inline(__always) unsafeAddress {
      precondition(index >= 0 && Int(index) < slots.count)
      let slot = UnsafeRawPointer(slots.base + Int(UInt32(bitPattern: index)))
      return slot.assumingMemoryBound(to: Element.self)
    }
    @inline(__always) unsafeMutableAddress {
      precondition(index >= 0 && Int(index) < slots.count)
      let slot = UnsafeMutableRawPointer(slots.base + Int(UInt32(bitPattern: index)))
      return slot.assumingMemoryBound(to: Element.self)
    }
  }
}
