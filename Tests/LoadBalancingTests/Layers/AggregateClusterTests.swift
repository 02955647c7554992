import LoadBalancing
import Testing

@Suite struct AggregateClusterTests {
  // Goal: priorities without endpoints are left out, and each choice names cluster and priority as their members know
  // them.
  @Test func linearises() {
    var aggregate = AggregateCluster()
    #expect(aggregate.choose(1) == nil)
    let empty = PriorityGroup(total: 0, healthy: 0)
    let whole = PriorityGroup(total: 2, healthy: 2)
    let dead = PriorityGroup(total: 2, healthy: 0)
    aggregate.update([[empty, dead], [], [empty, empty, whole], [whole]])
    #expect(
      aggregate.members == [
        AggregateMember(cluster: 0, priority: 1), AggregateMember(cluster: 2, priority: 2),
        AggregateMember(cluster: 3, priority: 0),
      ])
    for number in UInt64(0)..<100 {
      #expect(aggregate.choose(number)?.member == AggregateMember(cluster: 2, priority: 2))
    }
    #expect(aggregate.priority(of: AggregateMember(cluster: 3, priority: 0)) == 2)
    #expect(aggregate.priority(of: AggregateMember(cluster: 1, priority: 0)) == nil)
  }

  // Goal: as the first cluster fails, traffic spills to the second, by each one's own overprovisioning.
  @Test func failsOver() {
    var aggregate = AggregateCluster()
    for healthy in Int32(0)...10 {
      aggregate.update([
        [PriorityGroup(total: 10, healthy: healthy, overprovisioning: 100)], [PriorityGroup(total: 1, healthy: 1)],
      ])
      let first = (UInt64(0)..<100).filter { aggregate.choose($0)?.member.cluster == 0 }.count
      #expect(first == Int(healthy) * 10)
    }
  }
}
