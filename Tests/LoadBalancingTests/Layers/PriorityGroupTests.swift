import LoadBalancing
import Testing

@Suite struct PriorityGroupTests {
  // Goal: availability is overprovisioning × healthy ÷ eligible, truncated, at most 100, by weight where weights are
  // given.
  @Test func availabilityIsTruncated() {
    var group = PriorityGroup(total: 7, healthy: 3, degraded: 1, excluded: 1)
    #expect(group.healthyAvailability == 140 * 3 / 6 && group.degradedAvailability == 140 / 6)
    group.weigh(healthy: 1, degraded: 98, eligible: 100)
    #expect(group.healthyAvailability == 1 && group.degradedAvailability == 100)
    #expect(PriorityGroup(total: 4, healthy: 4).healthyAvailability == 100)
  }

  // Goal: no counts or weights divide by zero or overflow.
  @Test func extremesAreHarmless() {
    #expect(PriorityGroup(total: 0, healthy: 0).healthyAvailability == 0)
    #expect(PriorityGroup(total: 3, healthy: 0, excluded: 3).healthyAvailability == 0)
    #expect(PriorityGroup(total: 3, healthy: 0, excluded: 3).isBelow(panicThreshold: 1))
    var heavy = PriorityGroup(total: 2, healthy: 1, overprovisioning: .max)
    heavy.weigh(healthy: .max, degraded: 0, eligible: .max)
    #expect(heavy.healthyAvailability == 100)
  }

  // Goal: panic looks at healthy and degraded endpoints together, strictly below the threshold, without
  // overprovisioning.
  @Test func panicCountsEndpoints() {
    let half = PriorityGroup(total: 4, healthy: 1, degraded: 1)
    #expect(!half.isBelow(panicThreshold: 50) && half.isBelow(panicThreshold: 51))
    #expect(!PriorityGroup(total: 4, healthy: 4).isBelow(panicThreshold: 200))
    #expect(!PriorityGroup(total: 4, healthy: 0).isBelow(panicThreshold: 0))
  }
}
