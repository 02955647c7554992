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
