// Envoy's slow start: round_robin_lb_test.cc, least_request_lb_test.cc and factors derived from its rule.
//
// Vectors of picks give the weights that slow start comes to; the schedule that takes its turns by them is shown to go
// as Envoy's.

import LoadBalancing
import MeshCore
import TestVectors

struct SlowStartVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "slow start" || (file.name == "slow_start" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      if vector.member("expected_factor") != nil {
        let slowStart = SlowStart(
          window: .milliseconds(of: try vector("window_ms").time), aggression: try vector("aggression").double,
          minimumWeightPercent: try vector("min_weight_percent").double)
        let factor = slowStart.factor(age: .milliseconds(of: try vector("elapsed_ms").time))
        check.close(factor, try vector("expected_factor").double, relative: 1e-12)
      } else if vector.member("expected_picks") != nil {
        try runTurns(vector, &check)
      } else {
        try checkDefaults(vector("expected"), &check)
      }
    }
  }

  private func checkDefaults(_ expected: VectorValue, _ check: inout VectorCheck) throws {
    let defaults = SlowStart()
    if let window = try expected.member("window_ms")?.int { check.equal(Int(defaults.windowMilliseconds), window) }
    if let least = try expected.member("min_weight")?.double { check.equal(defaults.minimumFactor, least) }
    if let aggression = try expected.member("aggression")?.double { check.equal(defaults.aggression, aggression) }
  }

  private func runTurns(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let built = try vector("weights_at_build").doubles
    let later = try vector.member("weights_at_readd")?.doubles ?? built
    guard built.count == later.count, !built.isEmpty, (built + later).allSatisfy({ (1e-9...1e9).contains($0) }) else {
      throw VectorError(description: "weights that are not all from 1e-9 to 1e9")
    }
    var schedule = EDFScheduler()
    schedule.rebuild(weights: ContiguousArray(built), seed: try vector.member("seed")?.unsigned ?? 0)
    let expected = try vector("expected_picks").ints
    let turns = expected.map { _ in
      let place = Int(schedule.earliest)
      schedule.takeTurn(weight: later[place])
      return place
    }
    check.equal(turns, expected)
  }
}
