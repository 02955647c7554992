// Envoy's own simulations: how evenly hashing spreads keys and how many move when a host goes (ring_hash_lb_benchmark.cc,
// maglev_lb_benchmark.cc), and how requests fall on loaded hosts.
//
// The set-up of the benchmarks: hosts 10.0.a.b:6379 with number 256 a + b, key i the hash of i's eight bytes.

import LoadBalancing
import MeshCore
import TestVectors

struct LoadSimulationVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "Envoy's own simulations and benchmarks" || (file.name == "load_simulation" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if vector.member("scenarios") != nil {
      try checkScenarios(vector, &check)
    } else if vector.member("relative_stddev") != nil {
      try checkSpread(vector, &check)
    } else if vector.member("ring_different") != nil {
      try checkLoss(vector, &check)
    } else if vector.member("measures") != nil {
      try checkZones(vector, &check)
    } else {
      throw VectorSkip("a benchmark of time")
    }
  }

  /// The layouts of the zone-aware simulation, which prints hits and asserts nothing: they are held against what the rule's formulas
  /// give, worked out here anew.
  private func checkZones(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let callers = try vector("originating_hosts_per_zone").ints
    let hosts = try vector("healthy_per_zone").ints
    guard callers.count == hosts.count, callers.count > 1, (callers + hosts).allSatisfy({ (1...1000).contains($0) })
    else {
      throw VectorError(description: "zones without callers or hosts")
    }
    let zones = callers.indices
    let (allCallers, allHosts) = (callers.reduce(0, +), hosts.reduce(0, +))
    let requests = check.rounds(try vector("requests").count)
    var expected = [Double](repeating: 0, count: callers.count)
    var hits = hosts.map { [Int](repeating: 0, count: $0) }
    var random = RandomStream(state: 17)
    for own in zones {
      let spare = zones.map { max(0, 10_000 * hosts[$0] / allHosts - 10_000 * callers[$0] / allCallers) }
      let (local, upstream) = (10_000 * callers[own] / allCallers, 10_000 * hosts[own] / allHosts)
      let stays = upstream >= local ? 1 : Double(upstream * 10_000 / local) / 10_000
      let others = zones.filter { $0 != own }.reduce(0) { $0 + spare[$1] }
      let share = Double(callers[own]) / Double(allCallers)
      for zone in zones {
        let leaves = others > 0 ? Double(spare[zone]) / Double(others) : 1 / Double(zones.count)
        expected[zone] += share * (zone == own ? stays : (1 - stays) * leaves)
      }
      let order = [own] + zones.filter { $0 != own }
      func set(_ counts: [Int]) -> ZoneSet {
        ZoneSet(order.map { ZoneGroup(zone: Int32($0), healthy: Int32(counts[$0])) }, hasLocal: true)
      }
      var settings = ZoneAwareRouting.Settings()
      settings.minimumClusterSize = 1
      var router = ZoneAwareRouting(settings)
      let fleet = PriorityGroup(total: Int32(allCallers), healthy: Int32(allCallers))
      router.update(upstream: set(hosts), local: set(callers), fleet: fleet)
      for _ in 0..<(requests * callers[own] / allCallers) {
        let place = Int(router.choose(&random).place)
        guard order.indices.contains(place) else { throw VectorError(description: "a request without a zone") }
        let zone = order[place]
        hits[zone][random.modulo(hosts[zone])] += 1
      }
    }
    let total = Double(hits.reduce(0) { $0 + $1.reduce(0, +) })
    for zone in zones {
      for (host, count) in hits[zone].enumerated() {
        let share = expected[zone] / Double(hosts[zone])
        check.near(
          Double(count), share * total, absolute: 5 * (share * total).squareRoot() + 0.001 * total / Double(allHosts),
          "hits of host \(host) in zone \(zone)")
      }
    }
  }

  private func members(_ count: Int) throws -> [WeightedMember] {
    guard (1...65_536).contains(count) else { throw VectorError(description: "\(count) hosts") }
    return WeightedMember.normalised((0..<count).map { ("10.0.\($0 / 256).\($0 % 256):6379", 1) })
  }

  private func checkSpread(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let count = try vector("hosts").count
    let hosts = try members(count)
    let keys = check.rounds(try vector("keys").count)
    var hits = [Int](repeating: 0, count: count)
    if let minimum = try vector.member("min_ring_size")?.unsigned {
      if let fault = RingTable.fault(minimumSize: minimum, maximumSize: RingTable.largestSize) {
        throw VectorError(description: fault)
      }
      let ring = RingTable(hosts, minimumSize: minimum)
      if let size = try vector.member("ring_size")?.int { check.equal(ring.count, size, "ring size") }
      for key in 0..<keys { hits[Int(ring.member(of: XXHash64.hash(UInt64(key))))] += 1 }
    } else {
      let size = try vector("table_size").unsigned
      if let fault = MaglevTable.fault(size: size) { throw VectorError(description: fault) }
      let table = MaglevTable(hosts, size: size)
      for key in 0..<keys { hits[Int(table.member(of: XXHash64.hash(UInt64(key))))] += 1 }
    }
    check.equal(hits.min(), try vector("min").int, "least hits")
    check.equal(hits.max(), try vector("max").int, "most hits")
    let mean = Double(keys) / Double(count)
    let variance = hits.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
    check.near(variance.squareRoot() / mean, try vector("relative_stddev").double, absolute: 1e-6, "deviation")
  }

  /// The last of 100 hosts goes; both tables have the sizes of the benchmark.
  private func checkLoss(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let keys = check.rounds(try vector("keys").count)
    let count = try vector.member("hosts")?.count ?? 100
    guard count > 1 else { throw VectorError(description: "\(count) hosts") }
    let (all, left) = (try members(count), try members(count - 1))
    let rings = (RingTable(all, minimumSize: 65_536), RingTable(left, minimumSize: 65_536))
    let tables = (MaglevTable(all), MaglevTable(left))
    var different = (ring: 0, maglev: 0)
    for key in 0..<keys {
      let hash = XXHash64.hash(UInt64(key))
      if rings.0.member(of: hash) != rings.1.member(of: hash) { different.ring += 1 }
      if tables.0.member(of: hash) != tables.1.member(of: hash) { different.maglev += 1 }
    }
    check.equal(different.ring, try vector("ring_different").int, "keys moved on the ring")
    check.equal(different.maglev, try vector("maglev_different").int, "keys moved in the table")
  }

  private func checkScenarios(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let requests = check.rounds(try vector("requests").count)
    for scenario in try vector("scenarios").items {
      let parameters = PolicyDriver.parameters(
        LeastRequest.descriptor, [("sampling", .word("withReplacement"))])
      var driver = PolicyDriver(LeastRequest(parameters))
      let weights = try scenario("weights").weights
      driver.list(weights: weights)
      driver.setInFlight(try scenario("active").loads)
      let counts = driver.counts(of: weights.count, picks: requests)
      for (count, expected) in zip(counts, try scenario("percent").doubles) {
        check.near(Double(count) / Double(requests) * 100, expected, absolute: 1, "per cent")
      }
    }
  }
}
