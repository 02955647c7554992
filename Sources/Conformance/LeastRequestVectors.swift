// Envoy's least request: least_request_lb_test.cc and its simulation test, draws included.
//
// The first number of a script is Envoy's choice of a priority, which comes before the policy.

import LoadBalancing
import MeshCore
import TestVectors

struct LeastRequestVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "least request" || (file.name == "least_request" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if vector.member("expected_effective_weight") != nil {
      try checkWeight(vector, &check)
    } else if vector.member("script") != nil {
      try checkScript(vector, &check)
    } else if vector.member("expected_percent") != nil {
      try checkShares(vector, &check)
    } else if vector.member("expected_pick") != nil {
      try checkPick(vector, &check)
    } else if vector.member("picks") != nil, isFullScan(vector) {
      try checkTies(vector, &check)
    } else {
      throw VectorError(description: "neither pick, picks nor weight")
    }
  }

  private func isFullScan(_ vector: VectorValue) -> Bool {
    if let selection = try? vector.member("selection")?.string { return selection == "FULL_SCAN" }
    return vector.member("rule") != nil && vector.member("choice_count") == nil
  }

  private func policy(choices: Int = 2, fullScan: Bool = false, bias: Double = 1) -> LeastRequest {
    LeastRequest(
      PolicyDriver.parameters(
        LeastRequest.descriptor,
        [
          ("choices", .integer(Int64(choices))), ("sampling", .word("withReplacement")), ("fullScan", .flag(fullScan)),
          ("activeRequestBias", .number(bias)),
        ]))
  }

  private func choices(of vector: VectorValue) throws -> Int {
    let choices = try vector.member("choice_count")?.count ?? 2
    guard (1...100).contains(choices) else { throw VectorError(description: "\(choices) choices") }
    return choices
  }

  private func checkPick(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let active = try vector.member("active")?.loads ?? Array(repeating: 0, count: vector("hosts").count)
    var driver = PolicyDriver(
      policy(choices: try choices(of: vector), fullScan: isFullScan(vector)), drawing: [0])
    driver.list(weights: try vector.member("weights")?.weights ?? Array(repeating: 1, count: active.count))
    driver.setInFlight(active)
    let numbers = ScriptedNumbers(try vector.member("randoms")?.unsigneds ?? [0])
    driver.random = numbers.stream
    _ = driver.random.next()
    check.equal(driver.pick(), try vector("expected_pick").int, "pick")
    if let consumed = try vector.member("randoms_consumed")?.int {
      check.equal(driver.random.drawnFromScript, consumed, "numbers drawn")
    }
    withExtendedLifetime(numbers) {}
  }

  private func checkScript(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let bias = try vector.member("bias")?.double ?? 1
    // Envoy's test asserts the same picks for a bias that is not valid.
    for bias in bias == 1 ? [1, -1, .nan] : [bias] {
      var driver = PolicyDriver(policy(bias: bias), drawing: [try vector.member("seed")?.unsigned ?? 0])
      driver.list(weights: try vector("weights").weights)
      for step in try vector("script").items {
        let active = try step("active").loads
        driver.setInFlight(active)
        let expected = try step("expect").ints
        check.equal(driver.picks(expected.count), expected, "active \(active), bias \(bias)")
      }
    }
  }

  private func checkShares(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let active = try vector("active").loads
    var driver = PolicyDriver(policy(choices: try choices(of: vector), fullScan: isFullScan(vector)))
    driver.list(weights: try vector.member("weights")?.weights ?? Array(repeating: 1, count: active.count))
    driver.setInFlight(active)
    let picks = check.rounds(try vector("requests").count)
    let tolerance = try vector.member("tolerance_percent")?.double ?? 1
    for (count, expected) in zip(
      driver.counts(of: active.count, picks: picks), try vector("expected_percent").doubles)
    { check.near(Double(count) / Double(picks) * 100, expected, absolute: tolerance, "per cent") }
  }

  /// A full scan of equals: each of the least loaded is as likely as the others, and nobody else is chosen.
  private func checkTies(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let active = try vector("active").loads
    var driver = PolicyDriver(policy(fullScan: true))
    driver.list(weights: Array(repeating: 1, count: active.count))
    driver.setInFlight(active)
    let picks = check.rounds(try vector("picks").count)
    let least = active.min()
    let share = Double(picks) / Double(active.count { $0 == least })
    for (slot, count) in driver.counts(of: active.count, picks: picks).enumerated() {
      if active[slot] == least {
        check.near(Double(count), share, absolute: 0.015 * share, "picks of \(slot)")
      } else {
        check.equal(count, 0, "picks of \(slot)")
      }
    }
  }

  private func checkWeight(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let weight = ActiveRequestBias(try vector.member("bias")?.double ?? 1)
      .effectiveWeight(try vector("weight").double, active: max(0, try vector("active").int32))
    check.close(weight, try vector("expected_effective_weight").double, relative: 1e-13)
  }
}
