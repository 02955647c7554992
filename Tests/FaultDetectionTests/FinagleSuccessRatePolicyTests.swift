import Foundation
import FaultDetection
import MeshCore
import Testing

@Suite struct FinagleSuccessRatePolicyTests {
  private static func policy(_ share: Double, _ span: SuccessRateSpan) -> FinagleSuccessRatePolicy {
    let backoff = FinagleBackoff(.equalJittered, start: .seconds(5), maximum: .seconds(5))
    return FinagleSuccessRatePolicy(RequiredSuccessRate(share: share, span: span), backoff: backoff, at: .zero)
  }

  // Goal: after w successes it takes w · ln(1/r) failures until the rate is below r, as the average's formula says.
  @Test(arguments: [0.3, 0.5, 0.8], [50, 100, 1000]) func failuresUntilDead(_ share: Double, _ window: Int) {
    let expected = Int(Double(window) * log(1 / share)) + 1
    for isTimed in [false, true] {
      let span: SuccessRateSpan =
        isTimed ? .duration(.seconds(Int64(window)), minimumRequests: 0) : .requests(Int64(window))
      var policy = Self.policy(share, span)
      var random = RandomStream(state: 1)
      var second: Int64 = 0
      for _ in 0..<window {
        policy.recordSuccess(at: .zero + .seconds(second))
        second += 1
      }
      var failures = 1
      while policy.markDeadOnFailure(&random, at: .zero + .seconds(second)) == nil && failures < 10_000 {
        failures += 1
        second += 1
      }
      #expect(failures == expected, "\(isTimed)")
    }
  }

  // Goal: nothing is decided before the window has passed and without enough requests in it, nor by a success.
  @Test func needsHistory() {
    var policy = Self.policy(1, .duration(.seconds(30), minimumRequests: 5))
    var random = RandomStream(state: 1)
    #expect(policy.markDeadOnFailure(&random, at: .zero + .milliseconds(29_999)) == nil)
    for _ in 0..<3 { #expect(policy.markDeadOnFailure(&random, at: .zero + .seconds(30)) == nil) }
    #expect(policy.markDeadOnFailure(&random, at: .zero + .seconds(30)) == .seconds(5))
    // All that is forgotten a while later: the requests and, with a revival, the history.
    #expect(policy.markDeadOnFailure(&random, at: .zero + .seconds(100)) == nil)
    policy.revived(at: .zero + .seconds(100))
    for _ in 0..<9 { #expect(policy.markDeadOnFailure(&random, at: .zero + .seconds(129)) == nil) }
    #expect(policy.markDeadOnFailure(&random, at: .zero + .seconds(130)) == .seconds(5))
    #expect(policy.samples == 10 && policy.rate == 0)
  }
}
