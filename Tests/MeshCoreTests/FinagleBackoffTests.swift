import MeshCore
import Testing

private func waits(_ growth: FinagleBackoff.Growth, _ start: Int64, _ maximum: Int64, _ count: Int, draw: UInt64)
  -> [Double]
{
  var series = FinagleBackoff(growth, start: .milliseconds(start), maximum: .milliseconds(maximum))
  return (0..<count).map { _ in series.next(draw: draw).milliseconds.rounded() }
}

@Suite struct FinagleBackoffTests {
  // Goal: with the least and the greatest draws each jittered series is what its rule says.
  @Test func followsItsRule() {
    #expect(waits(.equalJittered, 5, 300, 9, draw: 0) == [5, 5, 10, 20, 40, 80, 160, 300, 300])
    #expect(waits(.equalJittered, 5, 300, 9, draw: .max) == [5, 10, 20, 40, 80, 160, 300, 300, 300])
    #expect(waits(.exponentialJittered, 5, 300, 4, draw: 0) == [5, 0, 0, 0])
    // Each bound is the last wait, times 2, 4, 8: a bound of 320 is beyond the longest.
    #expect(waits(.exponentialJittered, 5, 300, 5, draw: .max) == [5, 10, 40, 300, 300])
    #expect(waits(.decorrelatedJittered, 5, 300, 3, draw: 0) == [5, 5, 5])
    #expect(waits(.decorrelatedJittered, 5, 100, 5, draw: .max) == [5, 15, 45, 100, 100])
  }

  // Goal: series without jitter end at their longest wait and stay there, whatever is drawn.
  @Test func staysAtTheLongest() {
    #expect(waits(.exponential(multiplier: 3), 2, 50, 6, draw: 7) == [2, 6, 18, 50, 50, 50])
    #expect(waits(.exponential(multiplier: 0), 2, 50, 3, draw: 7) == [2, 0, 0])
    #expect(waits(.exponential(multiplier: 1), 2, 50, 3, draw: 7) == [2, 2, 2])
    #expect(waits(.linear(offset: .milliseconds(20)), 2, 50, 5, draw: 7) == [2, 22, 42, 50, 50])
    #expect(waits(.linear(offset: .zero), 90, 50, 2, draw: 7) == [50, 50])
  }

  // Goal: a wait is never negative nor beyond the longest, at extremes neither.
  @Test(arguments: 1...200) func staysWithinBounds(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let ends = [Int64.min, -1, 0, 1, 1_000_000, .max / 2, .max]
    let growths: [FinagleBackoff.Growth] = [
      .exponential(multiplier: ends[random.below(7)]), .linear(offset: TimeSpan(nanoseconds: ends[random.below(7)])),
      .equalJittered, .exponentialJittered, .decorrelatedJittered,
    ]
    for growth in growths {
      let maximum = TimeSpan(nanoseconds: ends[random.below(7)])
      var series = FinagleBackoff(growth, start: TimeSpan(nanoseconds: ends[random.below(7)]), maximum: maximum)
      for _ in 0..<100 {
        let wait = series.next(draw: random.next())
        #expect(wait >= .zero && wait <= max(maximum, .zero))
      }
    }
  }
}
