import Experiments
import Foundation
import MeshCore
import Simulation
import SyntheticResults
import Testing

/// Goal: `replications: auto` goes on until the figures asked for are known, and no further. Method: made-up results whose spread is known.
@Suite struct PrecisionTests {
  private func scenario(relative: Double, most: Int = 200) -> Scenario {
    var scenario = syntheticScenario(replications: PrecisionGoal.first)
    scenario.precision = PrecisionGoal(
      targets: [.init(metric: .summary(.latencyP99), relative: relative)], most: most)
    return scenario
  }

  /// 9 and 11 by turns: a spread of a tenth, whatever the number of replications.
  private let runner = ExperimentRunner(jobs: 2) { replication, _ in
    syntheticResult(replication: replication.number, p99: replication.number % 2 == 0 ? 9 : 11)
  }

  @Test func goesOnUntilItIsMet() throws {
    let result = try runner.run(scenario(relative: 0.05))
    // Half width t · 0.1/√n of the mean: 0.05/1.05 is first kept with about 20.
    #expect((18...24).contains(result.scenario.replications), "\(result.scenario.replications)")
    for variant in result.variants {
      #expect(variant.replications.map(\.replication) == Array(0..<result.scenario.replications))
    }
    #expect(result.scenario.notes.isEmpty)
    #expect(try runner.run(scenario(relative: 0.5)).scenario.replications == PrecisionGoal.first)
  }

  @Test func saysWhereItGaveUp() throws {
    let result = try runner.run(scenario(relative: 0.001, most: 40))
    #expect(result.scenario.replications == 40)
    #expect(result.scenario.notes.count == 2)
    #expect(
      result.scenario.notes[0].hasPrefix(
        "precision: latency.p99 of roundRobin is known to ±3.2 % after 40 replications"),
      "\(result.scenario.notes)")
  }

  /// The file's words arrive, and those that do not go together are refused.
  @Test func reading() throws {
    func text(_ run: String) -> String {
      """
      scenario: s
      run: {duration: 10s, \(run)}
      world:
        services: {web: {time: 1ms}}
        clients: {users: {arrivals: {poisson: 10/s}}}
      """
    }
    let plain = try ScenarioFile(text("replications: auto")).scenario()
    #expect(plain.precision?.targets.map(\.metric.name) == ["latency.mean", "latency.p99"])
    #expect(plain.precision?.targets.map(\.relative) == [0.02, 0.02])
    #expect(plain.precision?.most == 200 && plain.replications == 10)
    let full = try ScenarioFile(
      text("replications: auto, precision: {successRate: 0.1%, latency.p50: 3%}, maxReplications: 8, warmUp: auto")
    ).scenario()
    #expect(full.precision?.targets.map(\.relative) == [0.001, 0.03])
    #expect(full.replications == 8 && full.findsWarmUp)
    #expect(try ScenarioFile(text("replications: auto")).scenario(["run.replications=3"]).precision == nil)
    #expect(try ScenarioFile(text("replications: 3, precision: 2%")).faults().count == 1)
    #expect(try ScenarioFile(text("replications: auto, precision: 0%")).faults().count == 1)
    #expect(try ScenarioFile(text("replications: auto, precision: {latency.p98: 1%}")).faults().count == 1)
    #expect(try ScenarioFile(text("replications: many")).faults().count == 1)
    let counted = text("warmUp: auto").replacingOccurrences(of: "duration: 10s", with: "requests: 100")
    #expect(try ScenarioFile(counted).faults().count == 1)
  }

  /// The warm-up of the slowest to settle counts for all, and is said.
  @Test func warmUp() throws {
    var scenario = syntheticScenario(replications: 2)
    scenario.findsWarmUp = true
    let runner = ExperimentRunner(jobs: 2) { replication, _ in
      var result = syntheticResult(replication: replication.number)
      if replication.run.window == .milliseconds(10) {
        result.timeline = (0..<1000).map { window in
          var row = TimelineRow(time: Timestamp(nanoseconds: Int64(window) * 10_000_000))
          row.latencyMean = window < 300 ? 50 : 10
          return row
        }
      }
      return result
    }
    let result = try runner.run(scenario)
    #expect(result.scenario.variants.map(\.run.warmUp) == [.seconds(3), .seconds(3)])
    #expect(result.scenario.notes == ["warm-up: 3 s, found by MSER-5 in 3 runs of each variant"])
  }

  /// Of many comparisons each has to show more: the corrected p-values are Holm's, figure by figure.
  @Test func correction() throws {
    let runner = ExperimentRunner(jobs: 1) { replication, _ in
      syntheticResult(replication: replication.number, p99: 10 + Double(replication.number * 7 % 5))
    }
    let result = try runner.run(syntheticScenario(variants: ["a", "b", "c", "d"], replications: 4))
    let comparison = Comparison(result)
    for column in SummaryColumn.allCases {
      for variant in 1..<4 {
        let row = comparison.row(column, variant: variant)
        guard let plain = row.difference?.difference.pValue, let adjusted = row.adjustedPValue else { continue }
        #expect(adjusted >= plain && adjusted <= 1)
      }
      #expect(comparison.row(column, variant: 0).adjustedPValue == nil)
    }
  }
}
