// Envoy's loads of priorities and panic: load_balancer_impl_base_test.cc, its documentation's tables, and derived ones.

import LoadBalancing
import TestVectors

extension VectorValue {
  /// A priority's counts: `total`, `healthy`, `degraded`, `excluded`, per cent of overprovisioning as `op`, and
  /// `weights` of the healthy, the degraded and all but the excluded where endpoints count by weight.
  var priorityGroup: PriorityGroup {
    get throws {
      let healthy = try Int32(self("healthy").count)
      let degraded = try Int32(member("degraded")?.count ?? 0)
      // Some say how many are in no state that can serve, in place of the sum.
      let unhealthy = try Int32(member("unhealthy")?.count ?? 0)
      var group = PriorityGroup(
        total: try member("total").map { try Int32($0.count) } ?? healthy + degraded + unhealthy, healthy: healthy,
        degraded: degraded, excluded: try Int32(member("excluded")?.count ?? 0),
        overprovisioning: try Int32(member("op")?.count ?? 140))
      if let weights = try member("weights")?.unsigneds {
        guard weights.count == 3 else { throw VectorError(description: "weights that are not three sums") }
        group.weigh(healthy: weights[0], degraded: weights[1], eligible: weights[2])
      }
      return group
    }
  }
}

struct PriorityLoadVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "priority load & panic" || (file.name == "priority_load" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      var load = PriorityLoad(panicThreshold: Int32(try vector.member("panic_threshold")?.count ?? 50))
      load.update(try vector("priorities").items.map { try $0.priorityGroup })
      let availability = vector.member("availability")
      for (key, expected, actual) in [
        ("expected_healthy_load", vector.member("expected_healthy_load"), load.healthy),
        ("expected_degraded_load", vector.member("expected_degraded_load"), load.degraded),
        ("healthy availability", availability?.member("healthy"), load.healthyAvailability),
        ("degraded availability", availability?.member("degraded"), load.degradedAvailability),
      ] {
        if let expected { check.equal(actual.map(Int.init), try expected.ints, key) }
      }
      if let panic = vector.member("expected_panic") {
        check.equal(Array(load.isInPanic), try panic.items.map { try $0.flag }, "expected_panic")
      }
    }
  }
}
