import LoadBalancing
import MeshCore
import Testing

/// The paper's table, filled as it is written: permutations spelt out, free entries looked for from their start.
private func reference(_ members: [WeightedMember], size: Int) -> [Int32] {
  let order = members.indices.sorted { members[$0].key < members[$1].key }
  let most = members.map(\.share).max() ?? 0
  var entries = [Int32](repeating: -1, count: size)
  var targets = [Double](repeating: 0, count: members.count)
  var round = 0.0
  while entries.contains(-1) {
    round += 1
    for number in order where round * members[number].share >= targets[number] && entries.contains(-1) {
      targets[number] += most
      let offset = XXHash64.hash(members[number].key) % UInt64(size)
      let skip = XXHash64.hash(members[number].key, seed: 1) % UInt64(size - 1) + 1
      let permutation = (0..<size).map { Int((offset + UInt64($0) * skip) % UInt64(size)) }
      if let free = permutation.first(where: { entries[$0] < 0 }) { entries[free] = Int32(number) }
    }
  }
  return entries
}

@Suite struct MaglevTableTests {
  // Goal: the table is the paper's, whatever the weights and the order of the list.
  @Test(arguments: 1...30) func equalsTheReference(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    var members = weightedMembers(
      (0..<1 + random.below(9)).map { _ in UInt32(1 + random.below(round % 2 == 0 ? 1 : 7)) })
    let size = [2, 3, 7, 31, 127, 251, 1021][round % 7]
    let table = MaglevTable(members, size: UInt64(size))
    #expect(Array(table.entries) == reference(members, size: size))
    let keys = table.entries.map { members[Int($0)].key }
    members.reverse()
    #expect(keys == MaglevTable(members, size: UInt64(size)).entries.map { members[Int($0)].key })
  }

  // Goal: entries are shared evenly, in proportion to weights, to one entry a round.
  @Test func sharesAreEven() {
    let weights: [UInt32] = [1, 2, 3, 10]
    let table = MaglevTable(weightedMembers(weights))
    for (number, weight) in weights.enumerated() {
      let count = table.entries.count { Int($0) == number }
      #expect(abs(Double(count) - 65_537 * Double(weight) / 16) <= 2)
    }
  }

  // Goal: an endpoint that goes moves hardly more than its own keys.
  @Test func disruptsLittle() {
    let all = MaglevTable(weightedMembers(Array(repeating: 1, count: 20)))
    let left = MaglevTable(weightedMembers(Array(repeating: 1, count: 19)))
    let strays = (0..<65_537).count { all.entries[$0] != 19 && all.entries[$0] != left.entries[$0] }
    #expect(strays > 0 && Double(strays) < 0.06 * 65_537)
  }

  // Goal: sizes are prime numbers up to Envoy's bound.
  @Test func sizesArePrime() {
    let sieve = (0...200).filter { n in n > 1 && !(2..<max(2, n)).contains { n % $0 == 0 } }
    #expect((0...200).filter { MaglevTable.isPrime(UInt64($0)) } == sieve)
    #expect(MaglevTable.fault(size: 65_537) == nil && MaglevTable.fault(size: 5_000_011) == nil)
    #expect(MaglevTable.fault(size: 65_536) != nil && MaglevTable.fault(size: 5_000_029) != nil)
    #expect(MaglevTable.validSize(atLeast: 8) == 11 && MaglevTable.validSize(atLeast: .max) == 5_000_011)
    #expect(MaglevTable().member(of: 3) == -1 && MaglevTable([]).member(of: 3) == -1)
  }
}
