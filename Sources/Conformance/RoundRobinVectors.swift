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
    if vector.member("predicate") != nil { throw VectorSkip("no predicate on chosen hosts yet") }
    let seed = try vector.member("seed")?.unsigned ?? vector.member("random_always")?.unsigned ?? 0
    var driver = PolicyDriver(RoundRobin(), drawing: [seed])
    if let script = vector.member("script") {
      for step in try script.items { try perform(step, on: &driver, &check) }
      return
    }
    let hosts = try vector.member("hosts")?.count
    driver.list(weights: try hosts.map { Array(repeating: 1, count: $0) } ?? vector("weights").weights)
    if let healthy = try vector.member("healthy")?.count {
      if healthy < driver.endpoints.availableCount, try vector.member("threshold")?.double != 0 {
        throw VectorSkip("no panic threshold around a policy alone")
      }
      for slot in healthy..<max(healthy, driver.endpoints.states.count) { driver.admit(false, slot: slot) }
    }
    if let expected = try vector.member("expected_picks")?.ints {
      check.equal(driver.picks(expected.count), expected)
    } else if try vector("expected").string.hasPrefix("null") {
      check.equal(driver.pick(), -1)
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
