import LoadBalancing
import Testing

@Suite struct RandomSubsetTests {
  // Goal: one endpoint more changes at most one place, sizes beyond the list are the list, and seeds spread their choices.
  @Test func changesAtMostOnePlace() {
    let keys = (0..<40).map { "10.0.0.\($0):80" }
    var counts = [Int](repeating: 0, count: 40)
    for seed in 0..<400 as Range<UInt64> {
      let before = Set(RandomSubset.places(of: Array(keys.dropLast()), size: 8, seed: seed))
      let after = Set(RandomSubset.places(of: keys, size: 8, seed: seed))
      #expect(before.count == 8 && after.subtracting(before).count <= 1)
      for place in after { counts[place] += 1 }
    }
    for count in counts { #expect(abs(count - 80) < 50) }
    #expect(RandomSubset.places(of: keys, size: 99, seed: 1).sorted() == Array(0..<40))
    #expect(
      RandomSubset.places(of: keys, size: 0, seed: 1).isEmpty && RandomSubset.places(of: [], size: 3, seed: 1).isEmpty)
  }
}
