// Envoy's round robin: round_robin_lb_test.cc. The seed is the first number drawn; weights, changes and picks are scripted.

import LoadBalancing
import TestVectors

struct RoundRobinVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "round robin" || (file.name == "round_robin" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if let predicate = try vector.member("predicate")?.string { return try choose(predicate, vector, &check) }
    let seed = try vector.member("seed")?.unsigned ?? vector.member("random_always")?.unsigned ?? 0
    var driver = PolicyDriver(RoundRobin(), drawing: [seed])
    if let script = vector.member("script") {
      for step in try script.items { try perform(step, on: &driver, &check) }
      return
    }
    let hosts = try vector.member("hosts")?.count
    driver.list(weights: try hosts.map { Array(repeating: 1, count: $0) } ?? vector("weights").weights)
    if let healthy = try vector.member("healthy")?.count {
      let total = driver.endpoints.states.count
      guard healthy <= total else { throw VectorError(description: "\(healthy) of \(total) hosts") }
      let threshold = vector.member("threshold") ?? vector.member("panic_threshold")
      var load = PriorityLoad(panicThreshold: Int32(try threshold?.count ?? 50))
      load.update([PriorityGroup(total: Int32(total), healthy: Int32(healthy))])
      let fails = try vector.member("fail_traffic_on_panic")?.flag ?? false
      let source = load.source(of: load.choose(0), failsTrafficOnPanic: fails)
      if source != .all { for slot in (source == .none ? 0 : healthy)..<total { driver.admit(false, slot: slot) } }
    }
    if let expected = try vector.member("expected_picks")?.ints {
      check.equal(driver.picks(expected.count), expected)
    } else if try vector("expected").string.hasPrefix("null") {
      check.equal(driver.pick(), -1)
    }
  }

  /// Chooses again while a predicate accepts one host alone.
  private func choose(_ predicate: String, _ vector: VectorValue, _ check: inout VectorCheck) throws {
    guard predicate.hasPrefix("accept only host "),
      let accepted = predicate.split(separator: " ").last.flatMap({ Int($0) })
    else { throw VectorSkip("an unknown predicate: \(predicate)") }
    var driver = PolicyDriver(RoundRobin(), drawing: [try vector.member("seed")?.unsigned ?? 0])
    driver.list(weights: Array(repeating: 1, count: try vector("hosts").count))
    for part in [vector, vector.member("then")].compactMap({ $0 }) {
      let attempts = Int32(try part("host_selection_retry_count").count)
      let expected = try part("expected_picks").ints
      let picks = expected.map { _ in
        var retry = HostSelectionRetry(maximumAttempts: attempts)
        var slot = driver.pick()
        while retry.again(isRejected: slot >= 0 && slot != accepted) { slot = driver.pick() }
        return slot
      }
      check.equal(picks, expected, "\(attempts) attempts")
    }
  }

  private func perform(_ step: VectorValue, on driver: inout PolicyDriver, _ check: inout VectorCheck) throws {
    switch try step("op").string {
    case "hosts", "host_update": driver.list(weights: try step("weights").weights)
    case "set_weights_without_update": driver.setWeights(try step("weights").weights)
    case "pick":
      let expected = try step("expect").ints
      check.equal(driver.picks(expected.count), expected)
    case let operation: throw VectorError(description: "no operation \(operation)")
    }
  }
}
