// Envoy's random choice: random_lb_test.cc. One number chooses the priority and, modulo the number of hosts, the host.
//
// Hosts that are not healthy count towards panic, of the one priority that there is.

import LoadBalancing
import MeshCore
import TestVectors

struct RandomVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.topic == "random" || (file.name == "random" && !file.vectors.isEmpty) }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  /// Whatever else a vector says may change what it means.
  private static let known = [
    "id", "name", "hosts", "healthy", "threshold", "fail_traffic_on_panic", "random", "randoms", "random_always",
    "expected", "expected_pick", "expected_picks", "rule", "note", "derived", "source", "verified_by_oracle",
  ]

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if let strange = try vector.members.map(\.key).first(where: { !Self.known.contains($0) }) {
      throw VectorError(description: "no member \(strange) is known")
    }
    let hosts = try vector("hosts").count
    let healthy = try vector.member("healthy")?.count ?? hosts
    guard hosts <= 100_000, healthy <= hosts else { throw VectorError(description: "\(healthy) of \(hosts) hosts") }
    let numbers = try numbers(of: vector)
    let expected = try expected(of: vector)
    guard !expected.isEmpty, numbers.count == 1 || numbers.count >= expected.count else {
      throw VectorError(description: "\(numbers.count) numbers for \(expected.count) picks")
    }
    var load = PriorityLoad(panicThreshold: Int32(try vector.member("threshold")?.count ?? 50))
    load.update([PriorityGroup(total: Int32(hosts), healthy: Int32(healthy))])
    let fails = try vector.member("fail_traffic_on_panic")?.flag ?? false
    var driver = PolicyDriver(
      RandomChoice(PolicyDriver.parameters(RandomChoice.descriptor, [("form", .word("envoy"))])))
    driver.list(weights: Array(repeating: 1, count: hosts))
    let source = load.source(of: load.choose(0), failsTrafficOnPanic: fails)
    if source == .healthy { for slot in healthy..<hosts { driver.admit(false, slot: slot) } }
    let picks = expected.indices.map { place in
      source == .none ? -1 : driver.pick(PickContext(drawnByLayers: numbers[numbers.count == 1 ? 0 : place]))
    }
    check.equal(picks, expected)
  }

  private func numbers(of vector: VectorValue) throws -> [UInt64] {
    guard let given = vector.member("random") ?? vector.member("randoms") ?? vector.member("random_always") else {
      return [0]
    }
    if case .list = given { return try given.unsigneds }
    return [try given.unsigned]
  }

  /// The places of the hosts that are chosen; −1 for none.
  private func expected(of vector: VectorValue) throws -> [Int] {
    if let picks = try vector.member("expected_picks")?.items { return try picks.map { try place($0) } }
    if let pick = vector.member("expected_pick") { return [try place(pick)] }
    let told = try vector("expected")
    if case .text(let text) = told, !text.hasPrefix("null") { throw VectorError(description: "in prose: \(text)") }
    return [-1]
  }

  private func place(_ value: VectorValue) throws -> Int { value == .null ? -1 : try value.int }
}
