import FaultDetection
import MeshCore
import Testing

@Suite struct SuccessRateWindowTests {
  // Goal: what counts is what a list of all answers says, by buckets on a grid from the first one.
  @Test(arguments: 1...40) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let window = TimeSpan.milliseconds(Int64(10 * (1 + random.below(50))))
    let bucket = max(window.nanoseconds / 10, 1_000_000)
    var ring = SuccessRateWindow(window: window)
    var now = Timestamp(nanoseconds: Int64(random.below(1_000_000_000)))
    var answers: [(time: Int64, isSuccess: Bool)] = []
    for _ in 0..<400 {
      let isSuccess = random.below(3) > 0
      ring.record(isSuccess: isSuccess, at: now)
      answers.append((now.nanoseconds, isSuccess))
      let start = answers[0].time
      let present = (now.nanoseconds - start) / bucket
      let counted = answers.filter { ($0.time - start) / bucket > present - 10 }
      try #require(Int(ring.total) == counted.count)
      try #require(Int(ring.successes) == counted.count { $0.isSuccess })
      now = now + TimeSpan(nanoseconds: Int64(random.below(random.below(20) == 0 ? 40 : 2) + 1) * bucket / 3)
    }
  }

  // Goal: the bounds are those of Linkerd: strictly below, enough answers, and never without any.
  @Test func trips() {
    var ring = SuccessRateWindow(window: .seconds(10))
    #expect(ring.ratio == nil && !ring.shouldTrip(minimumRequests: 0, threshold: 1))
    for isSuccess in [true, true, true, true, false] { ring.record(isSuccess: isSuccess, at: .zero) }
    #expect(ring.ratio == 0.8 && !ring.shouldTrip(minimumRequests: 5, threshold: 0.8))
    #expect(ring.shouldTrip(minimumRequests: 5, threshold: 0.8001))
    #expect(!ring.shouldTrip(minimumRequests: 6, threshold: 0.9))
    ring.clear()
    #expect(ring.total == 0 && ring.ratio == nil)
  }
}
