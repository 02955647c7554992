import Foundation
import FaultDetection
import MeshCore
import Testing

@Suite struct PenaltyBackoffTests {
  // Goal: at the longest penalty nothing is drawn and nothing is added; without jitter neither.
  @Test func drawsOnlyWhatItNeeds() {
    var random = RandomStream(state: 9)
    var untouched = random
    #expect(ConsecutiveAccrualDescription().penalty(step: 6, &random) == .seconds(60))
    #expect(ConsecutiveAccrualDescription(jitterRatio: 0).penalty(step: 2, &random) == .seconds(4))
    #expect(random.next() == untouched.next())
  }

  // Goal: extreme bounds, steps and jitters neither trap nor leave the bounds.
  @Test func survivesExtremes() {
    var random = RandomStream(state: 5)
    let longest = TimeSpan(nanoseconds: .max)
    for minimum in [TimeSpan.zero, TimeSpan(nanoseconds: 1), .seconds(1), longest] {
      for maximum in [minimum, longest] {
        for jitter in [0, 0.5, 100, .infinity, .nan] {
          let configuration = ConsecutiveAccrualDescription(
            minPenalty: minimum, maxPenalty: maximum, jitterRatio: jitter)
          var previous = TimeSpan.zero
          for step in [0, 1, 31, 32, 61, 62, 63, 64, 1000, UInt32.max] as [UInt32] {
            let base = configuration.basePenalty(step: step)
            let penalty = configuration.penalty(step: step, &random)
            #expect(base >= previous && base >= minimum && base <= maximum)
            #expect(penalty >= base && penalty <= maximum)
            previous = base
          }
        }
      }
    }
  }
}
