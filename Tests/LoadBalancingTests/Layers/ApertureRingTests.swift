import LoadBalancing
import MeshCore
import Testing

@Suite struct ApertureRingTests {
  // Goal: an arc is as many whole client units as it takes to hold the wanted servers, at most the whole circle.
  @Test func widthIsWholeUnits() {
    for clients in 1...40 {
      for servers in 1...60 {
        let coordinate = ApertureCoordinate(instance: clients - 1, total: clients)
        let width = coordinate.width(logicalAperture: min(12, servers), servers: servers)
        let units = width * Double(clients)
        #expect(width > 0 && width <= 1 && abs(units - units.rounded()) < 1e-9)
        #expect(width * Double(servers) >= Double(min(12, servers)) - 1e-9)
        #expect((0..<1).contains(coordinate.offset))
      }
    }
  }

  // Goal: picks fall on covered servers alone, in proportion to their part, and a second pick is another server with
  // the probability that drawing without replacement gives.
  @Test(arguments: [(24, 12, 5), (18, 4, 1), (100, 30, 7), (13, 7, 0)]) func picksFollowParts(
    _ servers: Int, _ clients: Int, _ instance: Int
  ) {
    let coordinate = ApertureCoordinate(instance: instance, total: clients)
    let width = coordinate.width(logicalAperture: min(12, servers), servers: servers)
    let ring = ApertureRing(servers: servers, offset: coordinate.offset, width: width)
    var random = RandomStream(state: 9)
    var first = [Double](repeating: 0, count: servers)
    var second = [Double](repeating: 0, count: servers)
    let rounds = 60_000
    for _ in 0..<rounds {
      let one = ring.pick(&random)
      let other = ring.pickSecond(after: one, &random)
      #expect(one != other)
      first[one] += 1
      second[other] += 1
    }
    let parts = (0..<servers).map { ring.weight(of: $0) / (width * Double(servers)) }
    for server in 0..<servers {
      #expect(abs(first[server] / Double(rounds) - parts[server]) < 0.01)
      let expected = (0..<servers).reduce(0) {
        $0 + ($1 == server || parts[$1] == 0 ? 0 : parts[$1] * parts[server] / (1 - parts[$1]))
      }
      #expect(abs(second[server] / Double(rounds) - expected) < 0.01)
    }
  }

  // Goal: as many servers are counted as have a part on the arc, also when both its ends lie on one.
  @Test func countsWhatItTouches() {
    var random = RandomStream(state: 2)
    for _ in 0..<2000 {
      let servers = 1 + random.below(30)
      let ring = ApertureRing(servers: servers, offset: random.unit(), width: random.unit())
      let touched = Set((0..<ring.coveredCount).map { ring.covered($0) })
      #expect(touched.count == ring.coveredCount)
      for server in 0..<servers where ring.covers(server) { #expect(touched.contains(server)) }
    }
  }

  // Goal: Finagle's quirk is kept: of a server on which the arc begins and ends, the far part alone counts, so it can
  // be its own second candidate.
  @Test func bothEndsOnOneServer() {
    let ring = ApertureRing(servers: 13, offset: 3.0 / 7, width: 1)
    #expect(abs(ring.weight(of: 5) - (3.0 / 7 * 13 - 5)) < 1e-9 && ring.coveredCount == 13)
    var random = RandomStream(state: 9)
    let isOwnPeer = (0..<2000).contains { _ in ring.pickSecond(after: 5, &random) == 5 }
    #expect(isOwnPeer)
  }

  // Goal: a single server is its own peer.
  @Test func oneServer() {
    let ring = ApertureRing(servers: 1, offset: 0.5, width: 1)
    var random = RandomStream(state: 1)
    #expect(ring.pick(&random) == 0 && ring.pickSecond(after: 0, &random) == 0 && ring.coveredCount == 1)
  }
}
