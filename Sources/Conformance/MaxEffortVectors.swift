// Finagle's panic: P2CPanicModeTest.scala and the exact probability that a balancer gives up on finding an open
// endpoint.

import LoadBalancing
import MeshCore
import TestVectors

struct MaxEffortVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.has("default_maxEffort", "unhealthy_pct") || file.name == "panic_mode" }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.run("default_maxEffort") { check in
      check.equal(Int(MaxEffort().maximum), try file.content("default_maxEffort").int)
    }
    // The same tests state the probabilities as Finagle's tests have them and exactly; both hold to within the
    // tolerance.
    for key in ["upstream_expected", "exact"] {
      let efforts = (try? file.content(key).members) ?? []
      for (effort, expected) in efforts {
        report.run("\(key) \(effort)") { check in
          // Finagle counts, to a tolerance; the exact values have six digits.
          let tolerance = key == "exact" ? 1e-6 : try file.content("tolerance_abs").double
          try run(file.content, effort, expected, tolerance, &check)
        }
      }
    }
    for item in file.list("other_P2C_tests") {
      let name = (try? item("name").string) ?? "other_P2C_tests"
      report.run(name) { try runChoice(name, item, &$0) }
    }
  }

  /// What P2CTest asserts of the choice of two itself.
  private func runChoice(_ name: String, _ item: VectorValue, _ check: inout VectorCheck) throws {
    if name.hasPrefix("balances evenly") {
      let count = try item("N").count
      let requests = try item("R").count
      guard (2...1000).contains(count), requests <= 1_000_000 else { throw VectorError(description: "too many") }
      var driver = driver(effort: 4, count: count, down: 0)
      for _ in 0..<requests { driver.begin(driver.pick()) }
      for slot in 0..<count {
        check.near(
          Double(driver.endpoints.states[slot].inFlight), Double(requests) / Double(count),
          absolute: 0.0001 * Double(requests), "requests of \(slot)")
      }
    } else if name.hasPrefix("all down still serves") {
      var driver = driver(effort: 4, count: 100, down: 100)
      check.equal(driver.picks(1000).contains(-1), false, "requests without an endpoint")
    } else if name.hasPrefix("half down maxEffort 5") {
      var driver = driver(effort: 5, count: 100, down: 50)
      let dead = driver.counts(of: 100, picks: 100_000)[0..<50].reduce(0, +)
      check.equal(dead <= 100, true, "at most a thousandth to the dead: \(dead)")
    } else if name.hasPrefix("revived node") {
      try runRevival(item, &check)
    } else {
      throw VectorSkip("a text that does not say what happened before")
    }
  }

  /// As in P2CTest, nothing ends: after R requests a node goes down for R more, so that the others have twice its load. Then it wins
  /// whenever it is one of the two.
  private func runRevival(_ item: VectorValue, _ check: inout VectorCheck) throws {
    guard try item("value").string == "2*R/N", try item("tol").string == "6*eps" else {
      throw VectorSkip("another number of requests than is known")
    }
    let (count, requests, rounds) = (100, check.rounds(100_000), 20)
    var revived = 0.0
    for round in 0..<rounds {
      var driver = driver(effort: 4, count: count, down: 0)
      driver.random = RandomStream(state: UInt64(round))
      for phase in 0..<3 {
        driver.admit(phase != 1, slot: 0)
        let before = driver.endpoints.states[0].inFlight
        for _ in 0..<requests { driver.begin(driver.pick()) }
        if phase == 2 { revived += Double(driver.endpoints.states[0].inFlight - before) / Double(rounds) }
      }
    }
    // eps is 0.0001 · R.
    check.near(revived, 2 * Double(requests) / Double(count), absolute: 6 * 0.0001 * Double(requests), "requests")
  }

  private func driver(effort: Int64, count: Int, down: Int) -> PolicyDriver {
    let parameters = PolicyDriver.parameters(LeastRequest.descriptor, [("maxEffort", .integer(effort))])
    var driver = PolicyDriver(LeastRequest.descriptor.make(parameters, BalancerContext()))
    driver.list(weights: Array(repeating: 1, count: count))
    for slot in 0..<down { driver.admit(false, slot: slot) }
    return driver
  }

  private func run(
    _ file: VectorValue, _ effort: String, _ expected: VectorValue, _ tolerance: Double, _ check: inout VectorCheck
  ) throws {
    let count = try file("N").count
    guard (2...1000).contains(count), let effort = Int32(effort), (1...20).contains(effort) else {
      throw VectorError(description: "no such numbers of endpoints and picks")
    }
    for (percent, expected) in zip(try file("unhealthy_pct").ints, try expected.doubles) {
      guard (0...100).contains(percent) else { throw VectorError(description: "\(percent) is no percentage") }
      let share = panics(count: count, down: count * percent / 100, effort: effort)
      check.near(share, expected, absolute: tolerance, "\(percent) % down")
    }
  }

  /// The probability that a request panics with `down` of `count` endpoints shut: that of as many vain picks as there
  /// may be, a pick being one of two different endpoints, all pairs alike.
  private func panics(count: Int, down: Int, effort: Int32) -> Double {
    var vain = 0.0
    for (first, endpoints) in [(EndpointStatus.open, count - down), (.busy, down)] {
      for (second, others) in [(EndpointStatus.open, count - down), (.busy, down)] {
        let choice = AperturePair(first: 0, second: 1).choose(
          firstStatus: first, firstLoad: 0, secondStatus: second, secondLoad: 0)
        if (choice == 0 ? first : second) != .open {
          vain += Double(endpoints) * Double(first == second ? others - 1 : others)
        }
      }
    }
    var picks = MaxEffort(maximum: effort)
    var share = 1.0
    repeat { share *= vain / (Double(count) * Double(count - 1)) } while picks.judge(isOpen: false) != .panic
    return share
  }
}
