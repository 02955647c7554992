// Envoy's limits on retries under way: source/common/upstream/resource_manager_impl.h, common/basic_resource_impl.h.

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
    if !defaults.isEmpty { report.skip("defaults of connections and requests", "no circuit breakers yet") }
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
    check.equal(budget.withdraw(activeRequests: limit), try vector("expected").flag)
  }

  private func checkDefaults(_ expected: VectorValue, _ check: inout VectorCheck) throws {
    check.equal(EnvoyRetryBudget().mostRetries(activeRequests: 1_000_000), Int64(try expected("max_retries").int))
    let budget = EnvoyRetryBudget(budgetPercent: EnvoyRetryBudget.defaultBudgetPercent)
    check.equal(EnvoyRetryBudget.defaultBudgetPercent, try expected("budget_percent").double)
    check.equal(budget.mostRetries(activeRequests: 0), Int64(try expected("min_retry_concurrency").int))
  }
}
