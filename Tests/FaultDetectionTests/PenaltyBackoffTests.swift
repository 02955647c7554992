import Foundation
import FaultDetection
import MeshCore
import TestVectors
import Testing

@Suite struct PenaltyBackoffTests {
  // Goal: Linkerd's bases and ranges for 1 s … 60 s with jitter 0.5; both ends of each range are come near to.
  @Test func matchesLinkerdsRanges() throws {
    let linkerd = try VectorValue.fixture("backoff", in: .module)("linkerd")
    let configuration = ConsecutiveAccrualDescription()
    let bases = try linkerd("accrual_base_1_60").ints
    let ranges = try linkerd("accrual_range_jitter_0_5").items.map { try $0.doubles }
    #expect(bases.count == 9 && ranges.count == 9)
    var random = RandomStream(state: 3)
    for (step, (base, range)) in zip(bases, ranges).enumerated() {
      #expect(configuration.basePenalty(step: UInt32(step)) == .seconds(Int64(base)))
      let drawn = (0..<20_000).map { _ in configuration.penalty(step: UInt32(step), &random).seconds }
      let (least, most) = (drawn.min() ?? 0, drawn.max() ?? 0)
      #expect(least >= range[0] && most <= range[1])
      #expect(least - range[0] <= 0.001 * (range[1] - range[0]) + 1e-9, "step \(step)")
      #expect(range[1] - most <= 0.001 * (range[1] - range[0]) + 1e-9, "step \(step)")
      let mean = drawn.reduce(0, +) / Double(drawn.count)
      #expect(abs(mean - (range[0] + range[1]) / 2) <= 0.01 * (range[1] - range[0]) + 1e-9)
    }
  }

  // Goal: the route-retry row of the same file holds for any bounds: 25 ms … 250 ms, jitter 1.
  @Test func matchesOtherBounds() throws {
    let row = try VectorValue.fixture("backoff", in: .module)("linkerd")("route_retry_annotation")
    let configuration = ConsecutiveAccrualDescription(
      minPenalty: .milliseconds(Int64(try row("min_ms").int)), maxPenalty: .milliseconds(Int64(try row("max_ms").int)),
      jitterRatio: try row("jitter").double)
    var random = RandomStream(state: 4)
    for (step, base) in try row("base").ints.enumerated() {
      #expect(configuration.basePenalty(step: UInt32(step)) == .milliseconds(Int64(base)))
      for _ in 0..<1000 {
        let penalty = configuration.penalty(step: UInt32(step), &random).milliseconds
        #expect(penalty >= Double(base) && penalty <= Double(min(2 * base, 250)))
      }
    }
  }

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
