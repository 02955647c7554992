import LoadBalancing
import MeshCore
import Testing

@Suite struct AnchorTableTests {
  private func placements(_ table: AnchorTable) -> [Int32] { (0..<4000).map { table.bucket(of: mix64(UInt64($0))) } }

  // Goal: through any sequence of removals and additions only the keys of the bucket concerned move, shares stay even, and
  // what comes back takes what it gave up.
  @Test(arguments: 1...20) func movesOnlyWhatItMust(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let capacity = 2 + random.below(40)
    var table = AnchorTable(capacity: capacity, working: 1 + random.below(capacity))
    var before = placements(table)
    for _ in 0..<60 {
      let working = Set(before)
      let isRemoval = table.working > 1 && (random.below(2) == 0 || table.working == capacity)
      var touched: Int32
      if isRemoval {
        touched = working.sorted()[random.below(working.count)]
        table.remove(touched)
      } else {
        touched = table.add()
      }
      let after = placements(table)
      for (old, new) in zip(before, after) where old != new { try #require((isRemoval ? old : new) == touched) }
      if isRemoval { try #require(!after.contains(touched)) }
      let mean = 4000 / Double(table.working)
      for bucket in Set(after) {
        let count = Double(after.count { $0 == bucket })
        try #require(abs(count - mean) < 6 * mean.squareRoot() + 1, "\(count) of \(mean)")
      }
      before = after
    }
  }

  // Goal: an addition undoes the last removal, down to no bucket at all and back.
  @Test func additionsUndoRemovals() {
    var table = AnchorTable(capacity: 12, working: 9)
    var past: [[Int32]] = []
    for bucket in [3, 8, 0, 5, 1, 2, 7, 4, 6] as [Int32] {
      past.append(placements(table))
      table.remove(bucket)
    }
    #expect(table.working == 0 && table.bucket(of: 1) == -1)
    for bucket in [6, 4, 7, 2, 1, 5, 0, 8, 3] as [Int32] {
      #expect(table.add() == bucket)
      #expect(placements(table) == past.removeLast())
    }
    for _ in 0..<3 { #expect(table.add() >= 9) }
    #expect(table.add() == -1 && table.working == 12)
  }
}
