import LoadBalancing
import MeshCore
import Testing

@Suite struct TokenRingTests {
  // Goal: ranges are equal: of evenly spread tokens each gets its share, to one token.
  @Test(arguments: [1, 2, 3, 7, 50, 1000]) func rangesAreEqual(_ count: Int) {
    let tokens = 10_000
    var shares = [Int](repeating: 0, count: count)
    for number in 0..<tokens {
      shares[TokenRing.range(ofToken: UInt64(number) * (UInt64.max / UInt64(tokens)), count: count)] += 1
    }
    #expect(shares.allSatisfy { abs(Double($0) - Double(tokens) / Double(count)) <= 1 })
    #expect(TokenRing.range(ofToken: .max, count: count) == count - 1)
  }

  // Goal: each endpoint has the data of as many ranges as there are copies, and a range's copies are on different ones.
  @Test(arguments: [(1, 3), (3, 3), (5, 2), (50, 3), (4, 9)]) func copiesAreSpread(_ count: Int, _ factor: Int) {
    var load = [Int](repeating: 0, count: count)
    for range in 0..<count {
      let replicas = TokenRing.replicas(range: range, count: count, replicationFactor: factor)
      #expect(replicas.count == min(count, factor) && Set(replicas).count == replicas.count)
      #expect(replicas.first == Int32(range))
      for replica in replicas { load[Int(replica)] += 1 }
    }
    #expect(load.allSatisfy { $0 == min(count, factor) })
    #expect(TokenRing.replicas(range: 0, count: 0, replicationFactor: 3).isEmpty)
  }
}
