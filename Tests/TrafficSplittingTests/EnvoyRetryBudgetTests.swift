import MeshCore
import Testing
import TrafficSplitting

@Suite struct EnvoyRetryBudgetTests {
  // Goal: over random arrivals and ends, never more retries are let through than the limit of that moment.
  @Test(arguments: 1...40) func neverExceedsItsLimit(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let percent = Double(random.below(200)) / 2
    let least = Int64(random.below(5))
    var budget =
      round % 4 == 0
      ? EnvoyRetryBudget(maxRetries: least) : EnvoyRetryBudget(budgetPercent: percent, minRetryConcurrency: least)
    var retries: Int64 = 0
    for _ in 0..<2000 {
      let (active, pending) = (Int64(random.below(60)), Int64(random.below(20)))
      let most = round % 4 == 0 ? least : max(Int64(percent / 100 * Double(active + pending)), least)
      #expect(budget.mostRetries(activeRequests: active, pendingRequests: pending) == most)
      if random.below(3) > 0 {
        let isTaken = budget.withdraw(activeRequests: active, pendingRequests: pending)
        #expect(isTaken == (retries < most))
        if isTaken { retries += 1 }
      } else if retries > 0 {
        budget.release()
        retries -= 1
      }
      #expect(budget.retries == retries)
    }
  }

  // Goal: Envoy's defaults, and limits that are none.
  @Test func defaultsAndBounds() {
    #expect(EnvoyRetryBudget().mostRetries(activeRequests: 1_000_000) == 3)
    let share = EnvoyRetryBudget(budgetPercent: EnvoyRetryBudget.defaultBudgetPercent)
    #expect(share.mostRetries(activeRequests: 0) == 3 && share.mostRetries(activeRequests: 100) == 20)
    #expect(EnvoyRetryBudget(budgetPercent: .nan, minRetryConcurrency: -4).mostRetries(activeRequests: 100) == 0)
    #expect(EnvoyRetryBudget(budgetPercent: 1e300, minRetryConcurrency: 0).mostRetries(activeRequests: 7) == 7)
    var none = EnvoyRetryBudget(maxRetries: 0)
    let isTaken = none.withdraw(activeRequests: 10)
    #expect(!isTaken)
  }
}
