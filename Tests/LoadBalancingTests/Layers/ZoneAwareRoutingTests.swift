import LoadBalancing
import MeshCore
import Testing

private func set(_ healthy: [Int32], hasLocal: Bool = true) -> ZoneSet {
  ZoneSet(healthy.enumerated().map { ZoneGroup(zone: Int32($0.offset), healthy: $0.element) }, hasLocal: hasLocal)
}

private func router(
  upstream: ZoneSet, local: ZoneSet, fleet: PriorityGroup = PriorityGroup(total: 1, healthy: 1),
  _ change: (inout ZoneAwareRouting.Settings) -> Void = { _ in }
) -> ZoneAwareRouting {
  var settings = ZoneAwareRouting.Settings()
  settings.minimumClusterSize = 0
  change(&settings)
  var router = ZoneAwareRouting(settings)
  router.update(upstream: upstream, local: local, fleet: fleet)
  return router
}

@Suite struct ZoneAwareRoutingTests {
  // Goal: the point of it all: callers of all zones together load each upstream endpoint alike, as far as 0.01 % goes,
  // and a zone's callers leave it only if it cannot take them.
  @Test(arguments: 1...100) func loadsEndpointsAlike(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let zones = 2 + random.below(4)
    let callers = (0..<zones).map { _ in Int32(1 + random.below(20)) }
    let endpoints = (0..<zones).map { _ in Int32(1 + random.below(20)) }
    var load = [Double](repeating: 0, count: zones)
    let allCallers = Double(callers.reduce(0, +))
    let allEndpoints = Double(endpoints.reduce(0, +))
    for own in 0..<zones {
      let order = [own] + (0..<zones).filter { $0 != own }
      let zoned = { (counts: [Int32]) in
        ZoneSet(order.map { ZoneGroup(zone: Int32($0), healthy: counts[$0]) }, hasLocal: true)
      }
      let router = router(upstream: zoned(endpoints), local: zoned(callers))
      let share = Double(callers[own]) / allCallers
      if router.state == .direct {
        load[own] += share
        #expect(Double(endpoints[own]) / allEndpoints >= share - 1e-4)
        continue
      }
      let stays = Double(router.localPercentToRoute) / 10_000
      load[own] += share * stays
      let capacity = router.residualCapacity[zones - 1]
      for place in 1..<zones {
        let part = router.residualCapacity[place] - router.residualCapacity[place - 1]
        load[order[place]] += share * (1 - stays) * (capacity > 0 ? Double(part) / Double(capacity) : 0)
      }
    }
    for zone in 0..<zones {
      #expect(abs(load[zone] - Double(endpoints[zone]) / allEndpoints) < 2e-3, "\(callers) \(endpoints)")
    }
  }

  // Goal: each thing that keeps zones from counting is seen, and then nothing is drawn.
  @Test func obstaclesAreSeen() {
    let good = set([3, 3])
    let cases: [(ZoneAwareRouting.Obstacle, ZoneAwareRouting)] = [
      (.nothingKnown, ZoneAwareRouting()),
      (.fewUpstreamZones, router(upstream: set([6]), local: good)),
      (.fewLocalZones, router(upstream: good, local: set([6]))),
      (.localClusterNotOk, router(upstream: good, local: set([3, 3], hasLocal: false))),
      (.localClusterNotOk, router(upstream: good, local: set([0, 3]))),
      (.clusterTooSmall, router(upstream: set([2, 3]), local: good) { $0.minimumClusterSize = 6 }),
    ]
    for (obstacle, router) in cases {
      #expect(router.state == .off(obstacle))
      var random = scripted([5])
      #expect(router.choose(&random).reason == .regular && random.drawnFromScript == 0)
    }
    #expect(router(upstream: good, local: set([6])) { $0.forceLocalZoneMinimumSize = 1 }.state == .direct)
    #expect(router(upstream: set([3, 3]), local: good) { $0.minimumClusterSize = 6 }.state == .direct)
  }

  // Goal: a part of the requests is a draw of its own before all others; none and all need no draw.
  @Test func routingCanBePartial() {
    let upstream = set([1, 5])
    let local = set([5, 1])
    for (percent, number, reason) in [
      (Int32(0), UInt64(0), ZoneChoice.Reason.regular), (30, 30, .regular), (30, 129, .crossZone), (30, 29, .crossZone),
    ] {
      let router = router(upstream: upstream, local: local) { $0.routingEnabled = percent }
      var random = scripted([number, 9999, 0])
      #expect(router.choose(&random).reason == reason)
      #expect(random.drawnFromScript == (percent == 0 ? 0 : reason == .regular ? 1 : 3))
    }
  }

  // Goal: a panicking fleet is balanced as usual or fails, whatever zones say.
  @Test func fleetPanics() {
    for fails in [false, true] {
      let router = router(upstream: set([3, 3]), local: set([3, 3]), fleet: PriorityGroup(total: 10, healthy: 1)) {
        $0.failsTrafficOnPanic = fails
      }
      var random = RandomStream(state: 1)
      #expect(router.choose(&random).reason == (fails ? .failed : .regular))
    }
  }

  // Goal: by weight, zones are compared by what their endpoints weigh.
  @Test func weightsCanCount() {
    let upstream = ZoneSet(
      [ZoneGroup(zone: 0, healthy: 1, healthyWeight: 3), ZoneGroup(zone: 1, healthy: 1, healthyWeight: 1)],
      hasLocal: true)
    let local = set([2, 1])
    #expect(router(upstream: upstream, local: local).state == .residual)
    let weighted = router(upstream: upstream, local: local) { $0.basis = .healthyHostsWeight }
    #expect(weighted.state == .direct && weighted.percentages.map(\.upstream) == [7500, 2500])
  }

  // Goal: forcing needs enough endpoints in the zone, and an own zone at all.
  @Test func forcingNeedsEndpoints() {
    let local = set([9, 1])
    #expect(router(upstream: set([2, 9]), local: local) { $0.forceLocalZoneMinimumSize = 3 }.state == .residual)
    #expect(router(upstream: set([3, 9]), local: local) { $0.forceLocalZoneMinimumSize = 3 }.state == .direct)
    let away = router(upstream: set([3, 9], hasLocal: false), local: local) { $0.forceLocalZoneMinimumSize = 3 }
    #expect(away.state == .residual && away.localPercentToRoute == 0)
  }
}
