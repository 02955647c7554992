import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// Endpoints by number, with what sets them apart.
func endpoints(
  _ count: Int32, _ change: (inout EndpointDescription, Int32) -> Void = { _, _ in }
) -> [EndpointDescription] {
  (0..<count).map { number in
    var endpoint = EndpointDescription(identity: EndpointIdentity(number), address: "10.0.0.\(number):80")
    change(&endpoint, number)
    return endpoint
  }
}

/// How many of `requests` requests each endpoint gets when each is answered at once; the last count is of those that nobody got.
func counts(_ harness: inout Harness, endpoints: Int, requests: Int) -> [Int] {
  var counts = [Int](repeating: 0, count: endpoints + 1)
  for _ in 0..<requests {
    harness.request()
    if let attempt = harness.attempts.popLast() {
      counts[Int(attempt.start.endpoint.number)] += 1
      harness.tell(.attemptAnswered(attempt.start.attempt, status: 200))
    } else {
      counts[endpoints] += 1
    }
  }
  return counts
}

@Suite("layers around a balancer") struct LayerTests {
  // Goal: two of four endpoints of priority 0 are unwell: at 140 % they take 70 % of the traffic, priority 1 the rest.
  @Test func priorityTakesWhatItCan() {
    var harness = Harness(layers: LayersDescription())
    harness.listAs(
      endpoints(6) { endpoint, number in
        endpoint.priority = number < 4 ? 0 : 1
        endpoint.health = number < 2 ? .unhealthy : .healthy
      })
    let shares = counts(&harness, endpoints: 6, requests: 20_000).map { Double($0) / 20_000 }
    #expect(shares[0] == 0 && shares[1] == 0 && shares[6] == 0)
    #expect(abs(shares[2] + shares[3] - 0.7) < 0.015)
    #expect(abs(shares[4] + shares[5] - 0.3) < 0.015)
    #expect(abs(shares[2] - shares[3]) < 0.001)
    #expect(harness.complaints.isEmpty)
  }

  // Goal: Envoy's random goes by one number for priority and endpoint: of 100 endpoints in a priority that gets half of the
  // traffic, half get nothing; ours draws anew and uses them all.
  @Test(arguments: [("envoy", 50), ("scaled", 100)]) func randomSharesThePrioritysNumber(_ form: String, _ used: Int) {
    var harness = Harness(balancer: "random", layers: LayersDescription(), parameters: [("form", .word(form))])
    harness.listAs(
      endpoints(380) { endpoint, number in
        endpoint.priority = number < 280 ? 0 : 1
        // 100 of 280 at 140 %.
        endpoint.health = number >= 100 && number < 280 ? .unhealthy : .healthy
      })
    let counts = counts(&harness, endpoints: 380, requests: 20_000)
    #expect(counts[0..<100].count { $0 > 0 } == used && counts[0..<50].allSatisfy { $0 > 0 })
    #expect(counts[100..<280].allSatisfy { $0 == 0 } && abs(Double(counts[280...].reduce(0, +)) / 20_000 - 0.5) < 0.015)
  }

  // Goal: where a key chooses the endpoint, it chooses the priority too: keys move with the load by their remainder by 100.
  @Test(arguments: ["ringHash", "maglev"]) func keysChooseThePriority(_ balancer: String) {
    var harness = Harness(balancer: balancer, layers: LayersDescription())
    harness.listAs(
      endpoints(4) { endpoint, number in
        endpoint.priority = number < 2 ? 0 : 1
        endpoint.health = number == 1 ? .unhealthy : .healthy
      })
    for key in 0..<200 as Range<UInt64> {
      harness.request(key: key)
      #expect((harness.lastEndpoint == 0) == (key % 100 < 70))
    }
  }

  // Goal: degraded endpoints take what the healthy ones cannot, and no more.
  @Test func degradedTakeTheRest() {
    var harness = Harness(layers: LayersDescription())
    harness.listAs(endpoints(10) { $0.health = $1 < 5 ? .healthy : .degraded })
    let shares = counts(&harness, endpoints: 10, requests: 20_000).map { Double($0) / 20_000 }
    #expect(abs(shares[0..<5].reduce(0, +) - 0.7) < 0.015)
    #expect(abs(shares[5..<10].reduce(0, +) - 0.3) < 0.015)
  }

  // Goal: below the threshold a priority panics: all its endpoints are used, well or not, or none where traffic is to fail;
  // both its beginning and its end are told.
  @Test(arguments: [false, true]) func panicUsesAll(_ fails: Bool) {
    var harness = Harness(layers: LayersDescription(panicThreshold: 50, failTrafficOnPanic: fails))
    harness.listAs(endpoints(4) { $0.health = $1 < 3 ? .unhealthy : .healthy })
    let panic = counts(&harness, endpoints: 4, requests: 400)
    #expect(panic == (fails ? [0, 0, 0, 0, 400] : [100, 100, 100, 100, 0]))
    harness.listAs(endpoints(4) { $0.health = $1 < 2 ? .unhealthy : .healthy })
    let calm = counts(&harness, endpoints: 4, requests: 400)
    #expect(calm == [0, 0, 200, 200, 0])
    #expect(harness.notices.map(\.kind) == [.panicBegan, .panicEnded])
  }

  // Goal: localities take turns by weight, less as their endpoints fail (Envoy: weight · min(1, 1.4 · healthy share)).
  @Test(arguments: [(3, 0.75), (2, 0.7368), (1, 0.5833)]) func localitiesByWeight(_ healthy: Int32, _ share: Double) {
    let weights = [LocalityShare(zone: 0, weight: 3), LocalityShare(zone: 1, weight: 1)]
    var harness = Harness(layers: LayersDescription(localityWeights: weights))
    harness.listAs(
      endpoints(6) { endpoint, number in
        endpoint.zone = number < 3 ? 0 : 1
        endpoint.health = number < 3 && number >= healthy ? .unhealthy : .healthy
      })
    let counts = counts(&harness, endpoints: 6, requests: 12_000)
    #expect(abs(Double(counts[0..<3].reduce(0, +)) / 12_000 - share) < 0.002)
  }

  // Goal: with as many endpoints as callers in each zone everything stays in the zone; with half of them half of it does.
  @Test(arguments: [(6, 1.0), (3, 0.5)]) func zonesKeepWhatTheyCanTake(_ own: Int32, _ share: Double) {
    let place = BalancerContext(planeNumber: 0, planeCount: 4, zone: 1, peerZones: [0, 0, 1, 1])
    var harness = Harness(layers: LayersDescription(zoneAware: ZoneAwareDescription()), place: place)
    // Of 12 endpoints `own` are in the caller's zone, the others elsewhere.
    harness.listAs(endpoints(12) { $0.zone = $1 < own ? 1 : 0 })
    let counts = counts(&harness, endpoints: 12, requests: 20_000)
    #expect(abs(Double(counts[0..<Int(own)].reduce(0, +)) / 20_000 - share) < 0.015)
  }

  // Goal: a route's criteria choose the subset, and what fits none falls back as said.
  @Test func subsetsByMetadata() {
    let subsets = SubsetsDescription(
      selectors: [SubsetSelectorDescription(keys: ["version"])], fallback: .defaultSubset,
      defaultSubset: [NamedValue("version", "1")])
    for (wanted, expected) in [("2", [0, 0, 50, 50, 0]), ("3", [50, 50, 0, 0, 0])] {
      var harness = Harness(
        layers: LayersDescription(subsets: subsets), metadataMatch: [NamedValue("version", wanted)])
      harness.listAs(endpoints(4) { $0.metadata = ["version": $1 < 2 ? "1" : "2"] })
      #expect(counts(&harness, endpoints: 4, requests: 100) == expected)
    }
  }

  // Goal: each data plane uses as many endpoints as said; deterministic rounds load all alike.
  @Test(arguments: SubsettingMethod.allCases) func dataPlanesUseSome(_ method: SubsettingMethod) {
    var sums = [Int](repeating: 0, count: 21)
    for plane in 0..<10 {
      var harness = Harness(
        layers: LayersDescription(subsetting: SubsettingDescription(size: 4, method: method)),
        place: BalancerContext(planeNumber: plane, planeCount: 10))
      harness.listAs(endpoints(20))
      let counts = counts(&harness, endpoints: 20, requests: 40)
      #expect(counts.filter { $0 > 0 } == [10, 10, 10, 10])
      for (place, count) in counts.enumerated() { sums[place] += count }
    }
    if method == .deterministic { #expect(sums == [Int](repeating: 20, count: 20) + [0]) }
  }

  // Goal: a key's data is on its range's endpoint and the next two: only they are chosen, all alike; without a key all are.
  @Test func keysKeepToTheirReplicas() {
    var harness = Harness(layers: LayersDescription(tokenAware: TokenAwareDescription(replicationFactor: 3)))
    harness.listAs(endpoints(8))
    for range in 0..<8 {
      var counts = [Int](repeating: 0, count: 8)
      for _ in 0..<30 {
        harness.request(key: UInt64(range) << 61 | 12_345)
        guard let start = harness.attempts.popLast()?.start else { continue }
        counts[Int(start.endpoint.number)] += 1
        harness.tell(.attemptAnswered(start.attempt, status: 200))
      }
      #expect(counts == (0..<8).map { ($0 - range + 8) % 8 < 3 ? 10 : 0 })
    }
    #expect(counts(&harness, endpoints: 8, requests: 8000).allSatisfy { $0 == 0 || abs($0 - 1000) < 150 })
    // Two replicas of a range are left, then none.
    harness.listAs(endpoints(8) { $0.health = $1 == 0 ? .unhealthy : .healthy })
    harness.request(key: 0)
    #expect(harness.attempts.popLast().map { [1, 2].contains($0.start.endpoint.number) } == true)
  }

  // Goal: a read that is repaired goes to all of its replicas once; the copies are in flight until they are answered, whatever
  // becomes of the request, and the caller hears of the first answer alone.
  @Test func repairedReadsGoToAllReplicas() throws {
    let placement = TokenAwareDescription(replicationFactor: 3, readRepairChance: 0.5)
    var harness = Harness(layers: LayersDescription(tokenAware: placement))
    harness.listAs(endpoints(5))
    var repaired = 0
    for _ in 0..<1000 {
      let caller = harness.request(key: 1 << 63)
      let starts = harness.attempts.map(\.start)
      try #require(starts.count == 1 || starts.count == 3)
      repaired += starts.count == 3 ? 1 : 0
      #expect(starts.map(\.kind) == [.first, .mirror, .mirror].prefix(starts.count).map { $0 })
      if starts.count == 3 { #expect(starts.map(\.endpoint.number).sorted() == [2, 3, 4]) }
      // Answers of copies before, after and instead of the request's own.
      if repaired % 3 == 0 { harness.answer(leavingOut: starts.count - 1) }
      if repaired % 3 == 1 { harness.abandon(caller) }
      while !harness.attempts.isEmpty { harness.answer() }
    }
    #expect(abs(repaired - 500) < 60)
    #expect(harness.complaints.isEmpty)
    #expect(harness.plane.openAttempts == 0 && harness.plane.openRequests == 0)
    #expect(Set(harness.answers.map(\.caller)).count == harness.answers.count)
  }

  // Goal: copies take the permits of probations as attempts do, and failure accrual hears of their answers.
  @Test func copiesAreJudged() {
    let placement = TokenAwareDescription(replicationFactor: 3, readRepairChance: 1)
    var harness = Harness(
      accrual: ConsecutiveAccrualDescription(maxFailures: 2), layers: LayersDescription(tokenAware: placement))
    harness.listAs(endpoints(3))
    for _ in 0..<400 {
      harness.request(key: 7)
      while let start = harness.attempts.first?.start { harness.answer(start.endpoint.number < 2 ? 503 : 200) }
      harness.advance(by: .milliseconds(100))
    }
    #expect(Set(harness.notices.map(\.endpoint.number)) == [0, 1])
    #expect(harness.notices.contains { $0.kind == .probeFailed })
    #expect(harness.complaints.isEmpty)
  }

  // Goal: an endpoint that fails at once does not look fast where failures are penalised (Linkerd's load biaser).
  @Test(arguments: [false, true]) func failingFastAttractsNothing(_ isPenalised: Bool) {
    var harness = Harness(
      balancer: "peakEwma", layers: LayersDescription(failurePenalty: isPenalised ? .seconds(5) : nil))
    harness.listAs(endpoints(10))
    var failures = 0
    for _ in 0..<5000 {
      harness.request()
      guard let start = harness.attempts.popLast()?.start else { continue }
      let isFailing = start.endpoint.number == 0
      failures += isFailing ? 1 : 0
      harness.advance(by: isFailing ? .microseconds(100) : .milliseconds(10))
      harness.tell(.attemptAnswered(start.attempt, status: isFailing ? 503 : 200))
    }
    #expect(isPenalised ? failures < 100 : failures > 700, "\(failures)")
  }

  // Goal: where nothing spills over, later priorities get nothing while one endpoint of the earlier is left, and all after that:
  // gRPC the whole next priority, HAProxy its first backup that works, or all backups together. Then 503, without a panic.
  @Test(arguments: [
    (FailoverRule.firstUsable, [0, 0, 300, 0, 300, 0]), (.allBackups, [0, 0, 200, 0, 200, 200]),
    (.firstBackup, [0, 0, 600, 0, 0, 0]),
  ]) func laterPrioritiesWait(_ rule: FailoverRule, _ expected: [Int]) {
    var harness = Harness(layers: LayersDescription(panicThreshold: 50), failover: rule)
    // 0 and 1 are first, 2 to 4 next, of which 3 is ill, 5 last.
    func list(_ harness: inout Harness, ill: Set<Int32>) {
      harness.listAs(
        endpoints(6) { endpoint, number in
          endpoint.priority = number < 2 ? 0 : number < 5 ? 1 : 2
          endpoint.health = ill.contains(number) ? .unhealthy : .healthy
        })
    }
    list(&harness, ill: [0, 3])
    #expect(counts(&harness, endpoints: 6, requests: 600) == [0, 600, 0, 0, 0, 0, 0])
    list(&harness, ill: [0, 1, 3])
    #expect(counts(&harness, endpoints: 6, requests: 600) == expected + [0])
    list(&harness, ill: [0, 3])
    #expect(counts(&harness, endpoints: 6, requests: 600) == [0, 600, 0, 0, 0, 0, 0])
    list(&harness, ill: [0, 1, 2, 3, 4])
    #expect(counts(&harness, endpoints: 6, requests: 600) == [0, 0, 0, 0, 0, 600, 0])
    list(&harness, ill: [0, 1, 2, 3, 4, 5])
    #expect(counts(&harness, endpoints: 6, requests: 600) == [0, 0, 0, 0, 0, 0, 600])
    #expect(harness.notices.isEmpty && harness.complaints.isEmpty)
  }

  // Goal: HAProxy's backups know no priorities among themselves: the first in the order of the configuration that works is the one.
  @Test func backupsComeAsConfigured() {
    var harness = Harness(layers: LayersDescription(), failover: .firstBackup)
    func list(_ harness: inout Harness, ill: Set<Int32>) {
      harness.listAs(
        endpoints(4) { endpoint, number in
          endpoint.priority = [0, 3, 1, 2][Int(number)]
          endpoint.health = ill.contains(number) ? .unhealthy : .healthy
        })
    }
    list(&harness, ill: [0])
    #expect(counts(&harness, endpoints: 4, requests: 60) == [0, 60, 0, 0, 0])
    list(&harness, ill: [0, 1])
    #expect(counts(&harness, endpoints: 4, requests: 60) == [0, 0, 60, 0, 0])
    list(&harness, ill: [0, 1, 2])
    #expect(counts(&harness, endpoints: 4, requests: 60) == [0, 0, 0, 60, 0])
    list(&harness, ill: [0, 2])
    #expect(counts(&harness, endpoints: 4, requests: 60) == [0, 60, 0, 0, 0])
    // All together they take turns in that order too.
    var all = Harness(layers: LayersDescription(), failover: .allBackups)
    list(&all, ill: [0])
    let turns = (0..<3).map { _ in
      all.request()
      return all.lastEndpoint
    }
    #expect([[1, 2, 3], [2, 3, 1], [3, 1, 2]].contains(turns))
  }

  // Goal: a panic ends with the endpoints that panicked: a subset that nobody is in any more has none.
  @Test func panicEndsWithItsSubset() {
    let subsets = SubsetsDescription(selectors: [SubsetSelectorDescription(keys: ["version"])])
    var harness = Harness(
      layers: LayersDescription(panicThreshold: 50, subsets: subsets), metadataMatch: [NamedValue("version", "2")])
    harness.listAs(
      endpoints(8) {
        $0.metadata = ["version": $1 < 6 ? "1" : "2"]
        $0.health = $1 < 6 ? .healthy : .unhealthy
      })
    harness.listAs(endpoints(6) { endpoint, _ in endpoint.metadata = ["version": "1"] })
    #expect(harness.notices.map(\.kind) == [.panicBegan, .panicEnded])
  }

  // Goal: in Envoy degraded endpoints are in no ring and no Maglev table: what would be theirs finds nobody, where other balancers
  // use them. In a panic all are in the table, even where traffic is to fail.
  @Test(arguments: [("ringHash", true), ("maglev", true), ("roundRobin", false)])
  func tablesKnowNoDegraded(_ balancer: String, _ hasTables: Bool) {
    var harness = Harness(balancer: balancer, layers: LayersDescription(panicThreshold: 10, failTrafficOnPanic: true))
    harness.listAs(endpoints(4) { $0.health = $1 == 0 ? .healthy : .degraded })
    let shares = counts(&harness, endpoints: 4, requests: 4000)
    #expect(hasTables ? shares[0] == 4000 : shares[0] < 1600 && shares[4] == 0)
    harness.listAs(endpoints(4) { endpoint, _ in endpoint.health = .degraded })
    #expect(counts(&harness, endpoints: 4, requests: 100)[4] == (hasTables ? 100 : 0))
    harness.listAs(endpoints(4) { endpoint, _ in endpoint.health = .unhealthy })
    #expect(counts(&harness, endpoints: 4, requests: 100)[4] == (hasTables ? 0 : 100))
  }

  // Goal: with weighted health a priority can take what the weights of its working endpoints say: one of weight 6 of 10 is 84 %, where
  // one of four is 35 %.
  @Test(arguments: [(false, 0.35), (true, 0.84)]) func healthByWeight(_ isWeighted: Bool, _ share: Double) {
    var layers = LayersDescription()
    layers.weightedPriorityHealth = isWeighted
    var harness = Harness(layers: layers)
    harness.listAs(
      endpoints(5) { endpoint, number in
        endpoint.priority = number < 4 ? 0 : 1
        endpoint.weight = [6, 2, 1, 1, 1][Int(number)]
        endpoint.health = (1...3).contains(number) ? .unhealthy : .healthy
      })
    let shares = counts(&harness, endpoints: 5, requests: 20_000).map { Double($0) / 20_000 }
    #expect(abs(shares[0] - share) < 0.015 && abs(shares[4] - (1 - share)) < 0.015)
  }

  // Goal: a ring or Maglev table is one for all zones, with each endpoint's weight scaled by its zone's, whatever of a zone is ill
  // (Envoy): 3 : 1 for zones of 1 and 3 endpoints, of which one is ill; a zone of weight 0 gets nothing, and zone-aware routing
  // does nothing.
  @Test(arguments: ["ringHash", "maglev"]) func tablesScaleByLocality(_ balancer: String) {
    func shares(_ layers: LayersDescription, _ place: BalancerContext) -> [Double] {
      var harness = Harness(balancer: balancer, layers: layers, place: place)
      harness.listAs(
        endpoints(6) { endpoint, number in
          endpoint.zone = number == 0 ? 0 : number < 4 ? 1 : 2
          endpoint.health = number == 3 ? .unhealthy : .healthy
        })
      return counts(&harness, endpoints: 6, requests: 20_000).map { Double($0) / 20_000 }
    }
    let weights = [(0, 3), (1, 1), (2, 0)].map { LocalityShare(zone: $0.0, weight: $0.1) }
    let scaled = shares(LayersDescription(localityWeights: weights), BalancerContext())
    #expect(zip(scaled, [0.75, 0.125, 0.125, 0, 0, 0, 0]).allSatisfy { abs($0 - $1) < 0.03 }, "\(scaled)")
    // Measured on Envoy 1.40.0: zones of weights 3, 1 and 2, of which the first is ill and keeps its share of the points.
    var measured = Harness(
      balancer: balancer,
      layers: LayersDescription(
        localityWeights: [(0, 3), (1, 1), (2, 2)].map { LocalityShare(zone: $0.0, weight: $0.1) }))
    measured.listAs(
      [(41_000, 0, HostStatus.unhealthy), (41_001, 1, .healthy), (41_002, 1, .unhealthy), (41_004, 2, .healthy)]
        .enumerated().map { number, host in
          var endpoint = EndpointDescription(
            identity: EndpointIdentity(Int32(number)), zone: Int32(host.1), address: "127.0.0.1:\(host.0)")
          endpoint.status = host.2
          return endpoint
        })
    let share = Double(counts(&measured, endpoints: 4, requests: 20_000)[1]) / 20_000
    #expect(abs(share - (balancer == "ringHash" ? 0.273 : 0.3375)) < 0.02, "\(share)")
    let zones = shares(
      LayersDescription(zoneAware: ZoneAwareDescription(minClusterSize: 1)),
      BalancerContext(planeNumber: 0, planeCount: 3, zone: 0, peerZones: [0, 1, 2]))
    #expect(zip(zones, [0.2, 0.2, 0.2, 0, 0.2, 0.2, 0]).allSatisfy { abs($0 - $1) < 0.04 }, "\(zones)")
  }

  // Goal: who drains gets nothing and does not count: one that works and three that drain are a priority that is whole, where one and
  // three that are ill take 35 %; in a panic all are used.
  @Test(arguments: [(HostStatus.draining, 1.0), (.timeout, 0.35)])
  func drainingDoesNotCount(_ status: HostStatus, _ share: Double) {
    var harness = Harness(layers: LayersDescription())
    harness.listAs(
      endpoints(5) { endpoint, number in
        endpoint.priority = number < 4 ? 0 : 1
        if number > 0 && number < 4 { endpoint.status = status }
      })
    let shares = counts(&harness, endpoints: 5, requests: 20_000).map { Double($0) / 20_000 }
    #expect(abs(shares[0] - share) < 0.015 && abs(shares[4] - (1 - share)) < 0.015)
  }

  // Goal: slow start goes by the endpoint's age, not by that of the group it is in: who moves to another zone or priority is no
  // younger there, and a group of old endpoints that is there for the first time knows no young ones.
  @Test func movesKeepTheirAge() {
    let weights = [LocalityShare(zone: 0, weight: 1), LocalityShare(zone: 1, weight: 1)]
    var harness = Harness(
      balancer: "leastRequest", layers: LayersDescription(localityWeights: weights),
      slowStart: SlowStartDescription(window: .seconds(10)))
    harness.listAs(endpoints(4) { $0.zone = $1 < 3 ? 0 : 1 })
    harness.advance(to: .zero + .seconds(100))
    // 4 is new in zone 0, with a tenth of the weight; 2 comes from there to zone 1 with all of it.
    harness.listAs(endpoints(5) { $0.zone = $1 < 2 || $1 == 4 ? 0 : 1 })
    let young = counts(&harness, endpoints: 5, requests: 4200)
    #expect(abs(young[2] - 1050) <= 2 && abs(young[3] - 1050) <= 2)
    #expect(abs(young[4] - 100) <= 2 && abs(young[0] - 1000) <= 2)
    // Priority 1 is used for the first time when all are old: its two are compared, not scheduled.
    harness.advance(to: .zero + .seconds(200))
    harness.listAs(
      endpoints(4) {
        $0.zone = 0
        $0.priority = $1 < 2 ? 0 : 1
        $0.health = $1 < 2 ? .unhealthy : .healthy
      })
    let first = harness.request()
    let busy = harness.lastEndpoint
    for _ in 0..<50 {
      harness.request()
      #expect(harness.lastEndpoint != busy)
      harness.answer(from: harness.lastEndpoint)
    }
    #expect(harness.open[first] != nil && harness.complaints.isEmpty)
  }

  // Goal: Finagle's balancers send requests to the dead when all are dead, with layers around them too, there within the
  // priority; without `maxEffort` nobody gets them. Who answers a probe is used again.
  @Test(arguments: ["leastRequest", "roundRobin", "aperture"], [false, true]) func finagleTriesTheDead(
    _ balancer: String, _ isLayered: Bool
  ) {
    for effort in balancer == "aperture" ? [4] : [0, 4] {
      var harness = Harness(
        accrual: ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(50), maxPenalty: .seconds(60)),
        balancer: balancer, layers: isLayered ? LayersDescription() : nil,
        parameters: [("maxEffort", .integer(Int64(effort)))])
      harness.listAs(endpoints(4) { $0.priority = isLayered && $1 > 1 ? 1 : 0 })
      for _ in 0..<400 {
        harness.request()
        if !harness.attempts.isEmpty { harness.answer(503) }
      }
      #expect(harness.available == 0)
      let all = counts(&harness, endpoints: 4, requests: 400)
      if effort == 0 {
        #expect(all == [0, 0, 0, 0, 400])
      } else {
        #expect(all[4] == 0 && all[0] > 50 && all[1] > 50 && (all[2] > 50) == !isLayered)
      }
      harness.advance(by: .seconds(80))
      let back = counts(&harness, endpoints: 4, requests: 400)
      #expect(back[4] == 0 && harness.available == 4 && harness.complaints.isEmpty)
    }
  }

  // Goal: a policy that keeps endpoints for itself keeps to those of its group: nothing goes to a priority that has no share.
  @Test(arguments: ["aperture", "jumpHash", "ringHash"]) func groupsKeepToTheirOwn(_ balancer: String) {
    let form: [(name: String, value: ParameterValue)] = balancer == "ringHash" ? [("form", .word("grpc"))] : []
    var harness = Harness(balancer: balancer, layers: LayersDescription(), parameters: form)
    harness.listAs(endpoints(8) { $0.priority = $1 < 4 ? 0 : 1 })
    let counts = counts(&harness, endpoints: 8, requests: 2000)
    #expect(counts[0..<4].allSatisfy { $0 > 100 } && counts[0..<4].reduce(0, +) == 2000)
  }

  // Goal: an attempt ends in the groups in which it began, whatever its endpoint's health and zone are by then: loads that policies
  // count themselves come down to nothing again (bounded load would else refuse everybody in the end, a band widen for ever).
  @Test func attemptsEndWhereTheyBegan() {
    let ledger = Ledger()
    let policy = PolicyDescriptor(name: "counting", summary: "", origin: "") { _, _ in CountingPolicy(ledger: ledger) }
    var harness = Harness(
      balancer: "counting",
      layers: LayersDescription(panicThreshold: 30, zoneAware: ZoneAwareDescription(minClusterSize: 1)),
      place: BalancerContext(planeCount: 2, zone: 0, peerZones: [0, 1]), policies: [policy])
    var random = RandomStream(state: 5)
    for _ in 0..<60 {
      harness.listAs(
        endpoints(6) { endpoint, _ in
          endpoint.zone = Int32(random.below(2))
          endpoint.priority = Int32(random.below(2))
          endpoint.health = [.healthy, .degraded, .unhealthy][random.below(3)]
        })
      for _ in 0..<10 { harness.request() }
      while harness.attempts.count > 20 { harness.answer(leavingOut: random.below(20)) }
    }
    while !harness.attempts.isEmpty { harness.answer() }
    #expect(ledger.begun > 500 && ledger.begun == ledger.ended && ledger.isBalanced && harness.complaints.isEmpty)
  }

  // Goal: what a server reports is known to whichever balancer chooses among its group: an endpoint that goes from one zone to the
  // other keeps the weight of its reports, and one of twice the rate for its utilization gets twice the share.
  @Test func reportsReachEveryGroup() {
    let weights = [LocalityShare(zone: 0, weight: 1), LocalityShare(zone: 1, weight: 1)]
    var harness = Harness(
      balancer: "clientSideWeightedRoundRobin", layers: LayersDescription(localityWeights: weights),
      parameters: [("blackoutPeriod", .integer(1_000_000_000))])
    harness.listAs(endpoints(6) { $0.zone = $1 < 3 ? 0 : 1 })
    for _ in 0..<600 {
      harness.request()
      guard let start = harness.attempts.popLast()?.start else { continue }
      harness.advance(by: .milliseconds(10))
      let rate = start.endpoint.number == 0 ? 200.0 : 100
      harness.tell(
        .loadReported(start.attempt, LoadReport(applicationUtilization: 0.5, requestsPerSecond: rate)))
      harness.tell(.attemptAnswered(start.attempt, status: 200))
    }
    // In zone 1 now, without a blackout: 2 of 5 parts of its half.
    harness.listAs(endpoints(6) { $0.zone = $1 == 1 || $1 == 2 ? 0 : 1 })
    let counts = counts(&harness, endpoints: 6, requests: 5000)
    #expect(abs(counts[0] - 1000) < 20 && abs(counts[3] - 500) < 20 && abs(counts[1] - 1250) < 20, "\(counts)")
  }

  // Goal: each group's Prequal probes its own endpoints and chooses by their answers, also after an endpoint has come into the
  // group: a probe's answer goes to the balancer that asked.
  @Test func probesReachTheirGroup() {
    let weights = [LocalityShare(zone: 0, weight: 1), LocalityShare(zone: 1, weight: 1)]
    var harness = Harness(balancer: "prequal", layers: LayersDescription(localityWeights: weights))
    for moved in [Int32(-1), 5] {
      harness.listAs(endpoints(12) { $0.zone = $1 < 6 && $1 != moved ? 0 : 1 })
      var counts = [Int](repeating: 0, count: 12)
      for round in 0..<3000 {
        harness.request()
        if let start = harness.attempts.popLast()?.start {
          if round >= 1000 { counts[Int(start.endpoint.number)] += 1 }
          harness.tell(.attemptAnswered(start.attempt, status: 200))
        }
        for probe in harness.probes {
          // The lower half of each zone is as slow as can be.
          let isSlow = probe.endpoint.number % 6 < 3
          let report = LoadReport(requestsInFlight: 1, expectedLatency: isSlow ? .seconds(1) : .milliseconds(1))
          harness.tell(.probeAnswered(probe.probe, report))
        }
        harness.probes.removeAll()
        harness.advance(by: .milliseconds(1))
      }
      let slow = [0, 1, 2, 6, 7, 8].reduce(0) { $0 + counts[$1] }
      #expect(slow < 300 && counts.count { $0 > 150 } == 6, "\(counts)")
      #expect(harness.complaints.isEmpty)
    }
  }

  // Goal: whatever endpoints, health and layers, every request gets an endpoint that may be chosen or an answer, and nothing
  // is lost.
  @Test(arguments: 1...30) func survivesAnything(_ seed: UInt64) {
    var random = RandomStream(state: seed)
    var layers = LayersDescription(panicThreshold: Int32(random.below(101)))
    switch random.below(5) {
    case 4: layers.tokenAware = TokenAwareDescription(replicationFactor: 1 + random.below(4))
    case 0: layers.localityWeights = (0..<3).map { LocalityShare(zone: $0, weight: UInt32(random.below(4))) }
    case 1: layers.zoneAware = ZoneAwareDescription(minClusterSize: Int32(random.below(6)))
    case 2: layers.subsetting = SubsettingDescription(size: 1 + random.below(6), method: .random)
    default:
      layers.subsets = SubsetsDescription(selectors: [SubsetSelectorDescription(keys: ["a"])], fallback: .anyEndpoint)
    }
    var harness = Harness(
      balancer: ["roundRobin", "leastRequest", "peakEwma", "joinIdleQueue"][random.below(4)], layers: layers,
      metadataMatch: [NamedValue("a", "1")],
      place: BalancerContext(planeNumber: 1, planeCount: 3, zone: 0, peerZones: [0, 1, 2]), seed: seed)
    var listed: [EndpointDescription] = []
    for step in 0..<400 {
      if step % 20 == 0 {
        listed = endpoints(Int32(random.below(12))) { endpoint, _ in
          endpoint.priority = Int32(random.below(3))
          endpoint.zone = Int32(random.below(3))
          endpoint.health = [.healthy, .healthy, .degraded, .unhealthy][random.below(4)]
          endpoint.metadata = ["a": "\(random.below(3))"]
        }
        harness.listAs(listed)
      }
      let before = harness.attempts.count
      harness.request()
      if harness.attempts.count > before, let start = harness.attempts.last?.start {
        #expect(listed.contains { $0.identity == start.endpoint })
      }
      if random.below(3) > 0, let start = harness.attempts.popLast()?.start {
        harness.advance(by: .milliseconds(Int64(random.below(20))))
        harness.tell(.attemptAnswered(start.attempt, status: random.below(5) == 0 ? 503 : 200))
      }
    }
    #expect(harness.complaints.isEmpty)
    #expect(harness.plane.openRequests == harness.attempts.count)
  }
}
