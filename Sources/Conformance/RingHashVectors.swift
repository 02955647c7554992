// Envoy's ring hash: ring_hash_lb_test.cc. Rings entry by entry, their sizes, and where hashes lead.

import LoadBalancing
import TestVectors

extension VectorValue {
  /// The hosts of a hashing table, each with its normalised weight, or all with weights.
  var hashedMembers: [WeightedMember] {
    get throws {
      let hosts = try items
      if hosts.allSatisfy({ $0.member("normalized_weight") != nil }) {
        return try hosts.map { host in
          let share = try host("normalized_weight").double
          guard (1e-9...1).contains(share) else { throw VectorError(description: "a share of \(share)") }
          return WeightedMember(key: try host("key").string, share: share)
        }
      }
      return WeightedMember.normalised(
        try hosts.map { (try $0("key").string, try $0.member("weight")?.weight ?? 1) })
    }
  }
}

struct RingHashVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "ring hash" || (file.name == "ring_hash" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if let steps = try vector.member("steps")?.items {
      var script = FailoverScript()
      for step in steps { try script.follow(try step.string, &check) }
      return
    }
    let minimum = try vector.member("minimum_ring_size")?.unsigned ?? 1024
    let maximum = try vector.member("maximum_ring_size")?.unsigned ?? RingTable.largestSize
    if vector.member("expected_error") != nil {
      check.holds(RingTable.fault(minimumSize: minimum, maximumSize: maximum) != nil, "rejected", "taken")
      return
    }
    if let fault = RingTable.fault(minimumSize: minimum, maximumSize: maximum) {
      throw VectorError(description: fault)
    }
    let hosts = try vector("hosts").hashedMembers
    let ring = RingTable(
      hosts, minimumSize: minimum, maximumSize: maximum, function: try function(of: vector))
    let key = { (number: Int32) in hosts.indices.contains(Int(number)) ? hosts[Int(number)].key : "none" }
    if let stats = vector.member("expected_stats") { try checkSize(ring, hosts.count, stats, &check) }
    for name in ["expected_ring", "first_ring_entries"] {
      for (place, entry) in (try vector.member(name)?.items ?? []).enumerated() {
        guard place < ring.count else { throw VectorError(description: "more entries than the ring has") }
        check.equal(ring.hashes[place], try entry("hash").unsigned, "hash of entry \(place)")
        check.equal(key(ring.members[place]), try entry("key").string, "entry \(place)")
      }
      if name == "expected_ring", let count = try vector.member(name)?.items.count {
        check.equal(ring.count, count, "entries")
      }
    }
    if let all = try vector.member("ring_xor_of_hashes")?.unsigned {
      check.equal(ring.hashes.reduce(0, ^), all, "exclusive or of the hashes")
    }
    for pick in try vector.member("expected_picks")?.items ?? [] {
      let hash = try pick("hash").unsigned
      let attempt = try pick.member("attempt")?.count ?? 0
      check.equal(
        key(ring.member(of: hash, attempt: attempt)), try pick("expected_key").string,
        "hash \(hash), attempt \(attempt)")
    }
    if let histogram = vector.member("histogram") { try checkHits(ring, hosts.count, histogram, &check) }
  }

  private func function(of vector: VectorValue) throws -> HashFunction {
    switch try vector.member("hash_function")?.string ?? "XX_HASH" {
    case "XX_HASH": return .xxHash
    case "MURMUR_HASH_2": return .murmurHash2
    case let name: throw VectorError(description: "no hash function \(name)")
    }
  }

  private func checkSize(_ ring: RingTable, _ hosts: Int, _ stats: VectorValue, _ check: inout VectorCheck) throws {
    var counts = [Int](repeating: 0, count: hosts)
    for member in ring.members { counts[Int(member)] += 1 }
    for (name, actual) in [
      ("size", ring.count), ("min_hashes_per_host", counts.min() ?? 0), ("max_hashes_per_host", counts.max() ?? 0),
    ] {
      if let expected = try stats.member(name)?.int { check.equal(actual, expected, name) }
    }
  }

  /// Hashes at equal distances: how many lead to each host.
  private func checkHits(_ ring: RingTable, _ hosts: Int, _ histogram: VectorValue, _ check: inout VectorCheck) throws {
    let count = try histogram("n").count
    guard count > 0 else { throw VectorError(description: "no probes") }
    if let probe = try histogram.member("probe")?.string, !probe.contains("i * floor((2^64-1)/n)") {
      throw VectorError(description: "probes \(probe)")
    }
    var hits = [Int](repeating: 0, count: hosts)
    let distance = UInt64.max / UInt64(count)
    for probe in 0..<count {
      let member = Int(ring.member(of: UInt64(probe) &* distance))
      if hits.indices.contains(member) { hits[member] += 1 }
    }
    check.equal(hits, try histogram("expected_hits").ints, "hits")
  }
}
