import LoadBalancing
import MeshCore
import Testing

/// A bench with endpoints 0 ..< count at work under the policy with these parameters.
private func bench(_ given: [(name: String, value: ParameterValue)], count: Int) -> PolicyBench {
  PolicyBench(
    ClientSideWeightedRoundRobin(parameters(ClientSideWeightedRoundRobin.descriptor, given)), count: count)
}

private func report(rate: Double, utilization: Double, errors: Double = 0) -> LoadReport {
  LoadReport(applicationUtilization: utilization, requestsPerSecond: rate, errorsPerSecond: errors)
}

@Suite struct ClientSideWeightedRoundRobinTests {
  // Goal: shares are equal during the blackout, follow requests per utilization after it, and are equal again when no report has
  // come for the expiration period; the change comes when the policy wakes, not before.
  @Test(arguments: ["grpc", "envoy"]) func followsReports(_ form: String) {
    var bench = bench([("form", .word(form)), ("weightExpirationPeriod", .integer(30_000_000_000))], count: 2)
    for second in 0...9 as ClosedRange<Int64> {
      bench.go(to: .zero + .seconds(second))
      bench.report(report(rate: 100, utilization: 0.2), slot: 0)
      bench.report(report(rate: 100, utilization: 0.8), slot: 1)
      #expect(bench.shares(of: 2, picks: 1000)[0] == 0.5)
    }
    bench.go(to: Timestamp(nanoseconds: 9_999_999_999))
    #expect(bench.shares(of: 2, picks: 1000)[0] == 0.5)
    bench.go(to: .zero + .seconds(10))
    #expect(abs(bench.shares(of: 2, picks: 1000)[0] - 0.8) < 0.002)
    bench.go(to: .zero + .seconds(38))
    #expect(abs(bench.shares(of: 2, picks: 1000)[0] - 0.8) < 0.002)
    bench.go(to: .zero + .seconds(42))
    #expect(bench.shares(of: 2, picks: 1000)[0] == 0.5)
    // Reports come again: the blackout starts again.
    bench.report(report(rate: 100, utilization: 0.2), slot: 0)
    bench.report(report(rate: 100, utilization: 0.8), slot: 1)
    bench.go(to: .zero + .seconds(51))
    #expect(bench.shares(of: 2, picks: 1000)[0] == 0.5)
    bench.go(to: .zero + .seconds(53))
    #expect(abs(bench.shares(of: 2, picks: 1000)[0] - 0.8) < 0.002)
  }

  // Goal: errors count as utilization, so an endpoint that fails half of its requests is not attractive.
  @Test func errorsCountAsUtilization() {
    var bench = bench([("blackoutPeriod", .integer(0)), ("errorUtilizationPenalty", .number(1))], count: 2)
    bench.report(report(rate: 100, utilization: 0.5), slot: 0)
    bench.report(report(rate: 100, utilization: 0.5, errors: 50), slot: 1)
    bench.go(to: .zero + .seconds(1))
    #expect(abs(bench.shares(of: 2, picks: 3000)[0] - 2.0 / 3) < 0.002)
  }

  // Goal: an endpoint that does not report gets the mean (gRPC) or the median (Envoy) of the others.
  @Test(arguments: [("grpc", 40.0), ("envoy", 20.0)]) func missingWeights(_ form: String, _ standIn: Double) {
    var bench = bench([("form", .word(form)), ("blackoutPeriod", .integer(0))], count: 4)
    for (slot, weight) in [10.0, 20, 90].enumerated() {
      bench.report(report(rate: weight, utilization: 1), slot: Int32(slot))
    }
    bench.go(to: .zero + .seconds(1))
    let share = bench.shares(of: 4, picks: 100_000)[3]
    #expect(abs(share - standIn / (120 + standIn)) < 0.002)
  }

  // Goal: the policy asks for one wake a period, whatever else happens, and gRPC's period is at least 100 ms.
  @Test func wakesOnceAPeriod() {
    var bench = bench([("weightUpdatePeriod", .integer(100_000_000))], count: 3)
    #expect(bench.wakeTime == .zero + .milliseconds(100))
    bench.now = .zero + .milliseconds(60)
    bench.admit(false, slot: 1)
    bench.report(report(rate: 1, utilization: 1), slot: 0)
    #expect(bench.wakeTime == .zero + .milliseconds(100))
    bench.go(to: .zero + .milliseconds(250))
    #expect(bench.wakeTime == .zero + .milliseconds(300))
  }

  // Goal: who takes over a slot starts without the reports of the one before.
  @Test func startsAfreshWithANewEndpoint() {
    var bench = bench([("blackoutPeriod", .integer(0))], count: 3)
    for slot in 0..<3 as Range<Int32> { bench.report(report(rate: Double(slot + 1), utilization: 1), slot: slot) }
    bench.list([7, 1, 2].map { EndpointDescription(identity: EndpointIdentity($0)) })
    // (2 + 3) / 2 stands in for the new one.
    #expect(abs(bench.shares(of: 3, picks: 30_000)[0] - 2.5 / 7.5) < 0.002)
  }
}
