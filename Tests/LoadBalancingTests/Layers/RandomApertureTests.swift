import LoadBalancing
import MeshCore
import Testing

@Suite struct RandomApertureTests {
  // Goal: the order goes by status, then token; an update starts from the first width; the width stays within what
  // there is.
  @Test func ordersByStatusAndToken() {
    var aperture = RandomAperture(minimumAperture: 2, initial: 3)
    aperture.update(tokens: [50, 10, 40, 20, 30], statuses: [.open, .busy, .open, .closed, .open])
    #expect(aperture.order == [4, 2, 0, 1, 3] && aperture.logicalAperture == 3)
    #expect(aperture.needsUpdate(opened: 1) && !aperture.needsUpdate(opened: 3))
    aperture.adjust(by: 9)
    #expect(aperture.logicalAperture == 5)
    aperture.adjust(by: -9)
    #expect(aperture.logicalAperture == 2)
    aperture.update(tokens: [1], statuses: [.open])
    #expect(aperture.logicalAperture == 1)
    aperture.update(tokens: [], statuses: [])
    var random = RandomStream(state: 1)
    #expect(aperture.logicalAperture == 0 && aperture.pair(&random) == nil)
  }

  // Goal: two different servers within the width are drawn, all ordered pairs alike.
  @Test func pairsAreEven() throws {
    var aperture = RandomAperture(minimumAperture: 4)
    aperture.update(tokens: [5, 4, 3, 2, 1, 0], statuses: [EndpointStatus](repeating: .open, count: 6))
    var random = RandomStream(state: 8)
    var counts: [[Int32]: Int] = [:]
    for _ in 0..<12_000 {
      let pair = try #require(aperture.pair(&random))
      counts[[pair.first, pair.second], default: 0] += 1
    }
    #expect(counts.count == 12)
    for count in counts.values { #expect(abs(count - 1000) < 150) }
    #expect(Set(counts.keys.flatMap { $0 }) == [5, 4, 3, 2])
  }

  // Goal: row 9 of the published results: with random tokens the clients of a server are binomial in number.
  @Test func bandsAreBinomial() {
    let servers = 1000
    var clients = [Double](repeating: 0, count: servers)
    var random = RandomStream(state: 11)
    for _ in 0..<500 {
      var aperture = RandomAperture(minimumAperture: 10)
      aperture.update(
        tokens: (0..<servers).map { _ in UInt32(truncatingIfNeeded: random.next()) },
        statuses: [EndpointStatus](repeating: .open, count: servers))
      for server in aperture.order.prefix(aperture.logicalAperture) { clients[Int(server)] += 1 }
    }
    let mean = clients.reduce(0, +) / Double(servers)
    let variance = clients.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(servers)
    // Binomial (500, 0.01): 5 with variance 4.95; published as "2.5" where its deviation is 2.235.
    #expect(mean == 5 && abs(variance - 4.95) < 0.7, "\(variance)")
  }
}
