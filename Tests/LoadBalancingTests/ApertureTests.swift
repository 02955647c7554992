import MeshCore
import Testing

@testable import LoadBalancing

@Suite struct ApertureTests {
  private func policy(_ given: [(name: String, value: ParameterValue)], number: Int = 0, of count: Int = 1) -> Aperture
  {
    Aperture(parameters(Aperture.descriptor, given), BalancerContext(planeNumber: number, planeCount: count))
  }

  // Goal: ten clients with an aperture of 5 over 20 servers load all servers alike, each client only its few.
  @Test func ringLoadsAllAlike() {
    var sums = [Double](repeating: 0, count: 20)
    for client in 0..<10 {
      var bench = PolicyBench(policy([("minimumAperture", .integer(5))], number: client, of: 10), count: 20)
      let shares = bench.shares(of: 20, picks: 20_000)
      #expect((4...8).contains(shares.filter { $0 > 0 }.count))
      for (slot, share) in shares.enumerated() { sums[slot] += share }
    }
    // Without load the first of two wins, so each server's share is that of the arcs over it.
    for sum in sums { #expect(abs(sum - 0.5) < 0.02, "\(sums)") }
  }

  // Goal: nobody's minimum is Finagle's: 12 servers of a ring, 1 in an order of its own.
  @Test func leastOfItsKind() {
    func shares(_ kind: String, _ given: [(name: String, value: ParameterValue)]) -> [Double] {
      var bench = PolicyBench(policy([("kind", .word(kind))] + given, number: 0, of: 20), count: 100)
      return bench.shares(of: 100, picks: 2000)
    }
    for (kind, least) in [("deterministic", 12), ("random", 1)] as [(String, Int64)] {
      #expect(shares(kind, []) == shares(kind, [("minimumAperture", .integer(least))]), "\(kind)")
      #expect(shares(kind, []) != shares(kind, [("minimumAperture", .integer(30))]), "\(kind)")
    }
  }

  // Goal: of two candidates the one with fewer requests in flight is taken.
  @Test func comparesLoad() {
    var bench = PolicyBench(policy([("minimumAperture", .integer(2))], number: 0, of: 1), count: 2)
    bench.setInFlight([3, 1])
    let shares = bench.shares(of: 2, picks: 1000)
    #expect(shares[1] > 0.99)
  }

  // Goal: with peakEwma the slower of two gets next to nothing once it is known, though neither is busy.
  @Test func comparesLatency() {
    var bench = PolicyBench(policy([("load", .word("peakEwma"))], number: 0, of: 1), count: 2)
    var picks = [0, 0]
    for _ in 0..<1_000 {
      let slot = bench.pick()
      picks[Int(slot)] += 1
      bench.begin(slot)
      bench.end(slot, latency: .milliseconds(slot == 0 ? 50 : 1))
    }
    #expect(picks[0] <= 10 && picks[0] >= 1)
  }

  // Goal: a random aperture opens at its least, widens while each server has more than the band's upper end, and narrows again.
  @Test func windowFollowsTheLoad() {
    let settings: [(name: String, value: ParameterValue)] = [
      ("kind", .word("random")), ("minimumAperture", .integer(2)), ("smoothingWindow", .integer(0)),
    ]
    var bench = PolicyBench(policy(settings), count: 20)
    #expect(Set(bench.picks(500)).count == 2)
    var busy: [Int32] = []
    for _ in 0..<10 {
      let slot = bench.pick()
      bench.begin(slot)
      busy.append(slot)
    }
    // At each start the aperture grows by one while in flight ÷ aperture is at least 1.125.
    #expect((7...10).contains(Set(bench.picks(2000)).count))
    for slot in busy { bench.end(slot, latency: .milliseconds(1)) }
    #expect(Set(bench.picks(500)).count == 2)
  }

  // Goal: endpoints that are shut out get nothing while others are open within reach, and all their share when none is.
  @Test func passesOverTheShut() {
    var bench = PolicyBench(policy([("minimumAperture", .integer(12))], number: 0, of: 1), count: 12)
    bench.admit(false, slot: 0)
    #expect(bench.shares(of: 12, picks: 5000)[0] < 0.01)
    for slot in 1..<12 as Range<Int32> { bench.admit(false, slot: slot) }
    #expect(Set(bench.picks(5000)).count == 12)
  }
}
