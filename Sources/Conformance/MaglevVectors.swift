// Envoy's Maglev: maglev_lb_test.cc. Tables entry by entry, and where hashes lead when a choice is made again.

import LoadBalancing
import TestVectors

struct MaglevVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.topic == "maglev" || (file.name == "maglev" && !file.vectors.isEmpty) }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, in: file, &$1) }
  }

  private func run(_ vector: VectorValue, in file: VectorFile, _ check: inout VectorCheck) throws {
    if vector.member("expected_error") != nil {
      check.holds(MaglevTable.fault(size: try vector("table_size").unsigned) != nil, "rejected", "taken")
      return
    }
    // A vector may go by the table of another one.
    let name = try? vector.member("table")?.string
    let described = name.flatMap { name in file.vectors.first { (try? $0("id").string) == name } } ?? vector
    let size = try described.member("table_size")?.unsigned ?? 65_537
    if let fault = MaglevTable.fault(size: size) { throw VectorError(description: fault) }
    let hosts = try described("hosts").hashedMembers
    let table = MaglevTable(hosts, size: size)
    // Vectors may number hosts in an order of their own.
    let order = try described.member("index_order")?.strings ?? hosts.map(\.key)
    let numbers = hosts.map { host in order.firstIndex(of: host.key) ?? -1 }
    let entries = table.entries.map { $0 < 0 ? -1 : numbers[Int($0)] }
    if let expected = try vector.member("expected_table")?.ints { check.equal(entries, expected, "table") }
    for sample in try vector.member("sample")?.items ?? [] {
      let slot = try sample("slot").int
      guard entries.indices.contains(slot) else { throw VectorError(description: "no slot \(slot)") }
      check.equal(entries[slot], try sample("host_index").int, "slot \(slot)")
    }
    var counts = [Int](repeating: 0, count: order.count)
    for entry in entries where counts.indices.contains(entry) { counts[entry] += 1 }
    if let expected = try vector.member("entries_per_host")?.ints { check.equal(counts, expected, "entries") }
    if let expected = try vector.member("expected_min_entries")?.int { check.equal(counts.min(), expected, "least") }
    if let expected = try vector.member("expected_max_entries")?.int { check.equal(counts.max(), expected, "most") }
    for pick in try vector.member("expected_by_attempt")?.items ?? [] {
      let attempt = try pick("attempt").count
      let member = Int(table.member(of: try vector("hash").unsigned, attempt: attempt))
      check.equal(
        numbers.indices.contains(member) ? numbers[member] : -1, try pick("host_index").int, "attempt \(attempt)")
    }
    for pick in try vector.member("expected_picks")?.items ?? [] {
      let hash = try pick("hash").unsigned
      let member = Int(table.member(of: hash, attempt: try pick.member("attempt")?.count ?? 0))
      check.equal(
        hosts.indices.contains(member) ? hosts[member].key : "none", try pick("expected_key").string, "hash \(hash)")
    }
  }
}
