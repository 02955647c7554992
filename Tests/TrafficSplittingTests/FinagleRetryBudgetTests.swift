import MeshCore
import Testing
import TrafficSplitting

/// com.twitter.util.WindowedAdder as its source has it, in milliseconds.
private struct ObviousAdder {
  var slots = Array(repeating: Int64(0), count: 9)
  var (writer, index, began) = (Int64(0), 0, Int64(0))
  let window: Int64

  init(window: Int64) { self.window = window }

  mutating func sum(_ now: Int64) -> Int64 {
    if now - began >= window {
      slots[index] = writer
      writer = 0
      index = (index + 1) % 9
      let skipped = min((now - began) / window - 1, 9)
      for _ in 0..<max(skipped, 0) {
        slots[index] = 0
        index = (index + 1) % 9
      }
      began = now
    }
    return slots.reduce(writer, +)
  }
}

@Suite struct FinagleRetryBudgetTests {
  // Goal: over random operations and pauses the budget is Finagle's leaky bucket.
  @Test(arguments: 1...60) func equalsTheObviousOne(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let ttl = Int64(1000 + random.below(59_000))
    let least = Int64(random.below(4))
    let ratio = [0, 0.1, 0.3, 0.75, 1, 2.5][random.below(6)]
    var budget = try #require(
      FinagleRetryBudget(ttl: .milliseconds(ttl), minRetriesPerSecond: least, percentCanRetry: ratio, at: .zero))
    var adder = ObviousAdder(window: ttl / 10)
    let reserve = least * (ttl / 1000) * budget.withdrawalAmount
    var now: Int64 = 0
    for _ in 0..<3000 {
      let slot = adder.window
      now += [0, 0, 1, Int64(random.below(Int(slot))), slot, slot * Int64(random.below(13)), slot - 1][random.below(7)]
      let instant = Timestamp(nanoseconds: now * 1_000_000 + Int64(random.below(1_000_000)))
      let sum = adder.sum(now) + reserve
      let balance = budget.balance(at: instant)
      #expect(balance == max(sum, 0) / budget.withdrawalAmount)
      if random.below(3) == 0 {
        let isTaken = budget.withdraw(at: instant)
        #expect(isTaken == (sum >= budget.withdrawalAmount))
        if isTaken { adder.writer -= budget.withdrawalAmount }
      } else {
        budget.deposit(at: instant)
        adder.writer += budget.depositAmount
      }
    }
  }

  // Goal: out of their bounds there is no budget; without share and reserve there is one that gives nothing.
  @Test func bounds() throws {
    #expect(FinagleRetryBudget(ttl: .milliseconds(999), at: .zero) == nil)
    #expect(FinagleRetryBudget(ttl: .seconds(61), at: .zero) == nil)
    #expect(FinagleRetryBudget(percentCanRetry: 1000.5, at: .zero) == nil)
    #expect(FinagleRetryBudget(percentCanRetry: .nan, at: .zero) == nil)
    #expect(FinagleRetryBudget(minRetriesPerSecond: -1, at: .zero) == nil)
    var empty = try #require(FinagleRetryBudget(minRetriesPerSecond: 0, percentCanRetry: 0, at: .zero))
    for _ in 0..<100 { empty.deposit(at: .zero) }
    let isTaken = empty.withdraw(at: .zero)
    #expect(!isTaken)
    let most = FinagleRetryBudget(minRetriesPerSecond: Int64(Int32.max) - 1, percentCanRetry: 1e-300, at: .zero)
    #expect(most != nil)
  }
}
