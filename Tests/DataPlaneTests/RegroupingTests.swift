// What a change of endpoints leaves of the groups that were there before, and whom it concerns.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("sorting endpoints into groups")
struct RegroupingTests {
  private func endpoints(
    _ count: Int32, _ change: (inout EndpointDescription, Int32) -> Void = { _, _ in }
  ) -> [EndpointDescription] {
    (0..<count).map { number in
      var endpoint = EndpointDescription(identity: EndpointIdentity(number), metadata: ["version": "v\(number)"])
      change(&endpoint, number)
      return endpoint
    }
  }

  private func counting(_ ledger: Ledger) -> [PolicyDescriptor] {
    [PolicyDescriptor(name: "counting", summary: "", origin: "") { _, _ in CountingPolicy(ledger: ledger) }]
  }

  private static let byToken = LayersDescription(
    panicThreshold: 50, tokenAware: TokenAwareDescription(replicationFactor: 1))
  private static let byVersion = LayersDescription(
    panicThreshold: 50,
    subsets: SubsetsDescription(selectors: [SubsetSelectorDescription(keys: ["version"])], fallback: .anyEndpoint))

  // Goal: a panic ends with the endpoints that it was about: a token range or a subset that is no more does not panic for ever.
  @Test(arguments: [byToken, byVersion]) func panicsEndWithTheirSubset(_ layers: LayersDescription) {
    var harness = Harness(layers: layers)
    harness.listAs(endpoints(4) { $0.health = $1 == 3 ? .unhealthy : .healthy })
    #expect(harness.notices.map(\.kind) == [.panicBegan])
    harness.listAs(endpoints(3))
    #expect(harness.notices.map(\.kind) == [.panicBegan, .panicEnded])
    harness.listAs(endpoints(4) { $0.health = $1 == 3 ? .unhealthy : .healthy })
    harness.listAs([])
    #expect(harness.notices.map(\.kind) == [.panicBegan, .panicEnded, .panicBegan, .panicEnded])
    #expect(harness.complaints == [])
  }

  // Goal: where data lies on some of the endpoints and there are none, a request finds none, with a key and without; the next ones that
  // come serve.
  @Test func nobodyHasTheData() {
    var harness = Harness(layers: Self.byToken)
    for _ in 0..<2 {
      harness.request(key: 1 << 63)
      harness.request()
      #expect(harness.attempts.isEmpty)
      harness.listAs(endpoints(3))
      harness.request(key: 1 << 63)
      harness.request()
      #expect(harness.attempts.count == 2 && harness.plane.clusters[0].layers?.parts.count == 3)
      harness.answer()
      harness.answer()
      harness.listAs([])
      #expect(harness.plane.clusters[0].layers?.parts.count == 1)
    }
    #expect(harness.answers.filter { $0.cause == .noEndpoint }.count == 4 && harness.complaints == [])
  }

  // Goal: what a server reports is told to the balancers of its own ranges, not to those of all.
  @Test func reportsStayWithTheirRanges() {
    let ledger = Ledger()
    var harness = Harness(
      balancer: "counting", layers: LayersDescription(tokenAware: TokenAwareDescription(replicationFactor: 3)),
      policies: counting(ledger))
    harness.listAs(endpoints(40))
    for key in 0..<100 as Range<UInt64> {
      harness.request(key: mix64(key))
      guard let start = harness.attempts.last?.start else { continue }
      harness.tell(.loadReported(start.attempt, LoadReport(applicationUtilization: 0.5, requestsPerSecond: 1)))
      harness.answer()
    }
    #expect(ledger.reported == 300 && harness.complaints == [])
  }

  // Goal: a change is told to the balancers alone whose subset has changed: of 40 ranges the three of an endpoint that falls ill, or of
  // one that is ejected; nobody when discovery says the same again; and what is chosen is right all the same.
  @Test func changesAreToldToWhomTheyConcern() {
    let ledger = Ledger()
    var harness = Harness(
      accrual: ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(50), maxPenalty: .seconds(60)),
      balancer: "counting", layers: LayersDescription(tokenAware: TokenAwareDescription(replicationFactor: 3)),
      policies: counting(ledger))
    harness.listAs(endpoints(40))
    var told = ledger.changes
    // One group for those that are well, none for others.
    #expect(told == 40)
    harness.listAs(endpoints(40))
    #expect(ledger.changes == told)
    harness.listAs(endpoints(40) { $0.health = $1 == 20 ? .unhealthy : .healthy })
    #expect(ledger.changes == told + 3)
    told = ledger.changes
    harness.request(key: 5 * (UInt64.max / 40))
    let ejected = harness.lastEndpoint
    harness.answer(500)
    #expect(ledger.changes == told + 3 && harness.available == 38)
    for range in 0..<40 as Range<UInt64> {
      for _ in 0..<20 {
        harness.request(key: range * (UInt64.max / 40) + 1 << 40)
        #expect(harness.lastEndpoint != 20 && harness.lastEndpoint != ejected)
        #expect((harness.lastEndpoint + 40 - Int32(range)) % 40 < 3)
        harness.answer()
      }
    }
    #expect(harness.complaints == [])
  }

  // Goal: what is kept of groups follows who is there and not how often that has changed, while attempts that began long ago still end
  // where they began.
  @Test func memoryDoesNotGrowWithChanges() {
    let ledger = Ledger()
    let layers = LayersDescription(
      panicThreshold: 30, zoneAware: ZoneAwareDescription(minClusterSize: 1),
      tokenAware: TokenAwareDescription(replicationFactor: 3))
    var harness = Harness(
      balancer: "counting", layers: layers, place: BalancerContext(planeCount: 2, zone: 0, peerZones: [0, 1]),
      policies: counting(ledger))
    var random = RandomStream(state: 8)
    for round in 0..<400 {
      harness.listAs(
        endpoints(10) { endpoint, _ in
          endpoint.zone = Int32(random.below(2))
          endpoint.priority = Int32(random.below(2))
          endpoint.health = [.healthy, .degraded, .unhealthy][random.below(3)]
        })
      for _ in 0..<5 { harness.request() }
      while harness.attempts.count > 8 { harness.answer(leavingOut: round % 4) }
      let lists = harness.plane.clusters[0].groupLists.count
      #expect(lists <= 10 + harness.plane.clusters[0].endpoints.states.count + 8 && lists > 1)
      #expect(harness.plane.clusters[0].groupLists.room < 1000)
    }
    while !harness.attempts.isEmpty { harness.answer() }
    harness.listAs([])
    #expect(harness.plane.clusters[0].groupLists.count == 1 && harness.plane.clusters[0].reportLists.count == 1)
    #expect(ledger.begun > 500 && ledger.isBalanced && harness.complaints == [])
  }
}
