// What Envoy retries: source/common/router/retry_state_impl.cc, by status, by reset and by gRPC status.

import MeshCore
import TestVectors
import TrafficSplitting

struct RetryConditionsVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.name == "retry_conditions" || file.topic == "retry conditions" }

  func run(_ file: VectorFile, _ report: inout VectorReport) { report.runEach(file.vectors) { try check($0, &$1) } }

  private func check(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if vector.member("steps") != nil || vector.member("facts") != nil { throw VectorSkip("prose") }
    let names = try (vector.member("retry_on")?.strings ?? []) + (vector.member("retry_grpc_on")?.strings ?? [])
    let codes = try vector.member("retriable_status_codes")?.ints ?? []
    let conditions = try RetryConditions(names: names, retriableStatusCodes: codes.map { Int16(clamping: $0) })
    for (status, expected) in try vector.member("by_status")?.members ?? [] {
      let isRetriable = conditions.isRetriable(status: try Self.number(status))
      check.equal(isRetriable, try expected.flag, "status \(status)")
    }
    if let expected = vector.member("with_x_envoy_ratelimited_503") {
      check.equal(conditions.isRetriable(status: 503, isRateLimited: true), try expected.flag, "x-envoy-ratelimited")
    }
    for (status, expected) in try vector.member("by_grpc_status")?.members ?? [] {
      let isRetriable = conditions.isRetriable(status: 200, grpcStatus: try Self.number(status))
      check.equal(isRetriable, try expected.flag, "gRPC status \(status)")
    }
    for (reason, row) in try vector.member("by_reason")?.members ?? [] {
      let reset = try Self.reset(reason)
      for (key, isAfterRequest) in [("request_started", true), ("request_not_started", false)] {
        guard let expected = row.member(key) else { continue }
        let isRetriable = conditions.isRetriable(reset, isAfterRequest: isAfterRequest)
        check.equal(isRetriable, try expected.flag, "\(reason), \(key)")
      }
    }
  }

  private static func number(_ text: String) throws -> Int16 {
    guard let number = Int16(text) else { throw VectorError(description: "\(text) is no status") }
    return number
  }

  /// Ours for Envoy's reason; whether the request had been started comes apart.
  private static func reset(_ reason: String) throws -> ResetKind {
    switch reason {
    case "overflow": .overflow
    case "local_connection_failure", "remote_connection_failure": .connectFailure
    case "connection_timeout": .connectTimeout
    case "remote_reset", "local_reset", "connection_termination": .reset
    case "remote_refused_stream": .refusedStream
    case "per_try_timeout": .perTryTimeout
    default: throw VectorError(description: "no reset \(reason)")
    }
  }
}
