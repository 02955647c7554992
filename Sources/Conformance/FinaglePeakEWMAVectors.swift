// Finagle's peak EWMA: PeakEwma.scala, and the behaviour that P2CPeakEwmaTest.scala asks for.

import LoadBalancing
import MeshCore
import TestVectors

struct FinaglePeakEWMAVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "peak_ewma_finagle" || file.has("decayTime", "derived_rows", "penalty")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.run("derived_rows") { try runRows(file, &$0) }
    report.runEach(file.list("upstream_tests"), of: "upstream_tests") { try runTest($0, &$1) }
  }

  private func runRows(_ file: VectorFile, _ check: inout VectorCheck) throws {
    var driver = PeakEWMADriver(form: "finagle", decay: try file.content("decayTime").time)
    for row in try file.content("derived_rows").items {
      guard try row.items.count == 3 else { throw VectorError(description: "a row of another length") }
      let operation = try row.items[0].string
      let time = try row.items[1].time
      if operation == "start" {
        driver.start(at: time)
      } else if operation.hasSuffix("pending") {
        guard let wanted = Int32(operation.prefix { $0.isNumber }), (0...1000).contains(wanted) else {
          throw VectorError(description: "no number in \(operation)")
        }
        while driver.inFlight < wanted { driver.start(at: time) }
      } else if operation.hasPrefix("end") {
        guard driver.inFlight > 0 else { throw VectorError(description: "an end without a start") }
        driver.finish(latency: try TowerPeakEWMAVectors.number(after: "rtt=", in: operation), at: time)
      } else if operation != "get" {
        throw VectorError(description: "no operation \(operation)")
      }
      let expected = try row.items[2].double
      let cost = driver.cost(at: time)
      // The penalty is 2^47 − 1 in the policy's own unit; the row adds the requests in flight to it.
      if expected > 1e12 {
        check.equal(cost * 1e6, expected, operation)
      } else {
        check.close(cost, expected, relative: 1e-11, operation)
      }
    }
  }

  private func runTest(_ test: VectorValue, _ check: inout VectorCheck) throws {
    let n = try test("N").count
    let requests = check.rounds(try test.member("R")?.count ?? 100_000)
    guard (1...10_000).contains(n) else { throw VectorError(description: "\(n) nodes") }
    if let slow = test.member("expect_slow_requests") {
      var latencies = [Int](repeating: try test.member("fast_latency")?.count ?? 1, count: n)
      // Slower than the test lasts.
      latencies[0] = 2 * requests
      let counts = Self.counts(latencies: latencies, requests: requests, decay: 10_000_000_000)
      check.equal(counts[0], try slow.int, "requests of the slow node")
    } else if let extra = test.member("extra_node_latency") {
      let latencies = Array(repeating: try test("latency").count, count: n) + [try extra.count]
      let counts = Self.counts(latencies: latencies, requests: requests, decay: 150)
      let fast = Double(counts[0..<n].reduce(0, +)) / Double(n)
      check.holds(
        counts[n] > 0 && Double(counts[n]) < fast, "more than none and fewer than the others' \(fast)", "\(counts[n])")
    } else if test.member("tolerance") != nil {
      let decay = try test.member("decayTime_ns")?.count ?? 150
      let counts = Self.counts(
        latencies: Array(repeating: try test("latency").count, count: n), requests: requests, decay: Int64(decay))
      // Upstream's tolerance is on the mean load; on counts of random pairs it is five standard deviations and more.
      let mean = Double(requests) / Double(n)
      for count in counts { check.near(Double(count), mean, absolute: 7.5 * mean.squareRoot(), "requests of a node") }
    } else {
      throw VectorError(description: "no expectation")
    }
  }

  /// Requests of each node when one comes each nanosecond and node i answers after `latencies[i]` ns.
  private static func counts(latencies: [Int], requests: Int, decay: Int64) -> [Int] {
    let parameters = PolicyDriver.parameters(
      PeakEWMA.descriptor, [("form", .word("finagle")), ("decay", .integer(decay))])
    var driver = PolicyDriver(PeakEWMA(parameters))
    driver.list(weights: Array(repeating: 1, count: latencies.count))
    var counts = [Int](repeating: 0, count: latencies.count)
    var ends: [Int: [Int]] = [:]
    for time in 0..<requests {
      driver.now = Timestamp(nanoseconds: Int64(time))
      for slot in ends.removeValue(forKey: time) ?? [] {
        driver.end(slot, latency: TimeSpan(nanoseconds: Int64(latencies[slot])))
      }
      let slot = driver.pick()
      driver.begin(slot)
      counts[slot] += 1
      ends[time + max(1, latencies[slot]), default: []].append(slot)
    }
    return counts
  }
}
