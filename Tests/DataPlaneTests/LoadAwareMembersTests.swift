import FaultDetection
import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// A data plane whose endpoints report when they are told to, and whose requests are answered without a word between.
private struct Zones: ~Copyable {
  var harness: Harness

  init(
    zone: Int32 = -1, balancer: String = "roundRobin", parameters: [(name: String, value: ParameterValue)] = [],
    accrual: ConsecutiveAccrualDescription? = nil, panicThreshold: Int32 = 0
  ) {
    var layers = LayersDescription(panicThreshold: panicThreshold)
    layers.loadAwareLocality = LoadAwareLocalityDescription()
    harness = Harness(
      accrual: accrual, balancer: balancer, layers: layers, place: BalancerContext(zone: zone, peerZones: [0, 1]),
      parameters: parameters)
  }

  /// Lists endpoints with their zones.
  mutating func list(_ endpoints: [(number: Int32, zone: Int32)]) {
    harness.listAs(endpoints.map { EndpointDescription(identity: EndpointIdentity($0.number), zone: $0.zone) })
  }

  /// An endpoint answers a request that named it and says how busy it is.
  mutating func report(_ utilization: Double, from endpoint: Int32, status: Int16 = 200) {
    harness.request(naming: endpoint)
    guard let start = harness.attempts.last?.start, start.endpoint.number == endpoint else {
      harness.complaints.append("\(endpoint) was not asked")
      return
    }
    harness.tell(.loadReported(start.attempt, LoadReport(applicationUtilization: utilization, requestsPerSecond: 1)))
    harness.answer(status, from: endpoint)
  }

  mutating func report(_ utilization: Double, fromAll endpoints: Range<Int32>) {
    for endpoint in endpoints { report(utilization, from: endpoint) }
  }

  mutating func advance(to seconds: Double) { harness.advance(to: .zero + .milliseconds(Int64(seconds * 1000))) }

  /// Which share of the requests of this instant goes to some endpoints.
  mutating func share(of endpoints: Range<Int32>, among requests: Int = 10_000) -> Double {
    var count = 0.0
    for _ in 0..<requests {
      harness.request()
      count += endpoints.contains(harness.lastEndpoint) ? 1 : 0
      harness.answer()
    }
    return count / Double(requests)
  }
}

private let twoZones: [(number: Int32, zone: Int32)] = (0..<8).map { ($0, $0 < 4 ? 0 : 1) }

@Suite struct LoadAwareMembersTests {
  // Goal: zones are weighed by who was there when they were weighed, and a change of members alone weighs nothing.
  @Test func aChangeOfMembersWaitsForTheNextTick() {
    var zones = Zones()
    zones.list(twoZones)
    zones.advance(to: 0.5)
    zones.report(0.9, fromAll: 0..<4)
    zones.report(0.1, fromAll: 4..<8)
    // Nobody asks at the tick of 1 s; three of the second zone have gone when somebody does.
    zones.advance(to: 1.5)
    zones.list(Array(twoZones.prefix(5)))
    #expect(abs(zones.share(of: 0..<4) - 0.4 / (0.4 + 3.6)) < 0.02)
    zones.advance(to: 2)
    #expect(abs(zones.share(of: 0..<4) - 0.4 / (0.4 + 0.9)) < 0.025)
    #expect(zones.harness.complaints.isEmpty)
  }

  // Goal: what endpoints report is blended in once a tick, however often endpoints change between two.
  @Test func smoothsOnceATick() {
    var zones = Zones()
    zones.list(twoZones)
    zones.advance(to: 0.5)
    zones.report(0.5, fromAll: 0..<8)
    zones.advance(to: 1)
    #expect(abs(zones.share(of: 0..<4) - 0.5) < 0.025)
    zones.report(1, fromAll: 0..<4)
    for change in 1...5 {
      zones.advance(to: 1 + Double(change) / 10)
      zones.list(Array(twoZones.prefix(change % 2 == 0 ? 8 : 7)))
    }
    zones.list(twoZones)
    #expect(abs(zones.share(of: 0..<4) - 0.5) < 0.025)
    zones.advance(to: 2)
    #expect(abs(zones.share(of: 0..<4) - 0.35 / (0.35 + 0.5)) < 0.025)
  }

  // Goal: averages belong to zones and not to places in a list; of a zone that comes nothing is known, and of one that comes back
  // no more than that.
  @Test func averagesBelongToZones() {
    var zones = Zones()
    let (first, second, third):
      ([(number: Int32, zone: Int32)], [(number: Int32, zone: Int32)], [(number: Int32, zone: Int32)]) =
        ((0..<4).map { ($0, 1) }, (4..<8).map { ($0, 2) }, (8..<12).map { ($0, 3) })
    zones.list(first + second)
    zones.advance(to: 0.5)
    zones.report(0.9, fromAll: 0..<4)
    zones.report(0.1, fromAll: 4..<8)
    zones.advance(to: 1.2)
    zones.list(second + third)
    // Nothing has been weighed since the third one came.
    #expect(zones.share(of: 4..<8) == 1)
    zones.advance(to: 2.2)
    #expect(abs(zones.share(of: 4..<8) - 0.9 / 1.9) < 0.025)
    zones.list(first + second)
    zones.report(0.2, fromAll: 0..<4)
    zones.advance(to: 3.2)
    #expect(abs(zones.share(of: 0..<4) - 0.8 / (0.8 + 0.9)) < 0.025)
  }

  // Goal: to a policy that is offered the dead too, a zone counts for as much as its living can take, and the dead have no say.
  @Test func theDeadDoNotCount() {
    let accrual = ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(60), maxPenalty: .seconds(60))
    var zones = Zones(balancer: "peakEwma", parameters: [("maxEffort", .integer(50))], accrual: accrual)
    zones.list(twoZones)
    zones.advance(to: 0.5)
    for dead in 0..<2 as Range<Int32> { zones.report(1, from: dead, status: 500) }
    zones.report(0.5, fromAll: 2..<8)
    zones.advance(to: 1)
    #expect(abs(zones.share(of: 0..<4) - 2.0 / 6) < 0.025)
  }

  // Goal: in a panic zones are weighed by all of their endpoints, the dead with what they said last.
  @Test func inAPanicAllCount() {
    let accrual = ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(60), maxPenalty: .seconds(60))
    var zones = Zones(accrual: accrual, panicThreshold: 60)
    zones.list(twoZones)
    zones.advance(to: 0.5)
    for dead in 0..<2 as Range<Int32> { zones.report(0.9, from: dead, status: 500) }
    zones.report(0.9, fromAll: 2..<4)
    for dead in 4..<6 as Range<Int32> { zones.report(0.1, from: dead, status: 500) }
    zones.report(0.1, fromAll: 6..<8)
    zones.advance(to: 1)
    #expect(abs(zones.share(of: 0..<4) - 0.1) < 0.02)
    #expect(zones.share(of: 0..<2) > 0.03)
  }

  // Goal: the rule has no hysteresis. A zone with few endpoints beside one with many is left when it is overloaded, then gets so little
  // that it is gone back to, and so on; with as many endpoints as the other it settles between.
  @Test(arguments: [(1 as Int32, true), (4, false)])
  func swingsWithFewLocalEndpoints(_ count: Int32, _ swings: Bool) {
    var zones = Zones(zone: 0)
    zones.list((0..<count).map { ($0, 0) } + (4..<8).map { ($0, 1) })
    var isHome: [Bool] = []
    var busy = 0.35
    for tick in 1...40 {
      zones.advance(to: Double(tick) - 0.5)
      zones.report(busy, fromAll: 0..<count)
      zones.report(0.3, fromAll: 4..<8)
      zones.advance(to: Double(tick))
      let share = zones.share(of: 0..<count, among: 1000)
      // All of the traffic is 1.4 times what the own zone can take.
      busy = min(1, 1.4 * share)
      isHome.append(share > 0.9)
    }
    let changes = zip(isHome, isHome.dropFirst()).count { $0 != $1 }
    #expect(swings ? changes >= 6 : changes == 1)
  }
}
