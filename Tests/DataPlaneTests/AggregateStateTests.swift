import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite struct AggregateStateTests {
  /// A data plane with two clusters and an aggregate of both, to which everything goes.
  private func plane(panicThreshold: Int32 = 0) -> DataPlane {
    func cluster(_ name: String, _ balancer: String) -> ClusterDescription {
      ClusterDescription(
        name: name, service: name,
        balancer: PolicyChoice(
          name: balancer, parameters: PolicyParameters(PolicyRegistry.policy(named: balancer)?.parameters ?? [])),
        layers: LayersDescription())
    }
    var mesh = MeshDescription(
      clusters: [cluster("first", "leastRequest"), cluster("second", "roundRobin")],
      routes: [RouteDescription(match: RouteMatch(host: "all"), split: [WeightedCluster(cluster: 2)])])
    mesh.aggregates = [AggregateDescription(name: "all", clusters: [0, 1], panicThreshold: panicThreshold)]
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
