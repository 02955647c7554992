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
  private var places: ContiguousArray<Int32> = []
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
    let former = heap
    var orders = ContiguousArray<UInt64>(repeating: .max, count: endpoints.states.count)
    for entry in former where Int(entry.slot) < orders.count { orders[Int(entry.slot)] = entry.order }
    var isFine = false
    for place in 0..<endpoints.availableCount {
      isFine = isFine || endpoints.states[endpoints.available[place]].weight > 256
    }
    nextOrder = nextOrder & ~1 | (isFine ? 1 : 0)
    heap.removeAll(keepingCapacity: true)
    places = ContiguousArray(repeating: -1, count: endpoints.states.count)
    for place in 0..<endpoints.availableCount {
      let slot = endpoints.available[place]
      var order = orders[Int(slot)]
      if order == .max {
        order = nextOrder
        nextOrder &+= 2
      }
      heap.append(Entry(load: load(endpoints, slot), order: order, slot: slot))
      places[Int(slot)] = Int32(truncatingIfNeeded: heap.count - 1)
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
    if Int(slot) >= places.count { return }
    let place = Int(places[Int(slot)])
    if place < 0 { return }
    heap[place].load = load(endpoints, slot)
    heap[place].order = nextOrder
    nextOrder &+= 2
    rise(place)
    sink(Int(places[Int(slot)]))
  }

  private mutating func rise(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child &- 1) / 2
      if !(heap[child] < heap[parent]) { return }
      exchange(child, parent)
      child = parent
    }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var child = 2 &* parent &+ 1
      if child >= heap.count { return }
      if child &+ 1 < heap.count && heap[child &+ 1] < heap[child] { child &+= 1 }
      if !(heap[child] < heap[parent]) { return }
      exchange(child, parent)
      parent = child
    }
  }

  private mutating func exchange(_ left: Int, _ right: Int) {
    heap.swapAt(left, right)
    places[Int(heap[left].slot)] = Int32(truncatingIfNeeded: left)
    places[Int(heap[right].slot)] = Int32(truncatingIfNeeded: right)
  }
}
