import LoadBalancing
import MeshCore
import Testing

private func list(_ view: PoolView<Int32>) -> [Int32] { (0..<view.count).map { view[$0] } }

@Suite struct EndpointPartitionTests {
  // Goal: every part holds just the listed endpoints of its priority, health and zone, in discovery's order, and the
  // counts agree.
  @Test(arguments: 1...60) func partsAreFilters(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    var endpoints = EndpointSet()
    endpoints.list(
      (0..<random.below(25)).map {
        EndpointDescription(
          identity: EndpointIdentity(Int32($0)), weight: UInt32(1 + random.below(4)), zone: Int32(random.below(4)) - 1,
          priority: Int32(random.below(3)), health: [.healthy, .degraded, .unhealthy][random.below(3)])
      }, at: .zero)
    for slot in 0..<endpoints.states.count where random.below(4) == 0 {
      endpoints.setExcluded(true, by: .outlierDetection, slot: Int32(slot))
    }
    let own = Int32(random.below(4)) - 1
    var partition = EndpointPartition()
    partition.update(endpoints.roster, ownZone: own, overprovisioning: 100, isWeighted: round % 2 == 0)
    let listed = list(endpoints.listed.view)
    let isHealthy = { (state: EndpointState) in state.isAdmitted && state.health == .healthy }
    let isDegraded = { (state: EndpointState) in state.isAdmitted && state.health == .degraded }
    let states = Dictionary(uniqueKeysWithValues: listed.map { ($0, endpoints.states[$0]) })
    let wanted = { (priority: Int, test: (EndpointState) -> Bool) in
      listed.filter { slot in states[slot].map { Int($0.priority) == priority && test($0) } ?? false }
    }
    #expect(partition.priorityCount == (listed.compactMap { states[$0]?.priority }.max().map { Int($0) + 1 } ?? 0))
    for priority in 0..<partition.priorityCount {
      let all = wanted(priority) { _ in true }
      let group = partition.groups[priority]
      #expect(list(partition.slots(part: partition.part(priority: Int32(priority), source: .all))) == all)
      #expect(
        list(partition.slots(part: partition.part(priority: Int32(priority), source: .healthy)))
          == wanted(priority, isHealthy))
      #expect(
        list(partition.slots(part: partition.part(priority: Int32(priority), source: .degraded)))
          == wanted(priority, isDegraded))
      #expect(Int(group.total) == all.count && Int(group.healthy) == wanted(priority, isHealthy).count)
      let zones = partition.zoneSet(priority: priority)
      #expect(zones.hasLocal == (own >= 0 && all.contains { states[$0]?.zone == own }))
      if zones.hasLocal { #expect(zones.zones[0].zone == own) }
      let localities = partition.localities(priority: priority, weights: [7, 8])
      for (place, zone) in zones.zones.enumerated() {
        for (availability, test) in [(Availability.healthy, isHealthy), (.degraded, isDegraded)] {
          let part = partition.part(priority: Int32(priority), availability: availability, locality: Int32(place))
          let members = wanted(priority) { $0.zone == zone.zone && test($0) }
          #expect(list(partition.slots(part: part)) == members)
          #expect(Int(localities[place].count(availability)) == members.count)
        }
        #expect(Int(zone.total) == wanted(priority) { $0.zone == zone.zone }.count)
        #expect(localities[place].weight == (zone.zone == 0 ? 7 : zone.zone == 1 ? 8 : 0))
      }
    }
  }

  // Goal: what is not there is nobody, and a wild priority makes no wild table.
  @Test func absentPartsAreEmpty() {
    var partition = EndpointPartition()
    #expect(partition.part(priority: 0, source: .all) == -1 && list(partition.slots(part: -1)).isEmpty)
    var endpoints = EndpointSet()
    endpoints.list([EndpointDescription(identity: EndpointIdentity(0), priority: .max)], at: .zero)
    partition.update(endpoints.roster)
    #expect(partition.priorityCount == 128 && partition.groups[127].healthy == 1)
    #expect(partition.part(priority: 127, source: .none) == -1 && partition.part(priority: -1, source: .all) == -1)
    #expect(partition.part(priority: 127, availability: .healthy, locality: 1) == -1)
    #expect(list(partition.slots(part: partition.part(priority: 127, source: .healthy))) == [0])
    #expect(partition.zoneSet(priority: 200).zones.isEmpty && partition.localities(priority: 200, weights: []).isEmpty)
  }
}
