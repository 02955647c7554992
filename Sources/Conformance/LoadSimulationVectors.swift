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
      throw VectorSkip("measures without expecting anything")
    } else {
      throw VectorSkip("a benchmark of time")
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
