// Envoy's admission control: admission_control_filter_test.cc, and what follows from its formula.

import MeshCore
import TestVectors
import TrafficSplitting

struct AdmissionControlVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "admission control" || (file.name == "admission_control" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    if let defaults = file.content.member("defaults") {
      report.run("defaults") { try checkDefaults(defaults, &$0) }
    }
    report.runEach(file.vectors) { try checkProbability($0, &$1) }
  }

  private func checkDefaults(_ defaults: VectorValue, _ check: inout VectorCheck) throws {
    let standard = AdmissionControlDescription()
    for (key, value) in try defaults.members {
      switch key {
      case "sr_threshold": check.equal(standard.successRateThreshold, try value.double, key)
      case "aggression": check.equal(standard.aggression, try value.double, key)
      case "max_rejection": check.equal(standard.maxRejectionProbability, try value.double, key)
      case "rps_threshold": check.equal(standard.minimumRate, try value.weight, key)
      case "sampling_window_s": check.equal(standard.samplingWindow.seconds, try value.double, key)
      default: throw VectorError(description: "no default \(key)")
      }
    }
  }

  private func checkProbability(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    var description = AdmissionControlDescription()
    if let threshold = vector.member("sr_threshold") { description.successRateThreshold = try threshold.double }
    if let aggression = vector.member("aggression") { description.aggression = try aggression.double }
    if let most = vector.member("max_rejection") { description.maxRejectionProbability = try most.double }
    let (requests, successes) = (try vector("requests").unsigned, try vector("successes").unsigned)
    let probability = AdmissionControl.probability(requests: requests, successes: successes, description)
    if let exact = vector.member("exact_probability") {
      check.near(max(0, probability), try exact.double, absolute: 1e-12)
    } else if vector.member("expected_probability") == nil {
      // A negative base without a root: nothing is rejected.
      check.equal(probability.isNaN, true)
    }
    if let expected = vector.member("expected_probability") {
      check.near(
        max(0, probability), try expected.double, absolute: try vector.member("tolerance")?.double ?? 0.01, "asserted")
    }
    try checkDecisions(max(0, probability), requests, successes, description, &check)
  }

  /// The module rejects the draws that are below, in parts of 10,000.
  private func checkDecisions(
    _ probability: Double, _ requests: UInt64, _ successes: UInt64, _ description: AdmissionControlDescription,
    _ check: inout VectorCheck
  ) throws {
    if requests > 100_000 || successes > requests { throw VectorError(description: "\(successes) of \(requests)") }
    var control = AdmissionControl(description)
    for number in 0..<requests { control.record(status: number < successes ? 200 : 503, at: .zero) }
    let edge = UInt64((10_000 * min(probability.isNaN ? 0 : probability, 1)).rounded(.down))
    for draw in [0, edge > 0 ? edge - 1 : 0, edge + 1, 9_999] {
      let numbers = ScriptedNumbers([draw])
      var random = numbers.stream
      let isRejected = control.rejects(&random, at: .zero)
      let isBelow = !probability.isNaN && 10_000 * probability > Double(draw % 10_000)
      check.equal(isRejected, isBelow, "draw \(draw)")
      withExtendedLifetime(numbers) {}
    }
  }
}
