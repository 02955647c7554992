// An experiment made by hand, for tests that need no simulation.

import Experiments
import MeshCore
import Simulation
import SyntheticResults

/// Two variants with two replications, an event, a time line and two expectations.
func syntheticExperiment() -> ExperimentResult {
  let expectations = [
    Expectation(metric: "latency.p99", variant: "peakEwma", ratioTo: nil, bound: .maximum(60e6), text: "max 60ms"),
    Expectation(
      metric: "latency.p99", variant: "peakEwma", ratioTo: "roundRobin", bound: .maximum(0.5),
      text: "max 0.5 × roundRobin"),
  ]
  let scenario = syntheticScenario(expectations: expectations)
  let variants = zip(scenario.variants, [10.0, 5.0]).map { variant, p99 in
    VariantResult(
      variant: variant,
      replications: (0..<2).map { number in
        var result = syntheticResult(replication: number, p99: p99 * Double(number + 1))
        result.events = [
          EventRow(
            time: Timestamp(nanoseconds: 50_000_000_000), event: "faultBegan", cluster: "web",
            detail: "slow 20, \"web-3\"")
        ]
        var window = TimelineRow(time: Timestamp(nanoseconds: 1_500_000_000))
        window.requests = 7
        window.successes = 6
        window.failures = 1
        window.latencyP50 = 250_000
        window.inFlight = 2
        window.healthyEndpoints = 11
        result.timeline = [window]
        return result
      })
  }
  return ExperimentResult(scenario: scenario, variants: variants)
}
