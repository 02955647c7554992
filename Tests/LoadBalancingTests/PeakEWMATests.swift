import Foundation
@testable import LoadBalancing
import MeshCore
import TestVectors
import Testing

/// A peak EWMA policy by itself, at a time given in milliseconds.
private struct Probe: ~Copyable {
  var policy: PeakEWMA
  var endpoints = EndpointSet()
  var random = RandomStream(state: 5)

  init(_ given: [(name: String, value: ParameterValue)], count: Int) {
    policy = PeakEWMA(parameters(PeakEWMA.descriptor, given))
    endpoints.list((0..<count).map { EndpointDescription(identity: EndpointIdentity(Int32($0))) }, at: .zero)
    policy.endpointsChanged(endpoints.view, &random, at: .zero)
  }

  func instant(_ milliseconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(milliseconds * 1e6)) }

  /// The cost in milliseconds.
  mutating func cost(_ slot: Int32 = 0, at time: Double) -> Double {
    policy.cost(endpoints.view, slot: slot, at: instant(time)) / 1e6
  }

  mutating func start(_ slot: Int32 = 0, at time: Double) {
    endpoints.states[slot].inFlight += 1
    policy.began(endpoints.view, slot: slot, at: instant(time))
  }

  mutating func finish(_ slot: Int32 = 0, latency: Double, at time: Double) {
    endpoints.states[slot].inFlight -= 1
    let outcome = AttemptOutcome(
      latency: TimeSpan(nanoseconds: Int64(latency * 1e6)), status: 200, ending: .answered)
    policy.ended(endpoints.view, slot: slot, outcome, at: instant(time))
  }

  mutating func pick(at time: Double) -> Int32 {
    policy.pick(endpoints.view, PickContext(), &random, at: instant(time))
  }
}

private func isClose(_ value: Double, _ expected: Double) -> Bool { abs(value - expected) <= 1e-13 * expected }

@Suite struct PeakEWMATests {
  // Goal: tower's own tests to the last digits; reads mutate, peaks replace, a finished request counts.
  @Test func matchesTowersVectors() throws {
    let cases = try VectorValue.fixture("peak_ewma_tower", in: .module)("cases").items
    #expect(cases.count == 2)
    for vector in cases {
      var probe = Probe(
        [
          ("defaultRtt", .integer(Int64(try vector("default_rtt").int) * 1_000_000)),
          ("decay", .integer(Int64(try vector("tau").int) * 1_000_000)),
        ], count: 1)
      for read in try vector.member("reads")?.items ?? [] {
        #expect(isClose(probe.cost(at: try read.items[0].double), try read.items[1].double), "\(read)")
      }
      for step in try vector.member("steps")?.items ?? [] {
        let operation = try step.items[0].string
        let time = try step.items[1].double
        if operation.hasPrefix("start") {
          probe.start(at: time)
        } else if operation.hasPrefix("finish") {
          probe.finish(latency: 200, at: time)
        } else {
          #expect(operation == "load")
        }
        #expect(isClose(probe.cost(at: time), try step.items[2].double), "\(step)")
      }
    }
  }

  // Goal: Finagle's form row for row: nothing known costs nothing while idle and the penalty while probed.
  @Test func matchesFinaglesRows() throws {
    let fixture = try VectorValue.fixture("peak_ewma_finagle", in: .module)
    let decay = Int64(try fixture("decayTime").int) * 1_000_000
    var probe = Probe([("form", .word("finagle")), ("decay", .integer(decay))], count: 1)
    let rows = try fixture("derived_rows").items
    #expect(rows.count == 10)
    for row in rows {
      let operation = try row.items[0].string
      let time = try row.items[1].double
      let expected = try row.items[2].double
      switch operation {
      case "start", "2 pending":
        while probe.endpoints.states[Int32(0)].inFlight < (operation == "start" ? 1 : 2) { probe.start(at: time) }
      case _ where operation.hasPrefix("end"):
        let latency = try #require(operation.split(separator: "=").last?.prefix { $0.isNumber })
        probe.finish(latency: try #require(Double(latency)), at: time)
      default:
        #expect(operation == "get")
      }
      let cost = probe.cost(at: time)
      // The penalty is 2^47 − 1 in the policy's own unit; the row adds the requests in flight to it.
      if expected > 1e12 {
        #expect(cost * 1e6 == expected)
      } else {
        #expect(isClose(cost, expected), "\(row)")
      }
    }
  }

  // Goal: Finagle's behaviour test: equal endpoints get equal shares.
  @Test func sharesAreEvenAcrossEqualEndpoints() throws {
    let test = try VectorValue.fixture("peak_ewma_finagle", in: .module)("upstream_tests").items[0]
    let n = try test("N").int
    let requests = try test("R").int
    let shares = shares(latencies: Array(repeating: 5, count: n), requests: requests, decay: 150)
    // Each request occupies one endpoint at a time here; upstream's tolerance is on the mean load.
    for share in shares { #expect(abs(share - 1 / Double(n)) < 5 * (1 / Double(n * requests)).squareRoot() * 1.5) }
  }

  // Goal: Finagle's behaviour test: an endpoint without history that never answers is asked once.
  @Test func unknownSlowEndpointIsProbedOnce() throws {
    let test = try VectorValue.fixture("peak_ewma_finagle", in: .module)("upstream_tests").items[1]
    let n = try test("N").int
    let requests = try test("R").int
    var latencies = [Int](repeating: 1, count: n)
    latencies[0] = 2 * requests
    let shares = shares(latencies: latencies, requests: requests, decay: 10_000_000_000)
    #expect(shares[0] * Double(requests) == Double(try test("expect_slow_requests").int))
  }

  // Goal: Finagle's behaviour test: an endpoint half as fast holds about as many requests in flight as any two others share:
  // its share of requests is below theirs.
  @Test func slowerEndpointGetsLess() throws {
    let test = try VectorValue.fixture("peak_ewma_finagle", in: .module)("upstream_tests").items[2]
    let n = try test("N").int
    var latencies = [Int](repeating: try test("latency").int, count: n + 1)
    latencies[n] = try test("extra_node_latency").int
    let shares = shares(latencies: latencies, requests: 100_000, decay: 150)
    #expect(shares[n] < shares[0..<n].reduce(0, +) / Double(n))
    #expect(shares[n] > 0)
  }

  /// Shares of requests when one comes each nanosecond and endpoint i answers after `latencies[i]` ns, Finagle's form.
  private func shares(latencies: [Int], requests: Int, decay: Int64) -> [Double] {
    let given: [(name: String, value: ParameterValue)] = [("form", .word("finagle")), ("decay", .integer(decay))]
    var bench = PolicyBench(PeakEWMA(parameters(PeakEWMA.descriptor, given)), count: latencies.count)
    var counts = [Double](repeating: 0, count: latencies.count)
    var ends: [Int: [Int32]] = [:]
    for time in 0..<requests {
      bench.now = Timestamp(nanoseconds: Int64(time))
      for slot in ends.removeValue(forKey: time) ?? [] {
        bench.end(slot, latency: TimeSpan(nanoseconds: Int64(latencies[Int(slot)])))
      }
      let slot = bench.pick()
      bench.begin(slot)
      counts[Int(slot)] += 1
      ends[time + latencies[Int(slot)], default: []].append(slot)
    }
    return counts.map { $0 / Double(requests) }
  }

  // Goal: through random requests the policy chooses what a reference with the C library's exponential chooses.
  @Test(arguments: ["tower", "finagle"], 1...10) func equalsTheReference(_ form: String, _ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let n = 2 + random.below(6)
    let decay = 1e6 * Double(1 + random.below(1000))
    var probe = Probe([("form", .word(form)), ("decay", .integer(Int64(decay)))], count: n)
    var estimates = [Double](repeating: form == "tower" ? 30e6 : 0, count: n)
    var stamps = [Double](repeating: 0, count: n)
    var inFlight = [Double](repeating: 0, count: n)
    var busy: [Int32] = []
    var time = 0.0

    func observe(_ slot: Int, _ value: Double) {
      if value > estimates[slot] {
        estimates[slot] = value
      } else {
        let kept = exp(-(time - stamps[slot]) / decay)
        estimates[slot] = estimates[slot] * kept + value * (1 - kept)
      }
      stamps[slot] = time
    }
    func cost(_ slot: Int) -> Double {
      observe(slot, 0)
      if form == "finagle" && estimates[slot] == 0 && inFlight[slot] > 0 {
        return Double(Int64.max >> 16) + inFlight[slot]
      }
      return estimates[slot] * (inFlight[slot] + 1)
    }

    for _ in 0..<2000 {
      time += Double(random.below(20_000_000))
      if !busy.isEmpty && random.below(2) == 0 {
        let slot = busy.remove(at: random.below(busy.count))
        let latency = Double(random.below(50_000_000))
        inFlight[Int(slot)] -= 1
        probe.finish(slot, latency: latency / 1e6, at: time / 1e6)
        observe(Int(slot), Double(Int64(latency / 1e6 * 1e6)))
      } else {
        var draws = probe.random
        let first = draws.below(n)
        let second = draws.below(n - 1)
        let other = second >= first ? second + 1 : second
        let (a, b) = (cost(first), cost(other))
        let picked = probe.pick(at: time / 1e6)
        // The two exponentials differ in the last bit: only a clear difference must be decided alike.
        if abs(a - b) > 1e-9 * max(a, b) { try #require(Int(picked) == (a <= b ? first : other)) }
        if a == b { try #require(Int(picked) == first) }
        probe.start(picked, at: time / 1e6)
        inFlight[Int(picked)] += 1
        busy.append(picked)
      }
    }
  }

  // Goal: an endpoint that comes into a used slot starts from the default, one that stays keeps its estimate.
  @Test func startsAfreshWithANewEndpoint() {
    var probe = Probe([], count: 2)
    probe.start(0, at: 0)
    probe.finish(0, latency: 500, at: 500)
    probe.start(1, at: 0)
    probe.finish(1, latency: 400, at: 500)
    let arrivals = [7, 1].map { EndpointDescription(identity: EndpointIdentity($0)) }
    probe.endpoints.list(arrivals, at: probe.instant(500))
    probe.policy.endpointsChanged(probe.endpoints.view, &probe.random, at: probe.instant(500))
    #expect(probe.endpoints.states[Int32(0)].identity.number == 7)
    #expect(probe.cost(0, at: 500) == 30)
    #expect(probe.cost(1, at: 500) == 400)
  }
}
