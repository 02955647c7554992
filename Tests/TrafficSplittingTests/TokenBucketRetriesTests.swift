import MeshCore
import Testing
import TrafficSplitting

@Suite struct TokenBucketRetriesTests {
  /// One client of Brooker's simulation: `requests` first tries, each try failing by `failure`, retried while the bucket allows it.
  private func simulate(requests: Int, failure: Double, _ random: inout RandomStream) -> (successes: Int, tries: Int) {
    var bucket = TokenBucketRetries.brooker()
    var (successes, tries) = (0, 0)
    for _ in 0..<requests {
      bucket.deposit()
      while true {
        tries += 1
        if random.unit() >= failure {
          successes += 1
          break
        }
        if !bucket.withdraw() { break }
      }
    }
    return (successes, tries)
  }

  // Goal: success and load of Brooker's simulation (100 clients of 10 requests a second, 100 s) come out.
  @Test(arguments: [
    (0.05, 0.9998, 1.0526), (0.1, 0.985, 1.0941), (0.2, 0.8832, 1.1035), (0.3, 0.7745, 1.104), (0.5, 0.5536, 1.1042),
  ]) func reproducesBrooker(_ failure: Double, _ success: Double, _ load: Double) {
    var random = RandomStream(state: 17)
    var (successes, tries) = (0, 0)
    for _ in 0..<100 {
      let client = simulate(requests: 1000, failure: failure, &random)
      successes += client.successes
      tries += client.tries
    }
    #expect(abs(Double(successes) / 1e5 - success) < 0.01)
    #expect(abs(Double(tries) / 1e5 - load) < 0.01)
  }

  // Goal: many clients with few requests each are hardly bounded: row 18 of Brooker's table, 100 requests a second in all.
  @Test(arguments: [(10, 1000, 1.104), (100, 100, 1.1385), (1000, 10, 1.3465)])
  func clientCount(_ clients: Int, _ requests: Int, _ load: Double) {
    var random = RandomStream(state: 18)
    var tries = 0
    for _ in 0..<clients { tries += simulate(requests: requests, failure: 0.3, &random).tries }
    #expect(abs(Double(tries) / Double(clients * requests) - load) < 0.03)
  }

  // Goal: ten tenths are one, and one is not more than one.
  @Test func countsExactly() {
    var bucket = TokenBucketRetries.brooker(capacity: 2)
    var taken = [bucket.withdraw(), bucket.withdraw()]
    #expect(taken == [true, false] && bucket.tokens == 1)
    bucket.deposit()
    taken = [bucket.withdraw()]
    #expect(taken == [true] && bucket.tokens == 0.1)
    for _ in 0..<9 { bucket.deposit() }
    taken = [bucket.withdraw()]
    #expect(taken == [false] && bucket.tokens == 1)
    for _ in 0..<100 { bucket.deposit() }
    #expect(bucket.tokens == 2)
  }

  // Goal: AWS's quota gives 100 retries, 50 after timeouts, gets a success's cost back, and never leaves 0 … 500.
  @Test func awsQuota() {
    var quota = TokenBucketRetries.aws()
    var retries = 0
    while quota.withdraw() { retries += 1 }
    #expect(retries == 100 && quota.tokens == 0)
    quota.refund()
    var taken = [quota.withdraw(isAfterTimeout: true), quota.withdraw()]
    #expect(taken == [false, true])
    for _ in 0..<10 { quota.deposit() }
    taken = [quota.withdraw(isAfterTimeout: true)]
    #expect(taken == [true] && quota.tokens == 0)
    quota.refund(isAfterTimeout: true)
    #expect(quota.tokens == 10)
    var random = RandomStream(state: 5)
    for _ in 0..<5000 {
      switch random.below(4) {
      case 0: quota.deposit()
      case 1: quota.refund(isAfterTimeout: random.below(2) == 0)
      default: _ = quota.withdraw(isAfterTimeout: random.below(2) == 0)
      }
      #expect(quota.tokens >= 0 && quota.tokens <= 500)
    }
  }

  // Goal: whatever is paid in and out in whatever order, there is never less than nothing nor more than the bucket holds.
  @Test(arguments: 0..<30 as Range<UInt64>) func neverNegative(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let capacity = Double(random.below(20))
    var buckets = [
      TokenBucketRetries.brooker(capacity: capacity, perRequest: Double(random.below(12)) / 10),
      TokenBucketRetries.aws(
        capacity: Int64(capacity), cost: Int64(random.below(6)), perSuccess: Int64(random.below(3))),
    ]
    for _ in 0..<2_000 {
      let place = random.below(2)
      switch random.below(4) {
      case 0: buckets[place].deposit()
      case 1: buckets[place].refund(isAfterTimeout: random.below(2) == 0)
      default: _ = buckets[place].withdraw(isAfterTimeout: random.below(2) == 0)
      }
      #expect(buckets[place].tokens >= 0 && buckets[place].tokens <= capacity)
    }
  }
}
