// Smooth weighted round robin, as nginx takes its turns (ngx_http_upstream_round_robin.c, since 1.3.1).
//
// At each turn every member's credit grows by its weight; the largest credit has the turn, the first of equals, and pays the sum
// of all weights. Weights 5, 1, 1 give a a b a c a a, never five a in a row. nginx's lowering of weights after failures is
// left to fault detection here.

/// Whose turn it is among members known by their place. Complexity: a turn O(n).
struct SmoothSchedule: Sendable {
  private var weights: ContiguousArray<Int64> = []
  private var credits: ContiguousArray<Int64> = []
  private var total: Int64 = 0

  init() {}

  /// Starts afresh with one member a weight.
  mutating func rebuild(weights: ContiguousArray<Int64>) {
    self.weights = weights
    credits = ContiguousArray(repeating: 0, count: weights.count)
    total = weights.reduce(0, +)
  }

  /// The place of the member whose turn it is; there must be one.
  mutating func next() -> Int32 {
    var best = 0
    for place in weights.indices {
      credits[place] &+= weights[place]
      if credits[place] > credits[best] { best = place }
    }
    credits[best] &-= total
    return Int32(truncatingIfNeeded: best)
  }
}
