import LoadBalancing
import Testing

@Suite struct DeterministicSubsettingTests {
  // Goal: within a round no endpoint is taken twice, and whole rounds load all endpoints alike where sizes divide.
  @Test(arguments: [(300, 10), (12, 3), (100, 30), (7, 2)]) func roundsAreDisjoint(_ count: Int, _ size: Int) {
    let subsets = count / size
    var load = [Int](repeating: 0, count: count)
    for round in 0..<5 {
      var taken: Set<Int32> = []
      for client in round * subsets..<(round + 1) * subsets {
        let members = DeterministicSubsetting.members(count: count, client: client, size: size)
        #expect(members.count == size && taken.isDisjoint(with: members))
        taken.formUnion(members)
        for member in members { load[Int(member)] += 1 }
      }
    }
    if count % size == 0 { #expect(load.allSatisfy { $0 == 5 }) }
  }

  // Goal: rounds deal in different orders, a client always gets the same, and small clusters are whole.
  @Test func odds() {
    let first = DeterministicSubsetting.members(count: 100, client: 0, size: 50)
    #expect(first == DeterministicSubsetting.members(count: 100, client: 0, size: 50))
    #expect(first != DeterministicSubsetting.members(count: 100, client: 2, size: 50))
    #expect(DeterministicSubsetting.members(count: 3, client: 7, size: 5) == [0, 1, 2])
    #expect(DeterministicSubsetting.members(count: 0, client: 0, size: 5).isEmpty)
    #expect(DeterministicSubsetting.members(count: 5, client: 0, size: 0).isEmpty)
    #expect(DeterministicSubsetting.members(count: 5, client: -4, size: 2).count == 2)
  }
}
