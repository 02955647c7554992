import Foundation
import MeshCore
import Testing

@testable import LoadBalancing

private func bench(
  _ given: [(name: String, value: ParameterValue)], count: Int, planes: Int = 1
) -> PolicyBench {
  PolicyBench(C3(parameters(C3.descriptor, given), BalancerContext(planeCount: planes)), count: count)
}

private func report(service: Int64, queue: Int32) -> LoadReport {
  LoadReport(requestsInFlight: queue, serviceTime: .milliseconds(service))
}

@Suite struct C3Tests {
  // Goal: through random requests without rate control the policy chooses an endpoint with the least score of the paper's
  // formula, computed anew from the whole history.
  @Test(arguments: 1...10) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let n = 2 + random.below(4)
    let clients = 1 + random.below(20)
    let smoothing = 0.1 + 0.8 * random.unit()
    var bench = bench(
      [("clients", .integer(Int64(clients))), ("smoothing", .number(smoothing)), ("rateControl", .flag(false))],
      count: n)
    var history = [[(response: Double, service: Double, queue: Double)]](repeating: [], count: n)
    var inFlight = [Int](repeating: 0, count: n)
    var busy: [Int32] = []
    func score(_ slot: Int) -> Double {
      guard let first = history[slot].first else { return 0 }
      var (response, service, queue) = first
      for value in history[slot].dropFirst() {
        response = smoothing * value.response + (1 - smoothing) * response
        service = smoothing * value.service + (1 - smoothing) * service
        queue = smoothing * value.queue + (1 - smoothing) * queue
      }
      return response - service + pow(1 + Double(inFlight[slot] * clients) + queue, 3) * service
    }
    for _ in 0..<400 {
      if !busy.isEmpty && random.below(2) == 0 {
        let slot = busy.remove(at: random.below(busy.count))
        let latency = Int64(1 + random.below(50))
        let service = Int64(random.below(Int(latency)))
        let queue = Int32(random.below(5))
        bench.report(report(service: service, queue: queue), slot: slot)
        bench.end(slot, latency: .milliseconds(latency))
        inFlight[Int(slot)] -= 1
        history[Int(slot)].append((Double(latency) * 1e6, Double(service) * 1e6, Double(queue)))
      } else {
        let scores = (0..<n).map(score)
        let slot = bench.pick()
        let least = scores.min() ?? 0
        try #require(scores[Int(slot)] <= least + 1e-9 * abs(least) + 1e-3)
        bench.begin(slot)
        inFlight[Int(slot)] += 1
        busy.append(slot)
      }
    }
  }

  // Goal: with `clients` 0 the number of data planes counts.
  @Test func countsDataPlanes() {
    var bench = bench([], count: 1, planes: 7)
    bench.report(report(service: 2, queue: 3), slot: 0)
    bench.end(0, latency: .milliseconds(5))
    bench.setInFlight([2])
    let score = bench.policy.rank(bench.endpoints.view, slot: 0, at: bench.now)
    #expect(score == 3e6 + 18 * 18 * 18 * 2e6)
  }

  // Goal: a fast endpoint gets no more than its rate; the rest goes elsewhere, and when nobody has a token left, to the best.
  @Test func ratesLimitTheChoice() {
    var bench = bench([("initialRate", .number(5))], count: 2)
    for slot in 0..<2 as Range<Int32> {
      bench.report(report(service: slot == 0 ? 1 : 100, queue: 0), slot: slot)
      bench.setInFlight([1, 1])
      bench.end(slot, latency: .milliseconds(slot == 0 ? 1 : 100))
    }
    bench.setInFlight([0, 0])
    var chosen: [Int32] = []
    for _ in 0..<13 {
      chosen.append(bench.pick())
      bench.begin(chosen[chosen.count - 1])
      bench.setInFlight([0, 0])
    }
    #expect(chosen == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
    // 4 ms bring one token of 5 in 20 ms.
    bench.now = bench.now + .milliseconds(4)
    #expect(bench.pick() == 0)
    bench.begin(0)
    bench.setInFlight([0, 0])
    #expect(bench.pick() == 1)
  }

  // Goal: the rate is cut to a fifth when answers come more slowly, and climbs back along the cubic, which passes the rate
  // before the cut at ∛(β · R0 / γ) ms.
  @Test func ratesFollowTheCubic() {
    let rules = CubicRate.Rules(
      interval: 20e6, initial: 100, maximumTokens: 50, decrease: 0.2, growth: 4e-6, maximumStep: 1e6, hysteresis: 2)
    var rate = CubicRate(rules, at: .zero)
    // One answer in 60 ms: the rate of 100 is too high.
    rate.answered(rules, at: .zero + .milliseconds(60))
    #expect(rate.rate == 20)
    // A thousand answers an interval from now on; each interval is closed by the first answer after it.
    for _ in 0..<1000 { rate.answered(rules, at: .zero + .milliseconds(61)) }
    for interval in 1...20 as ClosedRange<Int64> {
      let now = Timestamp.zero + .milliseconds(60 + 20 * interval)
      for _ in 0..<1000 { rate.answered(rules, at: now) }
      let elapsed = Double(20 * interval)
      let expected = 4e-6 * pow(elapsed - cbrt(0.2 * 100 / 4e-6), 3) + 100
      #expect(abs(rate.rate - expected) < 1e-6 * expected)
    }
  }
}
