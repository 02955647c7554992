// Envoy's bounded load: bounded_load_hlb_test.cc. The shuffle from a seed, slots and overload, and who is chosen instead.

import LoadBalancing
import TestVectors

struct BoundedLoadVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "bounded-load consistent hashing" || (file.name == "bounded_load" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if vector.member("expected_order") != nil {
      let count = try hosts(vector("n"))
      let order = BoundedLoad.shuffledOrder(seed: try vector("seed").unsigned, count: count)
      check.equal(order, try vector("expected_order").ints, "order")
    } else if let table = try vector.member("primary_table")?.ints {
      let count = try hosts(vector("num_hosts"))
      let hash = try vector("hash").unsigned
      guard !table.isEmpty, table.allSatisfy({ (0..<count).contains($0) }) else {
        throw VectorError(description: "a table of other hosts")
      }
      let standard = try vector.member("default_overload_factor")?.double ?? 0
      var overloads = [Double](repeating: standard, count: count)
      for (host, overload) in try vector("overload_factor_by_host").members {
        guard let number = Int(host), overloads.indices.contains(number) else {
          throw VectorError(description: "no host \(host)")
        }
        overloads[number] = try overload.double
      }
      var rule = BoundedLoad(factor: 100)
      let first = Int32(table[Int(hash % UInt64(table.count))])
      let chosen = rule.choose(first, hash: hash, count: count) { overloads[Int($0)] }
      check.equal(Int(chosen), try vector("expected_host").int, "host")
    } else {
      try checkOverload(vector, &check)
    }
  }

  private func hosts(_ value: VectorValue) throws -> Int {
    let count = try value.count
    guard (1...100_000).contains(count) else { throw VectorError(description: "\(count) hosts") }
    return count
  }

  private func checkOverload(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let share = try vector("weight").double
    guard (0...1).contains(share), share > 0 else { throw VectorError(description: "a share of \(share)") }
    let active = try vector("host_active").int32
    var rule = BoundedLoad(factor: try vector("balance_factor").weight)
    let total = rule.totalSlots(active: try vector("overall_active").weight)
    if let expected = try vector.member("total_slots")?.int { check.equal(Int(total), expected, "slots of all") }
    if let expected = try vector.member("slots")?.int {
      check.equal(Int(BoundedLoad.slots(share: share, totalSlots: total)), expected, "slots")
    }
    let overload = BoundedLoad.overload(active: active, share: share, totalSlots: total)
    if let expected = try vector.member("overload_factor")?.double {
      check.close(overload, expected, relative: 1e-12, "overload")
    }
    if let expected = try vector.member("expected_host")?.int {
      // Equal hosts in a table of one entry each; the first choice alone has requests.
      let count = Int((1 / share).rounded())
      let hash = try vector("hash").unsigned
      guard count <= 100_000 else { throw VectorError(description: "\(count) hosts") }
      let first = Int32(hash % UInt64(count))
      let chosen = rule.choose(first, hash: hash, count: count) { $0 == first ? overload : 0 }
      check.equal(Int(chosen), expected, "host")
    }
  }
}
