// Jump, rendezvous and random subsets: Lamping and Veach 2014, gRPC's proposal A68, and values computed from the rules.

import LoadBalancing
import MeshCore
import TestVectors

struct ConsistentHashVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "consistent_hash_misc" || file.has("jump") || file.has("rendezvous_top1")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let jump = file.content.member("jump")
    for row in (try? jump?.member("vectors")?.items) ?? [] {
      report.run("jump \(row)") { check in
        let figures = try row.unsigneds
        guard figures.count == 3, let count = Int32(exactly: figures[1]), count > 0 else {
          throw VectorError(description: "a row of another length")
        }
        check.equal(UInt64(JumpTable.bucket(of: figures[0], count: count)), figures[2])
      }
    }
    for (step, share) in (try? jump?.member("moved_fraction")?.members) ?? [] {
      report.run("jump moved \(step)") { try checkMoved(step, try share.double, &$0) }
    }
    let endpoints = (try? file.content.member("random_subsetting")?("endpoints").strings) ?? []
    for (key, endpoint) in (try? file.content.member("rendezvous_top1")?.members) ?? [] {
      report.run("rendezvous \(key)") { check in
        guard !endpoints.isEmpty else { throw VectorError(description: "no endpoints") }
        // The file's own draw: the hash of key and endpoint together.
        let best = RendezvousTable.highest(of: endpoints.count) {
          XXHash64.hash("\(key)|\(endpoints[$0])")
        } weight: { _ in
          1
        }
        check.equal(endpoints[best], try endpoint.string)
      }
    }
    let subsetting = file.content.member("random_subsetting")
    for (seed, subset) in (try? subsetting?.member("by_seed")?.members) ?? [] {
      report.run("random subset of seed \(seed)") { check in
        guard let number = UInt64(seed) else { throw VectorError(description: "\(seed) is no seed") }
        let size = try subsetting.map { try $0("subset_size").count } ?? 0
        let chosen = RandomSubset.places(of: endpoints, size: size, seed: number)
        check.equal(chosen.map { endpoints[$0] }, try subset.strings)
      }
    }
    if let rule = try? file.content.member("ring_std_error_rule")?.string {
      report.run("ring_std_error_rule") { try checkSpread(rule, &$0) }
    }
    if let rule = try? file.content.member("chbl")?.string {
      report.run("chbl") { check in
        guard rule.hasPrefix("capacity per bin = ceil((1+eps)*keys/bins)"), rule.contains("factor = 100*(1+eps)") else {
          throw VectorSkip("in prose: \(rule)")
        }
        for (bins, keys, factor) in [(10, 1000, 125), (7, 500, 150), (20, 19, 110), (3, 4000, 200)] {
          try checkBound(bins: bins, keys: check.rounds(keys), factor: UInt32(factor), &check)
        }
      }
    }
  }

  /// Keys that stay in flight: no bin ever holds more than its share and the factor's excess, rounded up, one that comes included,
  /// and some keys had to go elsewhere for it. Who is asked instead is Envoy's and not the next clockwise.
  private func checkBound(bins: Int, keys: Int, factor: UInt32, _ check: inout VectorCheck) throws {
    let ring = RingTable(
      WeightedMember.normalised((0..<bins).map { ("10.0.0.\($0):80", 1) }), minimumSize: UInt64(bins))
    var bound = BoundedLoad(factor: factor)
    var held = [Int32](repeating: 0, count: bins)
    var moved = 0
    for number in 0..<keys {
      let hash = XXHash64.hash("key-\(number)")
      let slots = bound.totalSlots(active: UInt32(number))
      let first = ring.member(of: hash)
      let bin = bound.choose(first, hash: hash, count: bins) {
        BoundedLoad.overload(active: held[Int($0)], share: 1 / Double(bins), totalSlots: slots)
      }
      if bin != first { moved += 1 }
      held[Int(bin)] += 1
      let capacity = (Double(factor) / 100 * Double(number + 1) / Double(bins)).rounded(.up)
      // Envoy compares before it counts the key that comes.
      check.holds(
        Double(held[Int(bin)]) <= capacity + 1, "at most \(capacity) and one", "\(held[Int(bin)])",
        "keys of a bin after \(number + 1)")
    }
    check.equal(held.reduce(0, +), Int32(keys), "keys in all bins")
    check.holds(moved > 0 || keys <= 2 * bins, "some", "none", "keys that went elsewhere")
  }

  /// `100->0.0997`: how unequal the parts of a ring are with so many points an endpoint, to a fifth.
  private func checkSpread(_ rule: String, _ check: inout VectorCheck) throws {
    for pair in rule.split(separator: " ") {
      let parts = pair.filter { $0 != "," }.split(separator: ">")
      guard parts.count == 2, let points = Int(parts[0].dropLast()), let spread = Double(parts[1]) else { continue }
      guard (2...2000).contains(points) else { throw VectorError(description: "\(points) points an endpoint") }
      let count = 100
      let ring = RingTable(
        WeightedMember.normalised((0..<count).map { ("10.0.0.\($0):80", 1) }), minimumSize: UInt64(count * points))
      var shares = [Double](repeating: 0, count: count)
      for place in 0..<ring.count {
        let before = ring.hashes[place == 0 ? ring.count - 1 : place - 1]
        shares[Int(ring.members[place])] += Double(ring.hashes[place] &- before) * 0x1p-64 * Double(count)
      }
      let variance = shares.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } / Double(count)
      check.close(variance.squareRoot(), spread, relative: 0.2, "\(points) points")
    }
  }

  /// `9->10`: the share of keys that move when a tenth bucket comes.
  private func checkMoved(_ step: String, _ share: Double, _ check: inout VectorCheck) throws {
    let counts = step.split(separator: ">").compactMap { Int32($0.filter { $0.isNumber }) }
    guard counts.count == 2, counts[0] > 0, counts[1] > counts[0] else {
      throw VectorError(description: "\(step) is no step")
    }
    var moved = 0
    let keys = check.rounds(200_000)
    for number in 0..<keys {
      let key = mix64(UInt64(number) &* goldenGamma)
      let (before, after) = (JumpTable.bucket(of: key, count: counts[0]), JumpTable.bucket(of: key, count: counts[1]))
      if before != after {
        moved += 1
        check.holds(after >= counts[0], "a new bucket", "\(after)", "bucket moved to")
      }
    }
    check.near(Double(moved) / Double(keys), share, absolute: 0.005)
  }
}
