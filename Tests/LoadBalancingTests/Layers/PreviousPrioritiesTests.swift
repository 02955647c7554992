import LoadBalancing
import MeshCore
import Testing

@Suite struct PreviousPrioritiesTests {
  // Goal: no attempt goes to a priority that was tried while another one has endpoints; loads always add up to 100;
  // when all were tried it begins anew.
  @Test(arguments: 1...100) func avoidsWhatWasTried(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let groups = (0..<4).map { _ in
      PriorityGroup(total: 10, healthy: Int32(random.below(11)), degraded: 0)
    }
    var load = PriorityLoad(panicThreshold: 0)
    load.update(groups)
    let usable = groups.indices.filter { groups[$0].healthyAvailability > 0 }
    if usable.isEmpty { return }
    var plugin = try #require(PreviousPriorities(updateFrequency: 1))
    var tried = AttemptedPriorities()
    var visited: Set<Int> = []
    for _ in 0..<12 {
      let priority = Int(plugin.choose(random.next(), &tried, of: load).priority)
      #expect(usable.contains(priority))
      #expect(!visited.contains(priority) || visited.count == usable.count)
      if visited.count == usable.count { visited = [] }
      visited.insert(priority)
      tried.record(priority: Int32(priority))
      var copy = tried
      if plugin.adjust(&copy, of: load) { #expect((plugin.healthy + plugin.degraded).reduce(0, +) == 100) }
    }
  }

  // Goal: before the first update, and when nothing is available at all, the loads stay as they were.
  @Test func keepsTheLoadsOtherwise() throws {
    var load = PriorityLoad()
    load.update([PriorityGroup(total: 2, healthy: 2), PriorityGroup(total: 2, healthy: 2)])
    var plugin = try #require(PreviousPriorities(updateFrequency: 3))
    var tried = AttemptedPriorities()
    for _ in 0..<2 {
      tried.record(priority: 0)
      #expect(!plugin.adjust(&tried, of: load))
      #expect(plugin.choose(99, &tried, of: load).priority == 0)
    }
    tried.record(priority: 0)
    #expect(plugin.choose(0, &tried, of: load).priority == 1)
    // Between two updates the exclusions stay, and new attempts do not count yet.
    tried.record(priority: 1)
    #expect(plugin.choose(0, &tried, of: load).priority == 1)
    load.update([PriorityGroup(total: 2, healthy: 0), PriorityGroup(total: 2, healthy: 0)])
    #expect(!plugin.adjust(&tried, of: load))
  }

  // Goal: a frequency below 1 is no plug-in, and priorities beyond the last are ignored.
  @Test func rejectsNonsense() throws {
    #expect(PreviousPriorities(updateFrequency: 0) == nil)
    var tried = AttemptedPriorities()
    for priority in [Int32(-1), 128, .max] { tried.record(priority: priority) }
    var load = PriorityLoad()
    load.update([PriorityGroup(total: 2, healthy: 2)])
    var plugin = try #require(PreviousPriorities(updateFrequency: 1))
    #expect(plugin.choose(5, &tried, of: load).priority == 0)
  }
}
