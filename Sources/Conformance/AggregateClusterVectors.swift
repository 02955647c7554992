// Envoy's aggregate cluster: clusters/aggregate/cluster_test.cc. Below a bound, all random numbers fall on the first
// cluster.

import LoadBalancing
import TestVectors

struct AggregateClusterVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "aggregate cluster" || (file.name == "aggregate_cluster" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      let overprovisioning = Int32(try vector.member("overprovisioning")?.count ?? 140)
      let clusters = try ["primary", "secondary", "tertiary"].compactMap { vector.member($0) }.map { cluster in
        try cluster.items.map { item in
          var group = try item.priorityGroup
          if item.member("op") == nil { group.overprovisioning = overprovisioning }
          return group
        }
      }
      var aggregate = AggregateCluster(panicThreshold: Int32(try vector.member("panic_threshold")?.count ?? 50))
      aggregate.update(clusters)
      if let expected = try vector.member("linear_healthy_load")?.ints {
        check.equal(aggregate.load.healthy.map(Int.init), expected, "linear_healthy_load")
      }
      if let expected = try vector.member("linear_degraded_load")?.ints {
        check.equal(aggregate.load.degraded.map(Int.init), expected, "linear_degraded_load")
      }
      if let bound = try vector.member("expected_primary_for_random_below")?.unsigned {
        let first = (UInt64(0)..<100).filter { aggregate.choose($0)?.member.cluster == 0 }
        check.equal(first, (UInt64(0)..<100).filter { $0 < bound }, "random numbers of the first cluster")
      }
    }
  }
}
