import Foundation
import MeshCore
import Testing

/// Goal: the average is what its formula says, whatever comes. Method: random samples against the formula with the C library's
/// exponential; Linkerd's own tests are among the test vectors (ConformanceTests).
@Suite struct DecayingAverageTests {
  @Test(arguments: 1...20) func equalsItsFormula(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let decay = 1 + random.below(20)
    var average = DecayingAverage(decay: .milliseconds(Int64(decay)), at: .zero)
    var value = Double.infinity
    var stamp = 0.0
    var now = 0.0
    for _ in 0..<500 {
      now += Double(random.below(3)) * 1e6
      let instant = Timestamp(nanoseconds: Int64(now))
      let sample = random.unit() * 100
      let kept = exp(-(now - stamp) / (Double(decay) * 1e6))
      let isPeak = random.below(2) == 0
      if isPeak { average.addPeak(sample, at: instant) } else { average.add(sample, at: instant) }
      if value == .infinity || (isPeak && value * kept < sample) {
        (value, stamp) = (sample, now)
      } else if now > stamp {
        (value, stamp) = (value * kept + sample * (1 - kept), now)
      }
      #expect(abs(average.value - value) <= 1e-11 * value)
      #expect(average.value(at: instant + .milliseconds(decay == 1 ? 0 : 1)) <= average.value)
    }
  }
}
