import MeshCore
import Testing
import TrafficSplitting

@Suite struct GRPCRetryThrottleTests {
  // Goal: over random outcomes tokens are what exact thousandths say, and retries go out above half of them alone.
  @Test(arguments: 1...40) func equalsExactArithmetic(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let most = Int64(1 + random.below(1_000_000))
    let ratio = Int64(1 + random.below(3000))
    var throttle = try #require(
      GRPCRetryThrottle(maxTokens: Double(most) / 1000, tokenRatio: Double(ratio) / 1000))
    var tokens = most
    #expect(throttle.isOpen)
    for _ in 0..<5000 {
      if random.below(3) == 0 {
        throttle.deposit()
        tokens = min(tokens + ratio, most)
      } else {
        tokens = max(tokens - 1000, 0)
        let mayRetry = throttle.withdraw()
        #expect(mayRetry == (Double(tokens) > Double(most) / 2))
      }
      #expect(throttle.tokens == Double(tokens) / 1000)
    }
  }

  // Goal: three decimals of a ratio count, and settings out of bounds make no throttle.
  @Test func bounds() throws {
    var throttle = try #require(GRPCRetryThrottle(maxTokens: 3, tokenRatio: 0.1239))
    _ = throttle.withdraw()
    throttle.deposit()
    #expect(throttle.tokens == 2.123)
    for (tokens, ratio) in [(0, 1.0), (1000.5, 1), (-1, 1), (10, 0), (10, -1), (.nan, 1), (10, .nan), (.infinity, 1)] {
      #expect(GRPCRetryThrottle(maxTokens: tokens, tokenRatio: ratio) == nil)
    }
  }
}
