// Envoy's retry plug-in previous_priorities: its config_test.cc. A step tells of an attempt, then asks for the loads.

import LoadBalancing
import TestVectors

struct PreviousPrioritiesVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("previous_priorities") || (file.name == "retry_priority" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      guard let plugin = PreviousPriorities(updateFrequency: try vector("update_frequency").int32) else {
        let expected = try vector("expected").string
        check.holds(expected.contains("rejected"), expected, "rejected")
        return
      }
      var load = PriorityLoad(panicThreshold: Int32(try vector.member("panic_threshold")?.count ?? 50))
      load.update(try vector("priorities").items.map { try $0.priorityGroup })
      try run(vector, plugin, load, &check)
    }
  }

  private func run(
    _ vector: VectorValue, _ plugin: PreviousPriorities, _ load: PriorityLoad, _ check: inout VectorCheck
  ) throws {
    var plugin = plugin
    var tried = AttemptedPriorities()
    let original = (try vector("original_healthy").ints, try vector("original_degraded").ints)
    for (place, step) in try vector("steps").items.enumerated() {
      if let priority = step.member("attempted_host_priority"), priority != .null {
        tried.record(priority: try priority.int32)
      }
      let isAdjusted = plugin.adjust(&tried, of: load)
      let healthy = isAdjusted ? plugin.healthy.map(Int.init) : original.0
      let degraded = isAdjusted ? plugin.degraded.map(Int.init) : original.1
      check.equal(healthy, try step("expected_healthy").ints, "step \(place), healthy")
      check.equal(degraded, try step("expected_degraded").ints, "step \(place), degraded")
    }
  }
}
