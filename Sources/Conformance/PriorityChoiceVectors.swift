// Envoy's choice of a priority by hash: derived from load_balancer_impl.cc, choosePriority.

import LoadBalancing
import TestVectors

struct PriorityChoiceVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "priority choice" || (file.name == "choose_priority" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      let healthy = ContiguousArray(try vector("healthy_load").items.map { try $0.int32 })
      let degraded = ContiguousArray(try vector("degraded_load").items.map { try $0.int32 })
      guard (healthy + degraded).allSatisfy({ (0...100).contains($0) }) else {
        throw VectorError(description: "loads that are no percentages")
      }
      for pick in try vector("picks").items {
        let choice = PriorityChoice.choose(try pick("hash").unsigned, healthy: healthy, degraded: degraded)
        check.equal(Int(choice.priority), try pick("priority").int, "\(pick)")
        if let availability = try pick.member("availability")?.string {
          check.equal(choice.availability == .healthy ? "healthy" : "degraded", availability, "\(pick)")
        }
      }
    }
  }
}
