// Retry budgets of tower and Finagle: tower/src/retry/budget/tps_budget.rs, RetryBudgetTest.scala, and what follows from them for a
// client of 100 first tries a second that all fail.

import MeshCore
import TestVectors
import TrafficSplitting

struct RetryBudgetVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.has("amounts_table") || file.has("finagle_cases") || (file.name == "retry_budget" && file.has("cases"))
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let rows = (try? file.content("amounts_table")("rows").items) ?? []
    report.runEach(rows, of: "amounts_table") { try checkAmounts($0, &$1) }
    report.runEach(file.list("cases"), of: "cases") { try checkCase($0, &$1) }
    report.runEach(file.list("finagle_cases"), of: "finagle_cases") { try checkFinagle($0, &$1) }
    for (key, deposits) in [("derived_always_failing_100rps", true), ("derived_total_outage_linkerd_profile", false)] {
      guard let row = file.content.member(key) else { continue }
      report.run(key) { try checkOutage(row, deposits: deposits, &$0) }
    }
    if file.has("deposit_semantics") { report.skip("deposit_semantics", "prose") }
  }

  /// Ratio, tower's amounts, Finagle's amounts, tower's ratio as it acts.
  private func checkAmounts(_ row: VectorValue, _ check: inout VectorCheck) throws {
    let cells = try row.items
    guard cells.count == 4 else { throw VectorError(description: "a row of \(cells.count) cells") }
    let ratio = try cells[0].double
    guard let tower = TowerRetryBudget(retryRatio: ratio, at: .zero),
      let finagle = FinagleRetryBudget(percentCanRetry: ratio, at: .zero)
    else { throw VectorError(description: "no budget of \(ratio)") }
    check.equal([tower.depositAmount, tower.withdrawalAmount], try cells[1].ints.map(Int64.init), "tower, \(ratio)")
    check.equal(
      [finagle.depositAmount, finagle.withdrawalAmount], try cells[2].ints.map(Int64.init), "Finagle, \(ratio)")
    check.close(
      Double(tower.depositAmount) / Double(tower.withdrawalAmount), try cells[3].double, relative: 1e-12, "\(ratio)")
  }

  /// Deposits and withdrawals at times in seconds.
  private func checkCase(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    guard
      var budget = TowerRetryBudget(
        ttl: .seconds(of: try vector("ttl").time), minRetriesPerSecond: Int64(try vector("min_per_sec").int32),
        retryRatio: try vector("ratio").double, at: .zero)
    else { throw VectorError(description: "no such budget") }
    var results: [Bool] = []
    for operation in try vector("ops").items {
      let parts = try operation.items
      guard parts.count == 2 else { throw VectorError(description: "\(operation) is no operation") }
      let now = Timestamp.zero + .seconds(of: try parts[1].time)
      switch try parts[0].string {
      case "d": budget.deposit(at: now)
      case "w": results.append(budget.withdraw(at: now))
      case let other: throw VectorError(description: "no operation \(other)")
      }
    }
    check.equal(results, try vector("withdraw_results").items.map { try $0.flag })
  }

  /// So many requests at one instant, each of which wants one retry.
  private func checkFinagle(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let requests = try vector("requests").int
    let ratio = try vector("ratio").double
    guard (0...1_000_000).contains(requests),
      var budget = FinagleRetryBudget(
        ttl: .seconds(of: try vector.member("ttl")?.time ?? 10),
        minRetriesPerSecond: Int64(try vector.member("min")?.int32 ?? 0), percentCanRetry: ratio, at: .zero)
    else { throw VectorError(description: "no such budget") }
    if let balance = vector.member("balance") {
      for _ in 0..<requests { budget.deposit(at: .zero) }
      check.equal(budget.balance(at: .zero), Int64(try balance.int))
      return
    }
    var retries = 0
    for _ in 0..<requests {
      budget.deposit(at: .zero)
      if budget.withdraw(at: .zero) { retries += 1 }
    }
    let tolerance = try vector.member("tolerance")?.double ?? 0
    check.near(Double(retries), try vector("expected_retries").double, absolute: tolerance)
  }

  /// 100 first tries a second at even distances, all of which want one retry, against tower's default budget.
  private func checkOutage(_ row: VectorValue, deposits: Bool, _ check: inout VectorCheck) throws {
    guard var budget = TowerRetryBudget(at: .zero) else { throw VectorError(description: "no default budget") }
    var retries = Array(repeating: 0, count: 60)
    for request in 0..<6000 {
      let now = Timestamp.zero + .milliseconds(Int64(request) * 10)
      if deposits { budget.deposit(at: now) }
      if budget.withdraw(at: now) { retries[request / 100] += 1 }
    }
    let expected = try row("retries_per_second").ints
    check.equal(Array(retries.prefix(expected.count)), expected)
    if let total = row.member("total_60s") { check.equal(retries.reduce(0, +), try total.int, "total") }
    if let mean = row.member("mean_per_s_after_warmup") {
      // From the first `ttl` on.
      check.near(Double(retries[10...].reduce(0, +)) / 50, try mean.double, absolute: 1e-9, "mean")
    }
  }
}
