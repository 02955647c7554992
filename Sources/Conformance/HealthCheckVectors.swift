// Envoy's active health checks: test/common/upstream/health_checker_impl_test.cc. Results, and the pause and the transition after each;
// pauses by the number that is drawn.

import FaultDetection
import MeshCore
import TestVectors

struct HealthCheckVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "health_check" || file.topic == "active health checking"
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      if vector.member("events") != nil {
        try runEvents(vector, &check)
      } else if vector.member("samples") != nil {
        try checkJitter(vector, &check)
      } else {
        throw VectorSkip("neither events nor samples")
      }
    }
  }

  private func runEvents(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    // A status of its own stands for those that are retriable.
    var description = HealthCheckDescription(
      .http, interval: .seconds(1), timeout: .seconds(1), unhealthyThreshold: 1, healthyThreshold: 1)
    description.retriableStatuses = [Self.retriableStatus..<Self.retriableStatus + 1]
    let config = try vector("config")
    description.interval = .milliseconds(of: try config("interval").time)
    description.unhealthyThreshold = try config("unhealthy_threshold").weight
    description.healthyThreshold = try config("healthy_threshold").weight
    func span(_ key: String, or standard: TimeSpan) throws -> TimeSpan {
      try config.member(key).map { .milliseconds(of: try $0.time) } ?? standard
    }
    description.unhealthyInterval = try span("unhealthy", or: description.interval)
    description.unhealthyEdgeInterval = try span("unhealthy_edge", or: description.unhealthyInterval)
    description.healthyEdgeInterval = try span("healthy_edge", or: description.interval)
    description.noTrafficInterval = try span("no_traffic", or: .seconds(60))
    description.noTrafficHealthyInterval = try span("no_traffic_healthy", or: description.noTrafficInterval)
    let isHealthy = try config.member("initially_healthy")?.flag ?? false
    var health = HealthCheck(
      hasFailed: !isHealthy,
      isPending: try config.member("pending")?.flag ?? false)
    var random = RandomStream(state: 1)
    var hasTraffic = false
    var outcomes: [(transition: HealthTransition, pause: TimeSpan)] = []
    for event in try vector("events").items {
      let name = try event.string
      if name == "traffic" {
        hasTraffic = true
        continue
      }
      let result = try result(name, description)
      let transition = health.ended(result, description)
      outcomes.append((transition, description.pause(after: result, transition, hasTraffic: hasTraffic, &random)))
    }
    let expected = try vector("expected").items
    check.equal(outcomes.count, expected.count, "results")
    for (place, (outcome, item)) in zip(outcomes, expected).enumerated() {
      if let transition = try item.member("transition")?.string {
        check.equal(Self.name(outcome.transition), transition, "transition \(place)")
      }
      if let pause = try item.member("next_interval_ms")?.int {
        check.equal(Int(outcome.pause.nanoseconds / 1_000_000), pause, "interval \(place)")
      }
    }
  }

  private static let retriableStatus: Int16 = 429

  private func result(_ name: String, _ description: HealthCheckDescription) throws -> HealthCheckResult {
    switch name.lowercased() {
    case "ok", "success", "healthy", "serving": return .passed
    case "timeout": return .timedOut
    case "network", "refused", "connect_failure", "connect_fail", "remote_close": return .refused
    case "reset": return .reset
    case "not_serving", "fail", "failure", "active": return .answered(status: 503)
    case "retriable": return .retriable(status: Self.retriableStatus)
    case "immediate", "immediate_fail", "passive": return .toldByAnswer
    default:
      guard let status = Int16(name), (100...599).contains(status),
        let result = description.result(HealthAnswer(status: status))
      else { throw VectorSkip("no event \(name) is known") }
      return result
    }
  }

  private func checkJitter(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let base = TimeSpan.milliseconds(of: try vector.member("base_interval_ms")?.time ?? 0)
    var description = HealthCheckDescription(
      .http, interval: .seconds(1), timeout: .seconds(1), unhealthyThreshold: 1, healthyThreshold: 1)
    description.intervalJitterPercent = try vector.member("interval_jitter_percent")?.weight ?? 0
    // A first check has no interval, and a jitter of its own.
    let initial = try vector.member("initial_jitter_ms")?.time ?? 0
    let jitter = try vector.member("interval_jitter_ms")?.time ?? 0
    for sample in try vector("samples").items {
      let number = try sample("random").unsigned
      let pause = [number].withUnsafeBufferPointer { script in
        var random = RandomStream(script: script)
        return description.jittered(base, by: .milliseconds(of: initial > 0 ? initial : jitter), &random)
      }
      check.equal(Int(pause.nanoseconds / 1_000_000), try sample("expected_ms").int, "random \(number)")
    }
  }

  private static func name(_ transition: HealthTransition) -> String {
    switch transition {
    case .unchanged: "Unchanged"
    case .changed: "Changed"
    case .changePending: "ChangePending"
    }
  }
}
