// Requests that name the endpoint they want, as a session's cookie does, at a whole data plane.

import MeshCore
import Testing

@testable import DataPlane

@Suite("requests that name their endpoint") struct OverrideHostTests {
  private func endpoints(_ health: [EndpointHealth]) -> [EndpointDescription] {
    health.enumerated().map { EndpointDescription(identity: EndpointIdentity(Int32($0.offset)), health: $0.element) }
  }

  // Goal: who is named gets the request through changes of the others, also from a priority that has no share; who is gone, ill
  // or shut out does not, and the balancer chooses.
  @Test(arguments: [false, true]) func namedEndpointsAreUsed(_ isLayered: Bool) {
    var harness = Harness(
      accrual: ConsecutiveAccrualDescription(maxFailures: 2, minPenalty: .seconds(5), maxPenalty: .seconds(5)),
      layers: isLayered ? LayersDescription() : nil)
    var listed = endpoints(Array(repeating: .healthy, count: 4))
    listed[3].priority = 1
    harness.listAs(listed)
    for _ in 0..<5 {
      harness.request(naming: 3)
      #expect(harness.lastEndpoint == 3)
    }
    listed[0].health = .unhealthy
    listed.append(EndpointDescription(identity: EndpointIdentity(9)))
    harness.listAs(listed)
    harness.request(naming: 3)
    #expect(harness.lastEndpoint == 3)
    harness.request(naming: 0)
    #expect(harness.lastEndpoint > 0)
    harness.request(naming: 77)
    #expect(harness.lastEndpoint >= 0)
    harness.answer(503, from: 3)
    harness.answer(503, from: 3)
    harness.request(naming: 3)
    #expect(harness.lastEndpoint != 3 && harness.lastEndpoint >= 0)
    // Who leaves with requests left is no place to go to.
    harness.listAs(listed.filter { $0.identity.number == 1 })
    harness.request(naming: 3)
    #expect(harness.lastEndpoint == 1 && harness.complaints.isEmpty)
  }

  // Goal: where a route's split leads to several clusters, gRPC goes to the one that has the session's endpoint, whatever its weight
  // (A60), and draws when it has gone; the others ask only the one drawn.
  @Test(arguments: [(MeshProfile.grpc, 40), (.envoy, 20)]) func sessionsInSplits(_ profile: MeshProfile, _ hits: Int) {
    let cluster = { (name: String) in
      ClusterDescription(
        name: name, service: name, balancer: PolicyChoice(name: "random", parameters: PolicyParameters([])))
    }
    var route = RouteDescription(
      match: RouteMatch(host: "web"),
      split: [
        WeightedCluster(cluster: 0, weight: 1), WeightedCluster(cluster: 1, weight: 1),
        WeightedCluster(cluster: 2, weight: 0),
      ])
    route.statefulSession = StatefulSessionDescription()
    var plane = DataPlane(
      MeshDescription(profile: profile, clusters: [cluster("a"), cluster("b"), cluster("c")], routes: [route]),
      key: RandomKey(seed: 5, replication: 0, purpose: .balancer, entity: 1))
    var actions = ActionBuffer()
    for number in 0..<3 {
      let endpoints = (0..<4).map { EndpointDescription(identity: EndpointIdentity(Int32(number * 4 + $0))) }
      plane.endpointsChanged(cluster: number, endpoints, at: .zero, into: &actions)
    }
    /// How many of 40 requests of a session went to its endpoint, and whether any went nowhere.
    func kept(_ plane: inout DataPlane, _ endpoint: Int32) -> Int {
      var hits = 0
      for number in 0..<40 as Range<UInt64> {
        var actions = ActionBuffer()
        plane.requestArrived(
          RequestArrival(
            caller: CallerToken(number), route: 0, randomness: RandomKey(value: mix64(number)),
            override: EndpointIdentity(endpoint)), at: .zero, into: &actions)
        guard case .startAttempt(let start) = actions[0] else { return -1 }
        hits += start.endpoint.number == endpoint ? 1 : 0
        plane.attemptAnswered(start.attempt, status: 200, at: .zero, into: &actions)
      }
      return hits
    }
    #expect(abs(kept(&plane, 5) - hits) <= (profile == .grpc ? 0 : 9))
    #expect(kept(&plane, 9) == (profile == .grpc ? 40 : 0))
    #expect(kept(&plane, 77) == 0)
  }

  // Goal: a strict request goes there or fails with 503; what is accepted can be said.
  @Test func strictRequestsGoNowhereElse() {
    var strict = Harness(session: StatefulSessionDescription(isStrict: true))
    strict.listAs(endpoints([.healthy, .degraded, .unhealthy]))
    for (named, status) in [(0, 200), (1, 200), (2, 503), (5, 503)] as [(Int32, Int16)] {
      strict.request(naming: named)
      if status == 200 { strict.answer(from: named) }
      #expect(strict.answers.last?.status == status)
    }
    strict.request()
    #expect(strict.lastEndpoint >= 0 && strict.complaints.isEmpty)

    for status in HostStatus.allCases {
      // Each status is met by an endpoint that has it, and by no other.
      var exact = Harness(
        layers: LayersDescription(), session: StatefulSessionDescription(isStrict: true), overrideHostStatus: [status])
      exact.listAs(
        HostStatus.allCases.enumerated().map { number, status in
          var endpoint = EndpointDescription(identity: EndpointIdentity(Int32(number)))
          endpoint.status = status
          return endpoint
        })
      for (number, other) in HostStatus.allCases.enumerated() {
        exact.request(naming: Int32(number))
        #expect((exact.answers.last?.caller == exact.wanted) == (other != status))
      }
    }

    var daring = Harness(overrideHostStatus: [.unhealthy])
    daring.listAs(endpoints([.healthy, .unhealthy]))
    daring.request(naming: 1)
    #expect(daring.lastEndpoint == 1)
    daring.request(naming: 0)
    #expect(daring.lastEndpoint == 0 && daring.complaints.isEmpty)
  }
}
