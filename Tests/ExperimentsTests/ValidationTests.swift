import Foundation
import MeshCore
import Simulation
import Statistics
import Testing

@testable import Experiments

@Suite struct ValidationTests {
  /// Goal: tolerances are what the contract says where a file says nothing, and what the file says else.
  @Test func tolerances() {
    #expect(Tolerance.standard(.summary(.latencyP50)) == Tolerance(relative: 0.05))
    #expect(Tolerance.standard(.summary(.latencyP99)) == Tolerance(relative: 0.1, absolute: 1e6))
    #expect(Tolerance.standard(.summary(.successRate)) == Tolerance(absolute: 0.005))
    #expect(Tolerance.standard(.share(endpoint: "web-0")) == Tolerance(absolute: 0.02))
    #expect(Tolerance.stated(0.2, for: .summary(.latencyP99)) == Tolerance(relative: 0.2, absolute: 1e6))
    #expect(Tolerance.stated(0.01, for: .summary(.successRate)) == Tolerance(absolute: 0.01))
    #expect(Tolerance(relative: 0.1, absolute: 1).admits(12, simulated: 10))
    #expect(!Tolerance(relative: 0.1, absolute: 1).admits(12.1, simulated: 10))
  }

  /// Goal: a duration is a tolerance of a time in place of a share, and latencies behind somebody else's proxy get 15 %, rates nothing more.
  @Test func otherTolerances() {
    let time = Tolerance.stated(0, span: .milliseconds(100), for: .detectionTime)
    #expect(time == Tolerance(absolute: 100e6) && time.foreign == time)
    #expect(Tolerance.standard(.summary(.latencyP99)).foreign == Tolerance(relative: 0.15, absolute: 1e6))
    #expect(Tolerance(relative: 0.2).foreign.relative == 0.2)
    #expect(Tolerance.standard(.summary(.successRate)).foreign == Tolerance(absolute: 0.005))
  }

  /// Goal: a scenario's file says tolerances of all kinds, and a duration for what is no time is refused where it stands.
  @Test func written() throws {
    let text = """
      scenario: s
      world: {services: {web: {replicas: 2, time: 5ms}}, clients: {users: {target: web, arrivals: {poisson: 10/s}}}}
      validate: {tolerance: {latency.p99: 12%, detectionTime: 250ms, traffic.web: 3%}}
      """
    let scenario = try ScenarioFile(text).scenario()
    let rows = scenario.validated(scenario.variants[0])
    #expect(rows.first { $0.metric == .summary(.latencyP99) }?.tolerance == Tolerance(relative: 0.12, absolute: 1e6))
    #expect(rows.first { $0.metric == .detectionTime }?.tolerance == Tolerance(absolute: 250e6))
    #expect(rows.first { $0.metric == .traffic(cluster: "web") }?.tolerance == Tolerance(absolute: 0.03))
    let faults = try ScenarioFile(
      text.replacingOccurrences(of: "traffic.web: 3%", with: "share.web-0: 5ms, traffic.wib: 1%")
    ).faults()
    #expect(faults.contains { $0.contains("share.web-0") && $0.contains("a duration for what is none") }, "\(faults)")
    #expect(faults.contains { $0.contains("did you mean 'web'?") }, "\(faults)")
  }

  /// Goal: a row is judged by its tolerance, fails where one world has no figure, and is void without a run that counts.
  @Test func verdicts() throws {
    let lab = try #require(Estimate(of: [10e6, 10e6], confidence: 0.95))
    func verdict(_ measured: Double?, runs: Int = 1, lab: Estimate?) -> ValidationVerdict {
      ValidationRow(
        variant: "base", metric: .summary(.latencyP50), simulated: lab, measured: measured,
        tolerance: Tolerance(relative: 0.05), runs: runs
      ).verdict
    }
    #expect(verdict(10.4e6, lab: lab) == .holds && verdict(9.4e6, lab: lab) == .fails)
    #expect(verdict(nil, lab: lab) == .fails && verdict(10e6, lab: nil) == .fails)
    #expect(verdict(10e6, runs: 0, lab: lab) == .void)
  }
}
