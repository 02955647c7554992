// gRPC's ring hash: proposals A42 and A76, grpc-go's ring_test.go. Endpoints are lettered, their weights are digits.

import LoadBalancing
import MeshCore
import TestVectors

struct GRPCRingHashVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.has("size_rule") || file.has("xxh64_check") || (file.name == "ring_hash" && file.vectors.isEmpty)
  }

  /// A ring by its name: `ring_abc_334_min10_max20`.
  private struct Named {
    let members: [WeightedMember]
    let weights: [(key: String, weight: UInt32)]
    let ring: RingTable

    init?(_ name: String) {
      let parts = name.split(separator: "_")
      guard parts.count == 5, parts[0] == "ring", parts[1].count == parts[2].count,
        let minimum = UInt64(parts[3].dropFirst(3)), let maximum = UInt64(parts[4].dropFirst(3)),
        RingTable.fault(minimumSize: minimum, maximumSize: maximum) == nil
      else { return nil }
      weights = zip(parts[1], parts[2]).compactMap { letter, digit in UInt32(String(digit)).map { (String(letter), $0) }
      }
      members = WeightedMember.normalised(weights)
      ring = RingTable(members, minimumSize: minimum, maximumSize: maximum)
    }
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let members = (try? file.content.members) ?? []
    var first: Named?
    for (key, value) in members {
      if key == "xxh64_check" {
        for (text, hash) in (try? value.members) ?? [] {
          report.run("xxh64 of \"\(text)\"") { check in
            check.equal(String(XXHash64.hash(text), radix: 16), try hash.string.drop { $0 == "0" }.description)
          }
        }
      } else if let named = Named(key) {
        first = first ?? named
        report.run(key) { check in
          let entries = try value.items
          check.equal(named.ring.count, entries.count, "entries")
          for (place, entry) in entries.enumerated() where place < named.ring.count {
            check.equal(named.ring.hashes[place], try entry("hash").unsigned, "hash of entry \(place)")
            let member = named.members[Int(named.ring.members[place])]
            check.equal(member.key, try entry("key").string, "entry \(place)")
          }
        }
      } else if key.hasPrefix("default_") {
        report.run(key) { check in
          // gRPC sorts endpoints; with equal weights their order changes nothing that is counted.
          let keys = try value("counts").members.map(\.key)
          try checkSize(keys.map { ($0, 1) }, minimum: 1024, maximum: 4096, value, &check)
        }
      }
    }
    let weights = first?.weights ?? [("a", 3), ("b", 3), ("c", 4)]
    report.runEach(file.list("sizes"), of: "sizes") { vector, check in
      try checkSize(
        weights, minimum: try vector("min").unsigned, maximum: try vector("max").unsigned, vector, &check)
    }
    report.runEach(file.list("picks"), of: "picks") { vector, check in
      guard let named = first else { throw VectorError(description: "picks from no ring") }
      let key = try vector("key").string
      let hash = try vector.member("hash")?.unsigned ?? XXHash64.hash(key)
      check.equal(XXHash64.hash(key), hash, "hash")
      check.equal(named.members[Int(named.ring.member(of: hash))].key, try vector("endpoint").string, "endpoint")
    }
  }

  private func checkSize(
    _ weights: [(key: String, weight: UInt32)], minimum: UInt64, maximum: UInt64, _ vector: VectorValue,
    _ check: inout VectorCheck
  ) throws {
    if let fault = RingTable.fault(minimumSize: minimum, maximumSize: maximum) { throw VectorError(description: fault) }
    let ring = RingTable(WeightedMember.normalised(weights), minimumSize: minimum, maximumSize: maximum)
    if let size = try vector.member("size")?.int { check.equal(ring.count, size, "size") }
    for (number, weight) in weights.enumerated() {
      let count = ring.members.count { Int($0) == number }
      if let expected = try vector.member("counts")?.member(weight.key)?.int {
        check.equal(count, expected, weight.key)
      }
    }
  }
}
