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
