// gRPC's retry throttling: grpc-go test/retry_test.go, where a server answers its n-th request with OK for given n.

import MeshCore
import TestVectors
import TrafficSplitting

struct RetryThrottleVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.has("server_returns_ok_at") || file.name == "grpc_retry_throttling" }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.run("calls") { try checkCalls(file.content, &$0) }
    if file.has("hedging_schedule") {
      report.run("hedging_schedule") { try HedgingScript.run(file.content("hedging_schedule"), &$0) }
    }
  }

  private func checkCalls(_ content: VectorValue, _ check: inout VectorCheck) throws {
    let configuration = try content("config")
    guard
      var throttle = GRPCRetryThrottle(
        maxTokens: try configuration("maxTokens").double, tokenRatio: try configuration("tokenRatio").double)
    else { throw VectorError(description: "no such throttle") }
    let attempts = min(try configuration("maxAttempts").int, 5)
    let successes = try content("server_returns_ok_at").ints
    var served = -1
    for (place, call) in try content("calls").items.enumerated() {
      var isSuccess = false
      for attempt in 1...max(attempts, 1) {
        served += 1
        isSuccess = successes.contains(served)
        if isSuccess {
          throttle.deposit()
          break
        }
        // The tokens are paid even when no attempts are left.
        let mayRetry = throttle.withdraw()
        if !mayRetry || attempt == attempts { break }
      }
      check.equal(isSuccess ? "OK" : "UNAVAILABLE", try call("code").string, "call \(place)")
      check.equal(served, try call("server_index_after").int, "call \(place)")
      check.near(throttle.tokens, try call("tokens_after").double, absolute: 1e-9, "call \(place)")
    }
  }
}
