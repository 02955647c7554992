// Envoy's waits between tries: test/common/common/backoff_strategy_test.cc and retry_state_impl_test.cc.

import MeshCore
import TestVectors
import TrafficSplitting

struct RetryBackoffVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.name == "retry_backoff" || file.topic.contains("retry back-off") }

  func run(_ file: VectorFile, _ report: inout VectorReport) { report.runEach(file.vectors) { try check($0, &$1) } }

  private func check(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let randoms = try Self.list(vector.member("randoms") ?? vector("random")).map { try $0.unsigned }
    let expected = try Self.list(vector("expected_ms")).map { TimeSpan.milliseconds(of: try $0.time) }
    guard randoms.count == expected.count else { throw VectorError(description: "as many waits as draws are needed") }
    let waits: [TimeSpan]
    if let reset = vector.member("reset_interval_ms") ?? vector.member("min_interval_ms") {
      let interval = TimeSpan.milliseconds(of: try reset.time)
      waits = randoms.map { RetryBackoff.afterReset(in: interval, draw: $0) }
    } else {
      let backoff = RetryBackoff.envoy(
        base: .milliseconds(of: try vector("base_ms").time),
        max: try vector.member("max_ms").map { .milliseconds(of: try $0.time) })
      waits = randoms.enumerated().map { backoff.delay(retry: Int32($0.offset) + 1, draw: $0.element) }
    }
    check.equal(waits.map(\.milliseconds), expected.map(\.milliseconds))
  }

  /// One value stands for a list of it.
  private static func list(_ value: VectorValue) throws -> [VectorValue] {
    if case .list(let items) = value { return items }
    return [value]
  }
}
