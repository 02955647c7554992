// Envoy's locality-weighted turns: locality_wrr_test.cc.

import LoadBalancing
import TestVectors

struct LocalityWeightsVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "locality weighted" || (file.name == "locality_wrr" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let overprovisioning = Int32(try vector.member("overprovisioning")?.count ?? 140)
    guard let described = vector.member("localities") else {
      if vector.member("weights") == nil, let prose = try vector.member("expected")?.string {
        guard prose == "no locality" else { throw VectorSkip("in prose: \(prose)") }
        var weights = LocalityWeights()
        weights.rebuild([], overprovisioning: overprovisioning, seed: 0)
        for availability in [Availability.healthy, .degraded] { check.equal(weights.next(availability), -1, prose) }
        return
      }
      return try checkFirstTurns(vector, overprovisioning, &check)
    }
    let localities = try described.items.map { try locality($0) }
    for availability in [Availability.healthy, .degraded] {
      let prefix = availability == .healthy ? "" : "degraded_"
      if let expected = vector.member(prefix + "effective_weights") {
        for (place, locality) in localities.enumerated() {
          let weight = locality.effectiveWeight(availability, overprovisioning: overprovisioning)
          let wanted = try expected.member("\(place)")?.double ?? 0
          check.close(weight, wanted, relative: 1e-12, "weight of \(place)")
        }
      }
      var weights = LocalityWeights()
      weights.rebuild(localities, overprovisioning: overprovisioning, seed: try vector.member("seed")?.unsigned ?? 0)
      if let expected = try vector.member("expected_\(prefix)sequence")?.ints {
        check.equal(expected.map { _ in Int(weights.next(availability)) }, expected, "turns")
      } else if let expected = try vector.member("expected_\(prefix)counts")?.ints {
        var counts = [Int](repeating: 0, count: expected.count)
        for _ in 0..<(try vector.member("picks")?.count ?? expected.reduce(0, +)) {
          let locality = Int(weights.next(availability))
          if counts.indices.contains(locality) { counts[locality] += 1 }
        }
        check.equal(counts, expected, "turns of each")
      }
    }
  }

  private func locality(_ value: VectorValue) throws -> LocalityGroup {
    LocalityGroup(
      weight: try value("weight").weight, total: try Int32(value("total").count),
      healthy: try Int32(value.member("healthy")?.count ?? 0),
      degraded: try Int32(value.member("degraded")?.count ?? 0),
      excluded: try Int32(value.member("excluded")?.count ?? 0))
  }

  /// Whole localities of one endpoint each: whose turn is the first after each seed.
  private func checkFirstTurns(_ vector: VectorValue, _ overprovisioning: Int32, _ check: inout VectorCheck) throws {
    let localities = try vector("weights").weights.map { LocalityGroup(weight: $0, total: 1, healthy: 1) }
    let bounds = try vector("seeds").string.split(separator: ".").compactMap { UInt64($0) }
    guard bounds.count == 2, bounds[0] <= bounds[1], bounds[1] - bounds[0] < 1_000_000 else {
      throw VectorError(description: "seeds that are no range")
    }
    var weights = LocalityWeights()
    let first = (bounds[0]...bounds[1]).map { seed in
      weights.rebuild(localities, overprovisioning: overprovisioning, seed: seed)
      return Int(weights.next(.healthy))
    }
    if let expected = try vector.member("first_pick_by_seed")?.ints { check.equal(first, expected, "by seed") }
    if let expected = try vector.member("expected_first_pick_counts")?.ints {
      check.equal(expected.indices.map { place in first.count { $0 == place } }, expected, "of each")
    }
  }
}
