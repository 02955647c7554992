import Testing
import TrafficSplitting

private let everyStatus: [Int16] = Array(-1...700) + [.min, .max]
private let resets = ResetKind.allCases

@Suite struct RetryConditionsTests {
  // Goal: each of Envoy's names stands for its statuses, and no others.
  @Test(arguments: [
    ("5xx", Array(Int16(500)...599)), ("gateway-error", [502, 503, 504]), ("retriable-4xx", [409]),
    ("retriable-status-codes", [100, 418, 599]), ("503", [503]), ("501-503", [501, 502, 503]), ("reset", []),
    ("reset-before-request", []), ("connect-failure", []), ("refused-stream", []), ("retriable-headers", []),
    ("envoy-ratelimited", []), ("cancelled", []), ("unavailable", []),
  ]) func statusesOfNames(_ name: String, _ statuses: [Int16]) throws {
    let conditions = try RetryConditions(names: [name], retriableStatusCodes: [100, 418, 599])
    #expect(everyStatus.filter { conditions.isRetriable(status: $0) } == statuses)
    #expect(!conditions.isEmpty)
  }

  // Goal: each of Envoy's names stands for its resets; an overflow is none of them.
  @Test(arguments: [
    ("5xx", "all"), ("gateway-error", "all"), ("reset", "all"), ("retriable-4xx", ""), ("retriable-status-codes", ""),
    ("envoy-ratelimited", ""), ("internal", ""), ("504", ""), ("connect-failure", "connectFailure connectTimeout"),
    ("refused-stream", "refusedStream"), ("reset-before-request", "connectFailure connectTimeout resetBeforeRequest"),
  ]) func resetsOfNames(_ name: String, _ kinds: String) throws {
    let conditions = try RetryConditions(names: [name], retriableStatusCodes: [504])
    let expected =
      kinds == "all"
      ? resets.filter { $0 != .overflow } : resets.filter { kinds.split(separator: " ").contains("\($0)") }
    #expect(resets.filter { conditions.isRetriable($0) } == expected)
  }

  // Goal: `reset-before-request` goes by what its caller knows of the request, and by nothing else.
  @Test func unsentRequests() throws {
    let conditions = try RetryConditions(names: ["reset-before-request"])
    for reset in resets {
      #expect(conditions.isRetriable(reset, isAfterRequest: false) == (reset != .overflow))
      #expect(conditions.isRetriable(reset, isAfterRequest: true) == (reset == .resetBeforeRequest))
    }
  }

  // Goal: an answer with `x-envoy-ratelimited` is retried with that name alone, whatever else would take it.
  @Test func rateLimitedAnswers() throws {
    let others = try RetryConditions(names: ["5xx", "gateway-error", "retriable-headers", "unavailable", "503"])
    #expect(
      !others.isRetriable(status: 503, grpcStatus: 14, isRateLimited: true, hasRetriableHeader: true))
    let named = try RetryConditions(names: ["envoy-ratelimited"])
    #expect(named.isRetriable(status: 200, isRateLimited: true) && !named.isRetriable(status: 503))
  }

  // Goal: the five gRPC names are their statuses, and matter only where a header says one.
  @Test(arguments: [
    ("cancelled", Int16(1)), ("deadline-exceeded", 4), ("resource-exhausted", 8), ("internal", 13), ("unavailable", 14),
  ]) func grpcStatuses(_ name: String, _ status: Int16) throws {
    let conditions = try RetryConditions(names: [name])
    let retried = (Int16(-40)...80).filter { conditions.isRetriable(status: 200, grpcStatus: $0) }
    #expect(retried == [status])
  }

  // Goal: names add up, in any order and repeated; retriable headers count where one matches.
  @Test func namesAddUp() throws {
    let names = ["connect-failure", "refused-stream", "503", "retriable-headers", "503"]
    let conditions = try RetryConditions(names: names)
    #expect(try RetryConditions(names: names.reversed()) == conditions)
    #expect(conditions.isRetriable(status: 200, hasRetriableHeader: true) && !conditions.isRetriable(status: 200))
    #expect(resets.filter { conditions.isRetriable($0) } == [.connectFailure, .connectTimeout, .refusedStream])
    #expect(try RetryConditions(names: []).isEmpty && RetryConditions() == RetryConditions(names: []))
  }

  // Goal: a list of statuses is idle without the name that it belongs to.
  @Test func statusesNeedTheirName() throws {
    let conditions = try RetryConditions(names: ["connect-failure"], retriableStatusCodes: [503])
    #expect(!conditions.isRetriable(status: 503))
  }

  // Goal: what is no condition is named.
  @Test(arguments: [
    "", "5XX", "gateway_error", " reset", "99", "600", "1000", "503-", "-503", "504-503", "5٣0", "500-5-9",
  ])
  func unknownNames(_ name: String) {
    #expect(throws: RetryConditionError(name: name)) { try RetryConditions(names: ["5xx", name]) }
    #expect(throws: RetryConditionError(name: name)) { try RetryConditions(linkerdHTTP: [name]) }
  }

  // Goal: Linkerd's annotations take answers by status, of resets the header timeout and the refused stream, and no connection
  // that failed; names of Envoy's that Linkerd does not have are refused.
  @Test func linkerdAnnotations() throws {
    let conditions = try RetryConditions(linkerdHTTP: ["gateway-error", "429", "100-101"], grpc: ["internal"])
    #expect(everyStatus.filter { conditions.isRetriable(status: $0) } == [100, 101, 429, 502, 503, 504])
    #expect(conditions.isRetriable(status: 200, grpcStatus: 13) && !conditions.isRetriable(status: 200, grpcStatus: 14))
    #expect(resets.filter { conditions.isRetriable($0) } == [.refusedStream, .perTryTimeout])
    let all = try RetryConditions(linkerdHTTP: ["5xx"])
    #expect(everyStatus.filter { all.isRetriable(status: $0) } == Array(500...599))
    #expect(try RetryConditions(linkerdHTTP: []).isEmpty)
    #expect(throws: RetryConditionError(name: "reset")) { try RetryConditions(linkerdHTTP: ["reset"]) }
    #expect(throws: RetryConditionError(name: "5xx")) { try RetryConditions(linkerdHTTP: [], grpc: ["5xx"]) }
  }

  // Goal: a ServiceProfile's conditions take answers alone.
  @Test func profiles() {
    let conditions = RetryConditions(statuses: 500...599)
    #expect(everyStatus.filter { conditions.isRetriable(status: $0) } == Array(500...599))
    #expect(!resets.contains { conditions.isRetriable($0) })
  }
}
