import LoadBalancing
import MeshCore
import Testing

@Suite struct StaticStrideTests {
  // Goal: over a full cycle of 65,535 passes each member has exactly as many turns as its scaled weight, for any weights.
  @Test(arguments: 1...8) func aCycleIsExact(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let weights = ContiguousArray((0..<(2 + random.below(12))).map { _ in Double(1 + random.below(1000)) })
    var stride = StaticStride()
    stride.rebuild(weights: weights)
    if stride.isPlain { return }
    let total = stride.scaled.reduce(0) { $0 + Int($1) }
    var counts = [Int](repeating: 0, count: weights.count)
    for _ in 0..<total { counts[Int(stride.next())] += 1 }
    #expect(counts == stride.scaled.map { Int($0) })
    let largest = weights.max() ?? 1
    for (scaled, weight) in zip(stride.scaled, weights) {
      #expect(abs(Double(scaled) - weight / largest * 65_535) <= 0.5)
    }
  }

  // Goal: no member waits much longer than its share says: turns are spread, not bunched.
  @Test func turnsAreSpread() {
    var stride = StaticStride(counter: 12_345)
    stride.rebuild(weights: [1, 2, 5, 8])
    var last = [Int](repeating: 0, count: 4)
    for turn in 1...10_000 {
      let place = Int(stride.next())
      if last[place] > 0 { #expect(turn - last[place] <= 2 * 16 / [1, 2, 5, 8][place] + 2) }
      last[place] = turn
    }
  }

  // Goal: without members there is no turn; one, or one known weight, makes plain turns from the counter on.
  @Test func fewMembers() {
    var stride = StaticStride(counter: 4)
    #expect(stride.next() == -1)
    stride.rebuild(weights: [0, 0, 7])
    #expect(stride.isPlain && (0..<4).map { _ in Int(stride.next()) } == [1, 2, 0, 1])
    stride.rebuild(weights: [3])
    #expect(stride.next() == 0)
  }
}
