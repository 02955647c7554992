import FaultDetection
import MeshCore
import Testing

@Suite struct FinagleConsecutivePolicyTests {
  // Goal: each failure from the n-th on takes the next wait; a success ends the run and not the series; a revival ends both.
  @Test func seriesOutlastsRuns() {
    let backoff = FinagleBackoff(.exponential(multiplier: 2), start: .seconds(1), maximum: .seconds(300))
    var policy = FinagleConsecutivePolicy(failures: 2, backoff: backoff)
    var random = RandomStream(state: 1)
    func fail() -> TimeSpan? { policy.markDeadOnFailure(&random) }
    #expect(fail() == nil && fail() == .seconds(1) && fail() == .seconds(2))
    policy.recordSuccess()
    #expect(fail() == nil && fail() == .seconds(4))
    policy.revived()
    #expect(fail() == nil && fail() == .seconds(1) && policy.failures == 2)
  }
}
