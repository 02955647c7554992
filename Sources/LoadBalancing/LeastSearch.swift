// The least of all available endpoints by some measure, ties broken at random.
//
// Two passes and at most one draw: the first finds the least value and how often it occurs, the second the chosen
// occurrence. A number a tie, as in Envoy's full scan, would be dear where most endpoints are idle and tie.

import MeshCore

/// A search for the least of a sequence of values: tell it each, then ask which occurrence of the least to take.
struct LeastSearch {
  private var least = Int64.max
  private var occurrences = 0

  @inline(__always)
  mutating func see(_ value: Int64) {
    if value < least {
      least = value
      occurrences = 1
    } else if value == least {
      occurrences &+= 1
    }
  }

  /// Draws which occurrence is meant; from then on `takes` counts down to it.
  @inline(__always)
  mutating func draw(_ random: inout RandomStream) { occurrences = occurrences > 1 ? random.below(occurrences) : 0 }

  /// Whether `value`, in the same order as it was seen, is the chosen one.
  @inline(__always)
  mutating func takes(_ value: Int64) -> Bool {
    if value != least { return false }
    if occurrences == 0 { return true }
    occurrences &-= 1
    return false
  }
}
