// Envoy's load-aware locality: shares by headroom, derived from its formula.

import LoadBalancing
import TestVectors

struct LoadAwareLocalityVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("load-aware locality") || (file.name == "load_aware_locality" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      let localities = try vector("localities").items.enumerated().map { place, locality in
        LocalityUtilization(
          locality: Int32(place), endpoints: Int32(try locality("healthy_hosts").count),
          utilization: try locality("utilization").double)
      }
      // What localities have left, before it is asked whether anybody has anything.
      for (locality, expected) in zip(localities, try vector.member("expected_weights")?.doubles ?? []) {
        check.close(locality.headroom, expected, relative: 1e-12, "headroom")
      }
      var chooser = LoadAwareLocality()
      chooser.weigh(localities, hasLocal: try vector.member("has_local_locality")?.flag ?? false)
      let expected = try vector("expected_shares").doubles
      check.equal(chooser.weights.count, expected.count, "localities")
      for (weight, expected) in zip(chooser.weights, expected) {
        check.close(weight / chooser.total, expected, relative: 1e-12, "share")
      }
    }
  }
}
