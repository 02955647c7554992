import MeshCore
import Testing
import TrafficSplitting

/// tower's bucket as its source has it: an array of slots and a loop over the time that passed.
private struct ObviousTowerBudget {
  var slots = Array(repeating: Int64(0), count: 10)
  var (writer, index, began) = (Int64(0), 0, Int64(0))
  let (window, reserve, deposit, withdrawal): (Int64, Int64, Int64, Int64)

  init(ttl: Int64, least: Int64, deposit: Int64, withdrawal: Int64) {
    (window, reserve) = (ttl / 10, least * (ttl / 1_000_000_000) * withdrawal)
    (self.deposit, self.withdrawal) = (deposit, withdrawal)
  }

  mutating func expire(_ now: Int64) {
    var elapsed = now - began
    if elapsed < window { return }
    slots[index] = writer
    writer = 0
    var next = (index + 1) % 10
    while elapsed > window {
      slots[next] = 0
      elapsed -= window
      next = (next + 1) % 10
    }
    (index, began) = (next, now)
  }

  mutating func put(_ now: Int64) {
    expire(now)
    writer += deposit
  }

  mutating func take(_ now: Int64) -> Bool {
    expire(now)
    if slots.reduce(writer + reserve, +) < withdrawal { return false }
    writer -= withdrawal
    return true
  }
}

@Suite struct TowerRetryBudgetTests {
  // Goal: over random operations and pauses, exact multiples of a slot among them, the budget answers as tower's own loop does.
  @Test(arguments: 1...60) func equalsTheObviousOne(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let ttl = Int64(1 + random.below(60)) * 1_000_000_000 + Int64(random.below(2) * random.below(999_999))
    let least = Int64(random.below(4))
    let ratio = [0, 0.1, 0.3, 0.75, 1, 2.5][random.below(6)]
    var budget = try #require(
      TowerRetryBudget(
        ttl: TimeSpan(nanoseconds: min(ttl, 60_000_000_000)), minRetriesPerSecond: least, retryRatio: ratio, at: .zero))
    var obvious = ObviousTowerBudget(
      ttl: min(ttl, 60_000_000_000), least: least, deposit: budget.depositAmount, withdrawal: budget.withdrawalAmount)
    var now: Int64 = 0
    for _ in 0..<3000 {
      let slot = obvious.window
      now += [0, 0, 1, Int64(random.below(Int(slot))), slot, slot * Int64(random.below(14)), slot - 1][random.below(7)]
      if random.below(3) == 0 {
        let isTaken = budget.withdraw(at: Timestamp(nanoseconds: now))
        let expected = obvious.take(now)
        #expect(isTaken == expected)
      } else {
        budget.deposit(at: Timestamp(nanoseconds: now))
        obvious.put(now)
      }
    }
  }

  // Goal: the retries of any five seconds, half of `ttl`, never exceed the reserve and the share of the requests that the window can
  // remember, eleven slots that are late by a request's distance each; and no balance is negative.
  @Test(arguments: 1...20) func retriesAreBounded(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let ratio = Double(1 + random.below(20)) / 20
    var budget = try #require(TowerRetryBudget(minRetriesPerSecond: 3, retryRatio: ratio, at: .zero))
    var (requests, retries): ([Timestamp], [Timestamp]) = ([], [])
    var (remembered, recent) = (0, 0)
    var now = Timestamp.zero
    while now < Timestamp.zero + .seconds(60) {
      now = now + .microseconds(Int64(random.below(40_000)))
      budget.deposit(at: now)
      requests.append(now)
      let balance = budget.balance(at: now)
      let isTaken = budget.withdraw(at: now)
      #expect(balance >= 0 && isTaken == (balance > 0))
      if isTaken { retries.append(now) }
      while requests[remembered] < now - .milliseconds(11 * 1040) { remembered += 1 }
      while recent < retries.count && retries[recent] <= now - .seconds(5) { recent += 1 }
      let most = 30 + (requests.count - remembered) / Int(budget.withdrawalAmount)
      #expect(retries.count - recent <= most)
    }
    #expect(retries.count >= 30)
  }

  // Goal: the reserve comes back after eleven slots where requests meet the ends of slots, and after six where they do not.
  @Test(arguments: [(Int64(1000), 11), (1001, 6)]) func reserveComesBack(_ step: Int64, _ steps: Int) throws {
    var budget = try #require(TowerRetryBudget(minRetriesPerSecond: 1, at: .zero))
    for _ in 0..<10 { _ = budget.withdraw(at: .zero) }
    var balances: [Int64] = []
    for round in 0...Int64(steps) { balances.append(budget.balance(at: .zero + .milliseconds(round * step))) }
    #expect(balances == Array(repeating: 0, count: steps) + [10])
  }

  // Goal: out of their bounds there is no budget, at them there is one; a price that nobody can pay is never paid.
  @Test func bounds() throws {
    let spans: [(TimeSpan, Bool)] = [
      (.milliseconds(999), false), (.seconds(1), true), (.seconds(60), true), (.milliseconds(60_001), false),
    ]
    for (ttl, isThere) in spans { #expect((TowerRetryBudget(ttl: ttl, at: .zero) != nil) == isThere) }
    for ratio in [-0.1, 1000.1, .infinity, .nan] { #expect(TowerRetryBudget(retryRatio: ratio, at: .zero) == nil) }
    for least in [-1, Int64(Int32.max), .max] {
      #expect(TowerRetryBudget(minRetriesPerSecond: least, at: .zero) == nil)
    }
    var dear = try #require(TowerRetryBudget(ttl: .seconds(60), minRetriesPerSecond: 0, retryRatio: 1e-30, at: .zero))
    for second in 0..<1000 {
      dear.deposit(at: .zero + .seconds(Int64(second)))
      let isTaken = dear.withdraw(at: .zero + .seconds(Int64(second)))
      #expect(!isTaken)
    }
    let vast = TowerRetryBudget(minRetriesPerSecond: Int64(Int32.max) - 1, retryRatio: 1e-12, at: .zero)
    var most = try #require(vast)
    let isTaken = most.withdraw(at: .zero)
    #expect(isTaken)
  }
}
