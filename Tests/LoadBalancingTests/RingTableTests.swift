import LoadBalancing
import MeshCore
import Testing

func weightedMembers(_ weights: [UInt32]) -> [WeightedMember] {
  WeightedMember.normalised(weights.enumerated().map { ("10.1.0.\($0.offset):80", $0.element) })
}

@Suite struct RingTableTests {
  // Goal: the ring is the sorted list of its points, and a look-up is a search of that list from end to end.
  @Test(arguments: 1...40) func equalsASortedList(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let weights = (0..<1 + random.below(12)).map { _ in UInt32(1 + random.below(round % 3 == 0 ? 1 : 9)) }
    let members = weightedMembers(weights)
    let minimum = UInt64(1 + random.below(300))
    let function = HashFunction.allCases[round % 2]
    let ring = RingTable(members, minimumSize: minimum, maximumSize: minimum + 200, function: function)
    var points: [(hash: UInt64, member: Int32)] = []
    let least = members.map(\.share).min() ?? 1
    let scale = min((least * Double(minimum)).rounded(.up) / least, Double(minimum + 200))
    var (target, current) = (0.0, 0.0)
    for (number, member) in members.enumerated() {
      target += scale * member.share
      var point = 0
      while current < target {
        let name = Array("\(member.key)_\(point)".utf8)
        points.append((name.withUnsafeBytes { function.hash($0) }, Int32(number)))
        point += 1
        current += 1
      }
    }
    points.sort { $0.hash < $1.hash }
    #expect(Array(ring.hashes) == points.map(\.hash) && Array(ring.members) == points.map(\.member))
    for probe in 0..<300 {
      let hash = probe < points.count ? points[probe].hash &+ UInt64(probe % 3) &- 1 : random.next()
      let expected = points.firstIndex { $0.hash >= hash } ?? 0
      try #require(ring.place(of: hash) == expected)
      try #require(ring.member(of: hash, attempt: probe) == points[(expected + probe) % points.count].member)
    }
  }

  // Goal: shares of keys follow weights as closely as points do: deviation 1/√points.
  @Test func sharesFollowWeights() {
    let ring = RingTable(weightedMembers([1, 2, 5]), minimumSize: 40_000)
    var counts = [Double](repeating: 0, count: 3)
    for key in 0..<100_000 { counts[Int(ring.member(of: mix64(UInt64(key))))] += 1 }
    for (count, share) in zip(counts, [0.125, 0.25, 0.625]) {
      #expect(abs(count / 100_000 - share) < 0.02 * share + 0.005)
    }
  }

  // Goal: an endpoint that goes moves hardly more than its own keys.
  @Test func disruptsLittle() {
    let all = RingTable(weightedMembers(Array(repeating: 1, count: 20)), minimumSize: 4000)
    let left = RingTable(weightedMembers(Array(repeating: 1, count: 19)), minimumSize: 4000)
    var strays = 0
    for key in 0..<20_000 {
      let before = all.member(of: mix64(UInt64(key)))
      if before != 19 && before != left.member(of: mix64(UInt64(key))) { strays += 1 }
    }
    // The others get a few points more each (4000 / 19 in place of 4000 / 20).
    #expect(strays > 0 && strays < 1400)
  }

  // Goal: points at the same places, no points and bounds that contradict each other are no trouble.
  @Test func degenerateRings() {
    #expect(RingTable().place(of: 7) == -1 && RingTable([]).member(of: 7) == -1)
    let twins = RingTable([WeightedMember(key: "a", share: 0.5), WeightedMember(key: "a", share: 0.5)], minimumSize: 8)
    #expect(twins.count == 8 && Array(twins.hashes) == twins.hashes.sorted())
    let crowded = RingTable(points: [5, 5, 5, 6, .max, 0])
    #expect(crowded.place(of: 5) == 1 && crowded.place(of: 7) == 5 && crowded.member(of: 1) == 0)
    #expect(RingTable.fault(minimumSize: 20, maximumSize: 10) != nil)
    #expect(RingTable.fault(minimumSize: 0, maximumSize: 10) != nil)
    #expect(RingTable.fault(minimumSize: 1, maximumSize: RingTable.largestSize + 1) != nil)
    #expect(RingTable.fault(minimumSize: 10, maximumSize: 10) == nil)
  }
}
