import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite struct AggregateStateTests {
  /// A data plane with two clusters and an aggregate of both, to which everything goes.
  private func plane(
    panicThreshold: Int32 = 0, failover: FailoverRule = .spillOver, first: LayersDescription = LayersDescription(),
    balancer: String = "leastRequest", retry: RetryDescription? = nil
  ) -> DataPlane {
    func cluster(_ name: String, _ balancer: String, _ layers: LayersDescription) -> ClusterDescription {
      ClusterDescription(
        name: name, service: name,
        balancer: PolicyChoice(
          name: balancer, parameters: PolicyParameters(PolicyRegistry.policy(named: balancer)?.parameters ?? [])),
        layers: layers)
    }
    var mesh = MeshDescription(
      clusters: [cluster("first", balancer, first), cluster("second", "roundRobin", LayersDescription())],
      routes: [RouteDescription(match: RouteMatch(host: "all"), split: [WeightedCluster(cluster: 2)])])
    mesh.routes[0].retry = retry
    mesh.aggregates = [
      AggregateDescription(name: "all", clusters: [0, 1], panicThreshold: panicThreshold, failover: failover)
    ]
    return DataPlane(mesh, key: RandomKey(seed: 3, replication: 0, purpose: .balancer, entity: 1))
  }

  private func list(_ plane: inout DataPlane, cluster: Int, _ endpoints: [(EndpointHealth, priority: Int32)]) {
    var actions = ActionBuffer()
    let described = endpoints.enumerated().map {
      EndpointDescription(
        identity: EndpointIdentity(Int32($0.offset)), priority: $0.element.priority, health: $0.element.0)
    }
    plane.endpointsChanged(cluster: cluster, described, at: .zero, into: &actions)
  }

  /// Shares of 20,000 requests by cluster and endpoint; key -1 for those that nobody got.
  private func shares(_ plane: inout DataPlane) -> [Int32: [Int32: Double]] {
    var shares: [Int32: [Int32: Double]] = [:]
    var actions = ActionBuffer()
    for number in 0..<20_000 as Range<UInt64> {
      plane.requestArrived(
        RequestArrival(caller: CallerToken(number), route: 0, randomness: RandomKey(value: mix64(number))), at: .zero,
        into: &actions)
      for place in 0..<actions.count {
        switch actions[place] {
        case .startAttempt(let start):
          shares[start.cluster, default: [:]][start.endpoint.number, default: 0] += 1 / 20_000
          var more = ActionBuffer()
          plane.attemptAnswered(start.attempt, status: 200, at: .zero, into: &more)
        case .respond(_, _, let status, let cause):
          #expect(status == 503 && cause == .noEndpoint)
          shares[-1, default: [:]][0, default: 0] += 1 / 20_000
        default: break
        }
      }
      actions.removeAll()
    }
    return shares
  }

  // Goal: what a retry has tried are the aggregate's priorities, so it goes on to the next member's; a retry stays in its aggregate.
  @Test func retriesLeaveOutTriedPriorities() {
    var retry = RetryDescription(
      on: ["5xx"], attempts: 3, backoff: RetryBackoffDescription(base: .zero, maximum: .zero))
    retry.priorityUpdateFrequency = 1
    var plane = plane(retry: retry)
    list(&plane, cluster: 0, [(.healthy, 0), (.healthy, 1)])
    list(&plane, cluster: 1, [(.healthy, 0)])
    for number in 0..<50 as Range<UInt64> {
      var actions = ActionBuffer()
      plane.requestArrived(
        RequestArrival(caller: CallerToken(number), route: 0, randomness: RandomKey(value: mix64(number))), at: .zero,
        into: &actions)
      var way: [[Int32]] = []
      while let last = actions.popLast() {
        actions.removeAll()
        guard case .startAttempt(let start) = last else { break }
        way.append([start.cluster, start.endpoint.number])
        plane.attemptAnswered(start.attempt, status: 503, at: .zero, into: &actions)
      }
      #expect(way == [[0, 0], [0, 1], [1, 0], [0, 0]])
    }
  }

  // Goal: the second cluster takes what the first cannot, each with its own balancer; nothing while the first is well, all when
  // it has nobody; changes of either are seen.
  @Test func failsOverBetweenClusters() {
    var plane = plane()
    #expect(shares(&plane)[-1]?[0].map { abs($0 - 1) < 1e-9 } == true)
    list(&plane, cluster: 1, [(.healthy, 0), (.healthy, 0)])
    #expect(shares(&plane)[1]?.count == 2)
    list(&plane, cluster: 0, [(.healthy, 0), (.healthy, 0), (.healthy, 0), (.healthy, 0)])
    #expect(shares(&plane)[1] == nil)
    list(&plane, cluster: 0, [(.healthy, 0), (.unhealthy, 0), (.healthy, 0), (.unhealthy, 0)])
    let half = shares(&plane)
    #expect(abs((half[0]?[0] ?? 0) - 0.35) < 0.015 && half[0]?.count == 2)
    #expect(abs((half[1]?[1] ?? 0) - 0.15) < 0.01)
    list(&plane, cluster: 1, [])
    #expect(abs((shares(&plane)[0]?[2] ?? 0) - 0.5) < 0.02)
  }

  // Goal: priorities within members keep their order, and the priority that the aggregate chose is the one that is used,
  // whatever the member's own loads are; degraded endpoints of all come after the healthy ones of all.
  @Test func prioritiesAreConcatenated() {
    var plane = plane()
    list(&plane, cluster: 0, [(.unhealthy, 0), (.unhealthy, 0), (.healthy, 1), (.unhealthy, 1)])
    list(&plane, cluster: 1, [(.degraded, 0), (.healthy, 1)])
    // Priority 1 of the first can take 70 %, the second's priority 1 the rest; its degraded one is not needed.
    let shares = shares(&plane)
    #expect(abs((shares[0]?[2] ?? 0) - 0.7) < 0.015 && abs((shares[1]?[1] ?? 0) - 0.3) < 0.015)
    #expect(shares.values.reduce(0) { $0 + $1.count } == 2)
  }

  // Goal: a member whose data lies on some endpoints each counts with all of them: one ill endpoint of four is no reason to leave
  // it, three of four are for two thirds; and when its last endpoint goes nothing is left of its numbers.
  @Test func wholeMembersCount() {
    var plane = plane(first: LayersDescription(tokenAware: TokenAwareDescription(replicationFactor: 1)))
    list(&plane, cluster: 1, [(.healthy, 0)])
    list(&plane, cluster: 0, [(.unhealthy, 0), (.healthy, 0), (.healthy, 0), (.healthy, 0)])
    let one = shares(&plane)
    #expect(one[1] == nil && one[0]?.count == 3)
    // The range of the endpoint that is ill has nobody else.
    #expect(abs((one[-1]?[0] ?? 0) - 0.25) < 0.015)
    list(&plane, cluster: 0, [(.healthy, 0), (.unhealthy, 0), (.unhealthy, 0), (.unhealthy, 0)])
    #expect(abs((shares(&plane)[1]?[0] ?? 0) - 0.65) < 0.015)
    list(&plane, cluster: 0, [])
    #expect(abs((shares(&plane)[1]?[0] ?? 0) - 1) < 1e-9)
  }

  // Goal: a member with subsets counts with all its endpoints too, and with nobody when they are gone.
  @Test func subsetsCountTogether() {
    let subsets = SubsetsDescription(
      selectors: [SubsetSelectorDescription(keys: ["version"])], fallback: .anyEndpoint)
    var plane = plane(first: LayersDescription(subsets: subsets))
    list(&plane, cluster: 1, [(.healthy, 0)])
    list(&plane, cluster: 0, [(.healthy, 0), (.unhealthy, 0)])
    #expect(abs((shares(&plane)[1]?[0] ?? 0) - 0.3) < 0.015)
    list(&plane, cluster: 0, [])
    #expect(abs((shares(&plane)[1]?[0] ?? 0) - 1) < 1e-9)
  }

  // Goal: where nothing spills over (gRPC's aggregate) the first member that has anybody takes all and chooses its priority itself;
  // the next one comes when nobody is left.
  @Test func firstUsableMemberTakesAll() {
    var plane = plane(failover: .firstUsable)
    list(&plane, cluster: 1, [(.healthy, 0), (.healthy, 0)])
    // By its own rule, which spills over, the first's priorities take 35 and 46 parts; spilling over, the second would have 19.
    let ill = (EndpointHealth.unhealthy, priority: Int32(0))
    list(&plane, cluster: 0, [(.healthy, 0), ill, ill, ill, (.healthy, 1), (.unhealthy, 1), (.unhealthy, 1)])
    let spilt = shares(&plane)
    #expect(spilt[1] == nil && abs((spilt[0]?[0] ?? 0) - 0.44) < 0.015 && abs((spilt[0]?[4] ?? 0) - 0.56) < 0.015)
    list(&plane, cluster: 0, [(.unhealthy, 0), (.unhealthy, 1)])
    #expect(shares(&plane)[1]?.count == 2)
    list(&plane, cluster: 1, [(.unhealthy, 0)])
    #expect(abs((shares(&plane)[-1]?[0] ?? 0) - 1) < 1e-9)
    list(&plane, cluster: 0, [(.unhealthy, 0), (.healthy, 1)])
    #expect(abs((shares(&plane)[0]?[1] ?? 0) - 1) < 1e-9)
  }

  // Goal: a hashing member goes by its own loads, whatever priority the aggregate has chosen (Envoy's thread-aware balancers do
  // not ask). The aggregate panics and gives 58 : 42 by numbers of endpoints; by the member's own loads it is 44 : 56.
  @Test(arguments: [("ringHash", 0.44), ("maglev", 0.44), ("rendezvous", 0.58)])
  func hashingMembersChooseTheirPriority(_ balancer: String, _ share: Double) {
    var plane = plane(panicThreshold: 50, balancer: balancer)
    let ill = (EndpointHealth.unhealthy, priority: Int32(0))
    list(&plane, cluster: 0, [(.healthy, 0), ill, ill, ill, (.healthy, 1), (.unhealthy, 1), (.unhealthy, 1)])
    let shares = shares(&plane)
    #expect(abs((shares[0]?[0] ?? 0) - share) < 0.015, "\(shares)")
  }

  // Goal: where all priorities panic by the aggregate's own threshold, numbers of endpoints decide.
  @Test func panicIsTheAggregatesOwn() {
    var calm = plane()
    var panicking = plane(panicThreshold: 50)
    for (cluster, size) in [(0, 4), (1, 12)] {
      let ill = [(EndpointHealth, priority: Int32)](repeating: (.unhealthy, 0), count: size - 1)
      list(&calm, cluster: cluster, [(.healthy, 0)] + ill)
      list(&panicking, cluster: cluster, [(.healthy, 0)] + ill)
    }
    // 35 % and 11 % available: 35/46 against 4 of 16 endpoints.
    #expect(abs((shares(&calm)[0]?[0] ?? 0) - 0.77) < 0.015)
    #expect(abs((shares(&panicking)[0]?[0] ?? 0) - 0.25) < 0.015)
  }
}
