// Published results of single modules, by their rows in the project's list (Documentation/Reproductions.md): what needs no world to show.

import MeshCore
import Testing

@testable import LoadBalancing

/// Goal: what others have published of these rules comes out of them. Method: closed forms, counts over all endpoints, fixed seeds.
@Suite("published rows") struct PublishedRowTests {
  // Goal: row 7. With k of 100 endpoints down, a choice of two that is made again up to m times ends in panic with probability
  // (k (k − 1) / 9900)^m, within a percentage point (Finagle's P2CPanicModeTest). Method: `leastRequest` as registered; whoever
  // panics has drawn m + 1 pairs, and nobody else has drawn as many.
  @Test(arguments: 1...5 as ClosedRange<Int64>) func row7PanicProbability(_ effort: Int64) {
    let descriptor = LeastRequest.descriptor
    var draws = RandomStream(state: 7)
    let numbers = scripted((0..<1 << 18).map { _ in draws.next() })
    for down in [30, 50, 70, 90, 100] {
      var bench = PolicyBench(
        descriptor.make(parameters(descriptor, [("maxEffort", .integer(effort))]), BalancerContext()), count: 100)
      for slot in 0..<Int32(down) { bench.admit(false, slot: slot) }
      bench.random = numbers
      var panics = 0
      var dead = 0
      var most = 0
      for _ in 0..<20_000 {
        let before = bench.random.drawnFromScript
        let slot = bench.pick()
        let pairs = (bench.random.drawnFromScript - before) / 2
        most = max(most, pairs)
        panics += pairs == Int(effort) + 1 ? 1 : 0
        dead += slot < down ? 1 : 0
      }
      let vain = Double(down * (down - 1)) / 9900
      let expected = (0..<effort).reduce(1.0) { product, _ in product * vain }
      #expect(abs(Double(panics) / 20_000 - expected) < 0.01, "\(down) down: \(panics)")
      #expect(dead <= panics && most <= Int(effort) + 1, "nobody else gets a dead one, and nobody tries longer")
    }
  }

  // Goal: row 8. Whatever the numbers of clients and servers, the clients' arcs load all servers alike; the published shapes have the
  // published members, and 200 clients of 1000 servers have 3,000 edges in place of 200,000.
  @Test(arguments: [
    (12, 24, nil), (4, 18, nil), (200, 1000, 3000), (7, 31, nil), (13, 5, nil), (50, 50, nil), (1, 40, 40),
  ])
  func row8DeterministicAperture(_ clients: Int, _ servers: Int, _ edges: Int?) {
    var load = [Double](repeating: 0, count: servers)
    var touched = 0
    for client in 0..<clients {
      let coordinate = ApertureCoordinate(instance: client, total: clients)
      let width = coordinate.width(logicalAperture: min(12, servers), servers: servers)
      let parts = DeterministicAperture.adjusted(
        weights: [Double](repeating: 1, count: servers), offset: coordinate.offset, width: width)
      for server in 0..<servers { load[server] += parts[server] }
      var aperture = DeterministicAperture()
      aperture.update(servers: servers, at: coordinate)
      touched += aperture.indices.count
    }
    let mean = load.reduce(0, +) / Double(servers)
    #expect(load.allSatisfy { abs($0 / mean - 1) < 1e-9 })
    if let edges { #expect(touched == edges) }
    var first = DeterministicAperture()
    first.update(servers: servers, at: ApertureCoordinate(instance: clients == 4 ? 1 : 0, total: clients))
    if (clients, servers) == (12, 24) { #expect(first.indices == ContiguousArray(0..<12)) }
    if (clients, servers) == (4, 18) {
      #expect(first.indices == ContiguousArray(4..<18) && abs(first.weights[0] - 0.5) < 1e-9)
    }
  }

  // Goal: row 9. A thousand servers under 5,000, 50,000 and 500,000 edges of random apertures have 5, 50 and 500 clients each, with
  // the binomial deviation: 2.2, 7 and 20 (published as "2.5", 7 and 22, which it would be with smaller apertures of more clients).
  @Test(arguments: [(1000, 5), (1000, 50), (2500, 200)]) func row9RandomApertureBands(_ clients: Int, _ width: Int) {
    let servers = 1000
    var counts = [Double](repeating: 0, count: servers)
    var random = RandomStream(state: 9)
    for _ in 0..<clients {
      var aperture = RandomAperture(minimumAperture: width)
      aperture.update(
        tokens: (0..<servers).map { _ in UInt32(truncatingIfNeeded: random.next()) },
        statuses: [EndpointStatus](repeating: .open, count: servers))
      for server in aperture.order.prefix(aperture.logicalAperture) { counts[Int(server)] += 1 }
    }
    let mean = counts.reduce(0, +) / Double(servers)
    let deviation = (counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(servers)).squareRoot()
    let share = Double(width) / Double(servers)
    let binomial = (Double(clients) * share * (1 - share)).squareRoot()
    #expect(
      mean == Double(clients * width) / 1000 && abs(deviation / binomial - 1) < 0.08, "\(deviation), not \(binomial)")
  }

  // Goal: row 10. Without smoothing, the load band of a random aperture follows c requests in flight to c / 1.125 servers, give or
  // take one, as c climbs from 1 to 300 and beyond each step at once.
  @Test func row10LoadBand() {
    var band = LoadBand(smoothingWindow: .zero)
    var aperture = 1
    var now = Timestamp.zero
    for load in 1...300 {
      now = now + .milliseconds(1)
      aperture += band.adjust(by: 1, aperture: aperture, minimum: 1, maximum: 1000, at: now)
      // Answers and new requests by turns: the band is asked again while nothing else changes.
      for change in [-1, 1, -1, 1] as [Int64] {
        now = now + .milliseconds(1)
        aperture += band.adjust(by: change, aperture: aperture, minimum: 1, maximum: 1000, at: now)
      }
      #expect(abs(Double(aperture) - Double(load) / 1.125) <= 1 + 1e-9 || load < 3, "\(load): \(aperture)")
    }
  }

  // Goal: row 27, the ring: with 10, 100 and 1000 points each, the endpoints' parts of the ring have a relative deviation of .3152,
  // .0997 and .0316, that is 1 / √points, as far as so many endpoints can tell.
  @Test(arguments: [(2000, 10, 0.3152), (1000, 100, 0.0997), (100, 1000, 0.0316)])
  func row27RingSpread(_ endpoints: Int, _ points: Int, _ expected: Double) {
    let members = WeightedMember.normalised((0..<endpoints).map { ("10.\($0 / 250).0.\($0 % 250):80", UInt32(1)) })
    let ring = RingTable(members, minimumSize: UInt64(endpoints * points))
    #expect(ring.count == endpoints * points)
    var parts = [Double](repeating: 0, count: endpoints)
    for place in 0..<ring.count {
      let before = ring.hashes[place == 0 ? ring.count - 1 : place - 1]
      parts[Int(ring.members[place])] += Double(ring.hashes[place] &- before) * 0x1p-64
    }
    let mean = 1 / Double(endpoints)
    let variance = parts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(endpoints)
    let deviation = variance.squareRoot() / mean
    // A deviation estimated from n endpoints is itself off by 1 / √2n, relatively.
    #expect(abs(deviation / expected - 1) < 3 / (2 * Double(endpoints)).squareRoot(), "\(deviation)")
  }

  // Goal: row 27, jump hash: no spread beyond that of keys drawn by chance, and one bucket more moves 1 / (n + 1) of the keys, all of
  // them to the new one.
  @Test(arguments: [1, 9, 99] as [Int32]) func row27JumpHash(_ count: Int32) {
    let keys = 200_000
    var loads = [Double](repeating: 0, count: Int(count))
    var moved = 0
    for number in 0..<keys {
      let key = mix64(UInt64(number) &+ 1)
      let bucket = JumpTable.bucket(of: key, count: count)
      let next = JumpTable.bucket(of: key, count: count + 1)
      loads[Int(bucket)] += 1
      if next != bucket {
        moved += 1
        #expect(next == count)
      }
    }
    let mean = Double(keys) / Double(count)
    let chi = loads.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / mean }
    #expect(chi < Double(count) + 4 * (2 * Double(count)).squareRoot())
    #expect(abs(Double(moved) / Double(keys) - 1 / Double(count + 1)) < 0.004)
  }
}
