// The policies that give young endpoints less, at work: Envoy's own tests replayed with time and endpoints, and shares by the rule.

import LoadBalancing
import MeshCore
import Testing

private func context(_ window: Int64, aggression: Double = 1, minimum: Double = 10) -> BalancerContext {
  var context = BalancerContext()
  context.slowStart = SlowStartDescription(
    window: .seconds(window), aggression: aggression, minWeightPercent: minimum)
  return context
}

private func at(_ seconds: Int64) -> Timestamp { .zero + .seconds(seconds) }

@Suite struct SlowStartPoliciesTests {
  /// Lists endpoint 0 at time 0 and one more at 100 s; what follows goes by 100 s + `age`.
  private func young(
    _ policy: consuming any LoadBalancer & ~Copyable, age: Int64, built: [Int] = [0, 0]
  ) -> PolicyBench {
    var bench = PolicyBench(policy, random: scripted([0]))
    bench.list(weights: [1])
    bench.go(to: at(100))
    bench.list(weights: [1, 1])
    bench.go(to: at(100 + age))
    bench.setInFlight(built)
    // Any change has schedules made anew.
    bench.list(weights: [1, 1])
    return bench
  }

  // Goal: Envoy's round_robin_lb_test.cc (SlowStartNoWait, SlowStartNoWaitNonLinearAggression, SlowStartNoWaitMinWeightPercent35)
  // with a clock: the same picks.
  @Test(arguments: [
    (12, 1.0, 10.0, [0, 0, 0, 0, 1]), (20, 1, 10, [0, 0, 1]), (6, 2, 10, [0, 0, 0, 1]),
    (26, 2, 10, [0, 1, 0, 0, 1, 0, 1, 0]), (12, 1, 35, [0, 0, 1, 0, 0, 0, 1]), (30, 1, 35, [0, 1, 0, 0, 1, 0, 0]),
  ])
  func roundRobinAsEnvoy(_ age: Int64, _ aggression: Double, _ minimum: Double, _ picks: [Int]) {
    let policy = RoundRobin(
      parameters(RoundRobin.descriptor, []), context(60, aggression: aggression, minimum: minimum))
    var bench = young(policy, age: age)
    #expect(bench.picks(picks.count) == picks)
  }

  // Goal: Envoy's least_request_lb_test.cc (SlowStartNoWait): the schedule is made with nothing in flight, then one request is.
  @Test func leastRequestAsEnvoy() {
    let policy = LeastRequest(parameters(LeastRequest.descriptor, []), context(60))
    var bench = young(policy, age: 10)
    bench.setInFlight([1, 0])
    #expect(bench.picks(4) == [0, 0, 0, 1])
  }

  // Goal: while nobody is young turns are plain ones and two are compared; while somebody is, least request compares no more;
  // after the window it does so again as soon as endpoints change, and not before.
  @Test func theScheduleRulesWhileSomebodyIsYoung() {
    let policy = LeastRequest(parameters(LeastRequest.descriptor, []), context(10))
    var bench = PolicyBench(policy)
    bench.list(weights: [1, 1])
    bench.go(to: at(20))
    bench.list(weights: [1, 1])
    bench.setInFlight([9, 0])
    #expect(Set(bench.picks(50)) == [1])
    bench.list(weights: [1, 1, 1])
    bench.setInFlight([9, 0, 0])
    bench.go(to: at(40))
    #expect(Set(bench.picks(200)) == [0, 1, 2])
    bench.list(weights: [1, 1, 1])
    #expect(Set(bench.picks(200)) == [1, 2])
  }

  // Goal: through the window the newcomer's share of steady traffic is f / (n + f), f growing with its age, whatever the weights.
  @Test(arguments: [UInt32(1), 4]) func theShareGrows(_ weight: UInt32) {
    var bench = PolicyBench(RoundRobin(parameters(RoundRobin.descriptor, []), context(100)))
    let old = Array(repeating: weight, count: 4)
    bench.list(weights: old)
    bench.go(to: at(1000))
    bench.list(weights: old + [weight])
    for decade in 0..<10 as Range<Int64> {
      var count = 0.0
      for step in 0..<10_000 as Range<Int64> {
        bench.now = at(1000 + 10 * decade) + .milliseconds(step)
        count += bench.pick() == 4 ? 1 : 0
      }
      let factor = max(0.1, (Double(decade) + 0.5) / 10)
      #expect(abs(count / 10_000 - factor / (4 + factor)) < 0.003)
    }
    bench.go(to: at(1101))
    #expect(abs(bench.shares(of: 5, picks: 5000)[4] - 0.2) < 0.001)
  }

  // Goal: without a least weight a newcomer's first turn is a window's milliseconds of turns away, as in Envoy: the reason for
  // the default of 10 %.
  @Test func noLeastWeightStarves() {
    var bench = PolicyBench(RoundRobin(parameters(RoundRobin.descriptor, []), context(10, minimum: 0)))
    bench.list(weights: [1])
    bench.go(to: at(100))
    bench.list(weights: [1, 1])
    bench.go(to: at(109))
    #expect(Set(bench.picks(5000)) == [0])
  }

  // Goal: in Envoy's form of reported weights the newcomer gets its part of the median; in gRPC's the whole mean at once.
  @Test(arguments: [("envoy", 0.25), ("grpc", 1.0)]) func reportedWeights(_ form: String, _ factor: Double) {
    let given: [(name: String, value: ParameterValue)] = [("form", .word(form)), ("blackoutPeriod", .integer(0))]
    let policy = ClientSideWeightedRoundRobin(
      parameters(ClientSideWeightedRoundRobin.descriptor, given), context(40))
    var bench = PolicyBench(policy)
    bench.list(weights: [1, 1])
    bench.go(to: at(100))
    let report = LoadReport(applicationUtilization: 0.5, requestsPerSecond: 100)
    bench.report(report, slot: 0)
    bench.report(report, slot: 1)
    bench.list(weights: [1, 1, 1])
    bench.go(to: at(110))
    bench.list(weights: [1, 1, 1])
    #expect(abs(bench.shares(of: 3, picks: 9000)[2] - factor / (2 + factor)) < 0.002)
  }

  // Goal: policies say whether they heed slow start; those that do not choose as if there were none.
  @Test func othersIgnoreIt() {
    let heeding = PolicyRegistry.policies.filter { $0.slowStartForm != nil }.map(\.name)
    #expect(heeding == ["roundRobin", "leastRequest", "clientSideWeightedRoundRobin"])
    let smooth = parameters(RoundRobin.descriptor, [("schedule", .word("smooth"))])
    #expect(!RoundRobin.descriptor.honoursSlowStart(smooth))
    #expect(RoundRobin.descriptor.honoursSlowStart(parameters(RoundRobin.descriptor, [])))
    for descriptor in PolicyRegistry.policies where descriptor.slowStartForm == nil {
      var picks: [[Int]] = []
      for place in [BalancerContext(), context(60)] {
        var bench = PolicyBench(descriptor.make(parameters(descriptor, []), place))
        bench.list(weights: [1, 2, 3])
        bench.go(to: at(100))
        bench.list(weights: [1, 2, 3, 1])
        picks.append(bench.picks(200))
      }
      #expect(picks[0] == picks[1], "\(descriptor.name)")
    }
  }
}
