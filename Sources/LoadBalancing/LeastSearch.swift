// The least of all available endpoints by some measure, ties broken at random.
//
// Two passes and at most one draw: the first finds the least value and how often it occurs, the second the chosen
// occurrence. A number a tie, as in Envoy's full scan, would be dear where most endpoints are idle and tie. Neither pass
// branches on the values, which no processor could foretell.

import MeshCore

/// A search for the least of a sequence of values: show it each, draw, then ask of each in the same order.
struct LeastSearch {
  private var least = Int64.max
  /// How often the least value has occurred; after `draw`, how many of its occurrences to pass over.
  private var occurrences = 0

  @inline(__always)
  mutating func see(_ value: Int64) {
    let counted = value == least ? occurrences &+ 1 : occurrences
    occurrences = value < least ? 1 : counted
    least = value < least ? value : least
  }

  /// Draws which occurrence is meant.
  @inline(__always)
  mutating func draw(_ random: inout RandomStream) { occurrences = occurrences > 1 ? random.below(occurrences) : 0 }

  /// Whether `value`, in the same order as it was seen, is the chosen one.
  @inline(__always)
  mutating func takes(_ value: Int64) -> Bool {
    occurrences &-= value == least ? 1 : 0
    return occurrences < 0
  }

  /// The available slot with the least `measure`, ties at random; -1 without any. Complexity: O(endpoints).
  @inline(__always)
  static func slot(
    of endpoints: EndpointView, _ random: inout RandomStream,
    by measure: (_ slot: Int32) -> Int64
  ) -> Int32 {
    let count = endpoints.availableCount
    var search = LeastSearch()
    for place in 0..<count { search.see(measure(endpoints.available[place])) }
    search.draw(&random)
    for place in 0..<count {
      let slot = endpoints.available[place]
      if search.takes(measure(slot)) { return slot }
    }
    return -1
  }
}
