// Envoy's update merge window: derived from cluster_manager_impl.cc, scheduleUpdate and applyUpdates.

import LoadBalancing
import MeshCore
import TestVectors

struct UpdateMergeWindowVectors: VectorFamily {
  private struct Delivery: Equatable, CustomStringConvertible {
    var time: Double
    var how: String
    var description: String { "\(how) at \(time) ms" }
  }

  func knows(_ file: VectorFile) -> Bool {
    file.vectors.contains { $0.member("update_merge_window_ms") != nil }
      || (file.name == "update_merge_window" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      var window = UpdateMergeWindow(.milliseconds(of: try vector("update_merge_window_ms").time))
      var deliveries: [Delivery] = []
      var due: Timestamp?
      func fire(until now: Timestamp) {
        guard let moment = due, moment <= now else { return }
        due = nil
        if window.timerFired(for: moment, at: moment) {
          deliveries.append(Delivery(time: (moment - .zero).milliseconds, how: "merged"))
        }
      }
      for update in try vector("updates").items {
        let time = try update("t_ms").time
        let now = Timestamp.zero + .milliseconds(of: time)
        fire(until: now)
        switch window.changed(isMergeable: try update("mergeable").flag, at: now) {
        case .deliver: deliveries.append(Delivery(time: time, how: "immediate"))
        case .wait(let moment): due = moment
        case .ride: break
        }
      }
      fire(until: Timestamp(nanoseconds: .max))
      let expected = try vector("expected_deliveries_to_workers").items.map {
        Delivery(time: try $0("t_ms").time, how: try $0("how").string)
      }
      check.equal(deliveries, expected)
    }
  }
}
