// Least connections: the endpoint with the least load for its weight, equals by turns (HAProxy's `balance leastconn`).
//
// HAProxy keeps its servers in a tree, ordered by (in flight + 1) · 4096 / (16 · weight), a whole number, or 0 for an idle one;
// whoever takes on or finishes a request is put back behind those with the same figure. So equals take turns, the one that has
// been left alone longest first (lb_fwlc.c). Weights above HAProxy's 256 are compared in finer steps.
//
// It knows all endpoints at each pick: unlike two random choices it finds the least of them, and many proxies with the same
// stale idea of it find the same one.

import MeshCore

/// Chooses the least loaded by weight. Complexity: a pick O(1); O(log n) when a request begins or ends.
public struct LeastConnections: LoadBalancer {
  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "leastConnections",
    summary: "the fewest requests in flight for its weight of all endpoints, equals by turns",
    origin: "HAProxy leastconn"
  ) { _, _ in LeastConnections() }

  private struct Entry: BitwiseCopyable, Sendable {
    var load: UInt64
    /// Who was put in earlier goes first among equals.
    var order: UInt64
    var slot: Int32

    @inline(__always)
    static func < (left: Entry, right: Entry) -> Bool {
      left.load < right.load || (left.load == right.load && left.order < right.order)
    }
  }

  /// A binary heap, the least on top.
  private var heap: ContiguousArray<Entry> = []
  /// Where in the heap a slot is, or -1.
  private var places = SlotRecords<Int32>()
  /// The order of the next one to be put in; its lowest bit says whether weights exceed HAProxy's.
  private var nextOrder: UInt64 = 0

  /// A policy without endpoints.
  public init() {}

  private var isFine: Bool { nextOrder & 1 == 1 }

  private func load(_ endpoints: EndpointView, _ slot: Int32) -> UInt64 {
    let inFlight = endpoints.states[slot].inFlight
    if inFlight <= 0 { return 0 }
    let weight = UInt64(max(1, endpoints.states[slot].weight))
    let next = UInt64(inFlight) + 1
    return isFine ? (next << 32) / weight : next * 4096 / (16 * weight)
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    // Who stays keeps its turn; a slot's next endpoint does not inherit it.
    places.update(endpoints) { _ in -1 }
    var orders = ContiguousArray<UInt64>(repeating: .max, count: endpoints.states.count)
    for entry in heap where places[entry.slot] >= 0 {
      orders[Int(entry.slot)] = entry.order
      places[entry.slot] = -1
    }
    var isFine = false
    for place in 0..<endpoints.availableCount {
      isFine = isFine || endpoints.states[endpoints.available[place]].weight > 256
    }
    nextOrder = nextOrder & ~1 | (isFine ? 1 : 0)
    heap.removeAll(keepingCapacity: true)
    for place in 0..<endpoints.availableCount {
      let slot = endpoints.available[place]
      var order = orders[Int(slot)]
      if order == .max {
        order = nextOrder
        nextOrder &+= 2
      }
      heap.append(Entry(load: load(endpoints, slot), order: order, slot: slot))
      places[slot] = Int32(truncatingIfNeeded: heap.count - 1)
      rise(heap.count - 1)
    }
  }

  /// The load, (in flight + 1) / weight in the unit of comparison.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    Double(load(endpoints, slot))
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 { heap.isEmpty ? -1 : heap[0].slot }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) { put(endpoints, slot) }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) { put(endpoints, slot) }

  /// Puts a slot back behind its equals.
  private mutating func put(_ endpoints: EndpointView, _ slot: Int32) {
    if !places.slots.contains(slot) { return }
    let place = Int(places[slot])
    if place < 0 { return }
    heap[place].load = load(endpoints, slot)
    heap[place].order = nextOrder
    nextOrder &+= 2
    rise(place)
    sink(Int(places[slot]))
  }

  /// Moves the entry at `start` up to where it belongs.
  private mutating func rise(_ start: Int) {
    let entry = heap[start]
    var child = start
    while child > 0 {
      let parent = (child &- 1) / 2
      if !(entry < heap[parent]) { break }
      move(heap[parent], to: child)
      child = parent
    }
    if child != start { move(entry, to: child) }
  }

  /// Moves the entry at `start` down to where it belongs.
  private mutating func sink(_ start: Int) {
    let entry = heap[start]
    var parent = start
    while true {
      var child = 2 &* parent &+ 1
      if child >= heap.count { break }
      if child &+ 1 < heap.count && heap[child &+ 1] < heap[child] { child &+= 1 }
      if !(heap[child] < entry) { break }
      move(heap[child], to: parent)
      parent = child
    }
    if parent != start { move(entry, to: parent) }
  }

  @inline(__always)
  private mutating func move(_ entry: Entry, to place: Int) {
    heap[place] = entry
    places[entry.slot] = Int32(truncatingIfNeeded: place)
  }
}
