// A weighted draw in constant time, by the alias method.
//
// n columns of equal width; each holds one outcome up to a threshold and another one, its alias, above it. A draw names
// a column and a height (Walker, ACM TOMS 3:253, 1977; built in O(n) as Vose, IEEE TSE 17:972, 1991). Finagle's
// weighted aperture draws its candidates by it.

import MeshCore

/// Outcomes 0 ..< count, each as likely as its weight. Complexity: a draw O(1), without allocation.
public struct AliasTable: Sendable {
  private var thresholds: ContiguousArray<Double>
  private var aliases: ContiguousArray<Int32>

  /// A table of these weights, none below 0. Outcomes of weight 0 are not drawn unless all are 0: then all are alike.
  public init(weights: ContiguousArray<Double>) {
    let count = weights.count
    thresholds = ContiguousArray(repeating: 1, count: count)
    aliases = ContiguousArray((0..<count).map { Int32(truncatingIfNeeded: $0) })
    let total = weights.reduce(0, +)
    if !(total > 0) { return }
    // Filled to 1 each: whoever is short is topped up by one that has too much.
    var heights = weights.map { $0 / total * Double(count) }
    var short: [Int] = []
    var tall: [Int] = []
    for place in 0..<count { if heights[place] < 1 { short.append(place) } else { tall.append(place) } }
    while let high = tall.last, let low = short.popLast() {
      thresholds[low] = heights[low]
      aliases[low] = Int32(truncatingIfNeeded: high)
      heights[high] = heights[high] + heights[low] - 1
      if heights[high] < 1 { short.append(tall.removeLast()) }
    }
    // Whoever is left over is full but for rounding.
  }

  /// How many outcomes there are.
  public var count: Int { thresholds.count }

  /// One of the outcomes, of which there must be one. Draws one number, or two where the column is shared.
  public func draw(_ random: inout RandomStream) -> Int {
    let column = random.below(count)
    let threshold = thresholds[column]
    if threshold >= 1 || random.unit() < threshold { return column }
    return Int(aliases[column])
  }
}
