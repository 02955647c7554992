import LoadBalancing
import MeshCore
import Testing

@Suite struct RandomSubsettingTests {
  // Goal: the smallest hashes are kept, and one endpoint more or less changes one member at most.
  @Test(arguments: 1...50) func changesLittle(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let hashes = (0..<40).map { _ in random.next() }
    let before = RandomSubsetting.members(hashes: hashes, size: 8).map { hashes[Int($0)] }
    #expect(before == Array(hashes.sorted().prefix(8)))
    let gone = random.below(40)
    var fewer = hashes
    fewer.remove(at: gone)
    let after = RandomSubsetting.members(hashes: fewer, size: 8).map { fewer[Int($0)] }
    #expect(Set(before).subtracting(after).count <= 1)
    #expect(before.contains(hashes[gone]) || before == after)
  }

  // Goal: sizes beyond the list and none, and equal hashes, are no trap.
  @Test func odds() {
    #expect(RandomSubsetting.members(hashes: [3, 1, 2], size: 9) == [1, 2, 0])
    #expect(RandomSubsetting.members(hashes: [3, 1], size: -1).isEmpty)
    #expect(RandomSubsetting.members(hashes: [7, 7, 7], size: 2) == [0, 1])
  }
}
