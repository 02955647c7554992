// Envoy's circuit breakers and limits on retries under way: source/common/upstream/resource_manager_impl.h, common/basic_resource_impl.h.

import FaultDetection
import MeshCore
import TestVectors
import TrafficSplitting

struct EnvoyRetryBudgetVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.contains("retry budget") || (file.name == "retry_budget" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let (defaults, vectors) = (
      file.vectors.filter { $0.member("expected")?.member("max_retries") != nil },
      file.vectors.filter { $0.member("expected")?.member("max_retries") == nil }
    )
    report.runEach(vectors) { try check($0, &$1) }
    report.runEach(defaults) { try checkDefaults($0("expected"), &$1) }
  }

  private func check(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if let expected = vector.member("expected_max_retries") {
      let budget = EnvoyRetryBudget(
        budgetPercent: try vector("budget_percent").double,
        minRetryConcurrency: Int64(try vector("min_retry_concurrency").int32))
      let most = budget.mostRetries(
        activeRequests: Int64(try vector("active_requests").int32),
        pendingRequests: Int64(try vector.member("pending_requests")?.int32 ?? 0))
      check.equal(most, Int64(try expected.int))
      return
    }
    let (count, limit) = (Int64(try vector("count").int32), Int64(try vector("max").int32))
    if count < 0 || count > 1_000_000 || limit < 0 { throw VectorError(description: "\(count) retries of \(limit)") }
    // A limit that was wider when the retries began.
    var budget = EnvoyRetryBudget(budgetPercent: 100, minRetryConcurrency: 0)
    for _ in 0..<count {
      if !budget.withdraw(activeRequests: count) { throw VectorError(description: "\(count) retries do not fit") }
    }
    let expected = try vector("expected").flag
    check.equal(budget.withdraw(activeRequests: limit), expected)
    for resource in [BreakerResource.connections, .pendingRequests, .requests] {
      check.equal(Self.hasRoom(resource, count, of: Int32(clamping: limit)), expected)
    }
  }

  /// Whether a breaker with so many of something has room for one more: more than the limit are there only as first connections.
  private static func hasRoom(_ resource: BreakerResource, _ count: Int64, of limit: Int32) -> Bool {
    var breaker = CircuitBreaker(
      CircuitBreakerDescription(maxConnections: limit, maxPendingRequests: limit, maxRequests: limit))
    for _ in 0..<count {
      switch resource {
      case .connections: _ = breaker.connect(atEndpoint: 0)
      case .pendingRequests: _ = breaker.pend()
      default: _ = breaker.attach()
      }
    }
    switch resource {
    case .connections: return breaker.connect(atEndpoint: 1) == nil
    case .pendingRequests: return breaker.pend()
    default: return breaker.attach()
    }
  }

  private func checkDefaults(_ expected: VectorValue, _ check: inout VectorCheck) throws {
    check.equal(EnvoyRetryBudget().mostRetries(activeRequests: 1_000_000), Int64(try expected("max_retries").int))
    let limits: [(name: String, limit: Int32?)] = [
      ("max_connections", CircuitBreakerDescription.envoy.maxConnections),
      ("max_pending_requests", CircuitBreakerDescription.envoy.maxPendingRequests),
      ("max_requests", CircuitBreakerDescription.envoy.maxRequests),
      ("max_retries", CircuitBreakerDescription.envoy.maxRetries),
    ]
    for (name, limit) in limits { check.equal(limit.map { Int64($0) }, Int64(try expected(name).int)) }
    // There is one pool for each endpoint, however many.
    if let pools = expected.member("max_connection_pools") { check.equal(try pools.string, "unlimited") }
    let budget = EnvoyRetryBudget(budgetPercent: EnvoyRetryBudget.defaultBudgetPercent)
    check.equal(EnvoyRetryBudget.defaultBudgetPercent, try expected("budget_percent").double)
    check.equal(budget.mostRetries(activeRequests: 0), Int64(try expected("min_retry_concurrency").int))
  }
}
