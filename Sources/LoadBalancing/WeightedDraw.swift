// One of n by weight in constant time: the alias method (Walker 1977; Vose, IEEE TSE 17:972, 1991).
//
// Each place keeps a share of its own column and lends the rest of it to one other place, so that a column and a coin decide.

import MeshCore

/// Places 0 ..< n, each drawn in proportion to its weight. Complexity: a draw O(1), a rebuild O(n).
struct WeightedDraw: Sendable {
  /// Of each column, the share that is its own place's.
  private var shares: ContiguousArray<Double> = []
  /// Whose the rest is.
  private var others: ContiguousArray<Int32> = []

  init() {}

  /// Takes finite weights above 0.
  mutating func rebuild(weights: ContiguousArray<Double>) {
    let count = weights.count
    let total = weights.reduce(0, +)
    shares = ContiguousArray(weights.map { $0 / total * Double(count) })
    others = ContiguousArray((0..<count).map { Int32(truncatingIfNeeded: $0) })
    var small = ContiguousArray((0..<count).filter { shares[$0] < 1 })
    var large = ContiguousArray((0..<count).filter { shares[$0] >= 1 })
    while let low = small.popLast() {
      guard let high = large.popLast() else {
        // Only rounding leaves a column without a lender.
        shares[low] = 1
        continue
      }
      others[low] = Int32(truncatingIfNeeded: high)
      shares[high] -= 1 - shares[low]
      if shares[high] < 1 { small.append(high) } else { large.append(high) }
    }
    for high in large { shares[high] = 1 }
  }

  /// A place; there must be one. Draws two numbers.
  @inline(__always)
  func draw(_ random: inout RandomStream) -> Int {
    let column = random.below(shares.count)
    return random.unit() < shares[column] ? column : Int(others[column])
  }
}
