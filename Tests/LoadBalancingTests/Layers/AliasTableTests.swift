import LoadBalancing
import MeshCore
import Testing

@Suite struct AliasTableTests {
  // Goal: outcomes are drawn in proportion to their weights, those without weight never.
  @Test(arguments: 1...20) func drawsByWeight(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let weights = ContiguousArray((0..<1 + random.below(12)).map { _ in random.below(4) == 0 ? 0 : random.unit() * 10 })
    let total = weights.reduce(0, +)
    if total == 0 { return }
    let table = AliasTable(weights: weights)
    var counts = [Double](repeating: 0, count: weights.count)
    for _ in 0..<40_000 { counts[table.draw(&random)] += 1 }
    for (count, weight) in zip(counts, weights) {
      #expect(abs(count / 40_000 - weight / total) < 0.015)
      if weight == 0 { #expect(count == 0) }
    }
  }

  // Goal: equal weights are whole columns, and no weight at all draws evenly.
  @Test func evenWeights() {
    for weights in [ContiguousArray(repeating: 0.1, count: 7), ContiguousArray(repeating: 0, count: 7)] {
      let table = AliasTable(weights: weights)
      var random = RandomStream(state: 4)
      var counts = [Double](repeating: 0, count: 7)
      for _ in 0..<70_000 { counts[table.draw(&random)] += 1 }
      for count in counts { #expect(abs(count - 10_000) < 500) }
    }
    #expect(AliasTable(weights: []).count == 0)
  }
}
