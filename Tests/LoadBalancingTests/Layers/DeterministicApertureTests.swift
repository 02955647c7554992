import LoadBalancing
import MeshCore
import Testing

@Suite struct DeterministicApertureTests {
  // Goal: all clients together give each server its share of all weight, however many there are of either.
  @Test(arguments: 1...60) func clientsLoadServersByWeight(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let servers = 1 + random.below(40)
    let clients = 1 + random.below(40)
    let weights = (0..<servers).map { _ in round % 2 == 0 ? 1 : 0.1 + random.unit() }
    var load = [Double](repeating: 0, count: servers)
    var width = 0.0
    for client in 0..<clients {
      let coordinate = ApertureCoordinate(instance: client, total: clients)
      width = coordinate.width(logicalAperture: min(12, servers), servers: servers)
      let adjusted = DeterministicAperture.adjusted(weights: weights, offset: coordinate.offset, width: width)
      for server in 0..<servers { load[server] += adjusted[server] }
    }
    let total = weights.reduce(0, +)
    for server in 0..<servers {
      #expect(abs(load[server] / (width * Double(clients)) - weights[server] / total) < 1e-9)
    }
  }

  // Goal: with equal weights the ring and the weighted arc have the same members, and the same parts of them.
  @Test func ringEqualsArc() {
    for (servers, clients) in [(24, 12), (18, 4), (100, 30), (5, 3), (12, 1)] {
      for client in 0..<clients {
        let coordinate = ApertureCoordinate(instance: client, total: clients)
        var ring = DeterministicAperture()
        ring.update(servers: servers, at: coordinate)
        let width = coordinate.width(logicalAperture: min(12, servers), servers: servers)
        let arc = DeterministicAperture.adjusted(
          weights: [Double](repeating: 1, count: servers), offset: coordinate.offset, width: width)
        #expect(ring.indices.map(Int.init) == arc.indices.filter { arc[$0] > 1e-9 })
        // A server on which both ends of the arc lie counts in part only on the ring.
        for (server, weight) in zip(ring.indices, ring.weights) where width < 1 {
          #expect(abs(weight - arc[Int(server)] * Double(servers)) < 1e-6)
        }
      }
    }
  }

  // Goal: pairs are of members and differ wherever there are two, with the parts that the arc gives.
  @Test func pairsAreMembers() throws {
    var random = RandomStream(state: 6)
    for isWeighted in [false, true] {
      var aperture = DeterministicAperture()
      #expect(aperture.pair(&random) == nil)
      let coordinate = ApertureCoordinate(instance: 2, total: 9)
      if isWeighted {
        aperture.update(weights: (1...40).map(Double.init), at: coordinate)
      } else {
        aperture.update(servers: 40, at: coordinate)
      }
      for _ in 0..<500 {
        let pair = try #require(aperture.pair(&random))
        let first = try #require(aperture.indices.firstIndex(of: pair.first))
        #expect(aperture.indices.contains(pair.second))
        #expect(abs(pair.firstWeight - aperture.weights[first]) < 1e-9)
        if !isWeighted { #expect(pair.first != pair.second) }
      }
      aperture.update(servers: 0, at: coordinate)
      #expect(aperture.pair(&random) == nil && aperture.indices.isEmpty)
    }
  }

  // Goal: health comes before load, load goes by part, and hair-fine differences of parts do not count.
  @Test func comparesByHealthThenLoad() {
    let pair = AperturePair(first: 3, second: 8, firstWeight: 1, secondWeight: 0.5)
    let choose = { (a: EndpointStatus, load: Double, b: EndpointStatus, other: Double) in
      pair.choose(firstStatus: a, firstLoad: load, secondStatus: b, secondLoad: other)
    }
    #expect(choose(.busy, 0, .open, 100) == 8 && choose(.busy, 9, .closed, 0) == 3)
    #expect(choose(.open, 2, .open, 1) == 3 && choose(.open, 2.1, .open, 1) == 8)
    let even = AperturePair(first: 3, second: 8, firstWeight: 1, secondWeight: 1.00001)
    #expect(even.choose(firstStatus: .open, firstLoad: 1, secondStatus: .open, secondLoad: 1) == 3)
    #expect(AperturePair(first: 0, second: 1, firstWeight: 0, secondWeight: 1).firstWeight == 1)
  }
}
