// Envoy's gradient controller beyond its vectors: a closed loop, and random orders of events.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("adaptive concurrency")
struct AdaptiveConcurrencyTests {
  // Goal: with a given least latency nothing is measured, and intervals begin at k times their length.
  @Test func fixedMinimum() {
    var description = AdaptiveConcurrencyDescription()
    description.fixedMinRTT = .milliseconds(10)
    description.minConcurrency = 4
    var limit = AdaptiveConcurrency(description, at: .zero)
    var random = RandomStream(state: 1)
    #expect(!limit.isMeasuring && limit.limit == 4)
    let began = Timestamp.zero + .milliseconds(30)
    #expect(limit.passes(at: began) == true)
    limit.ended(began: began, &random, at: began + .milliseconds(10))
    #expect(limit.limit == 4)
    #expect(limit.passes(at: .zero + .milliseconds(99)) && limit.limit == 4)
    #expect(limit.passes(at: .zero + .milliseconds(100)) == true)
    // 4 · 12.5 ms / 10.5 ms, the middle of the latency's bin, and √ of that.
    #expect(limit.limit == 6)
  }

  // Goal: requests that began before a measurement do not count for it; forgotten ones give back their place.
  @Test func stragglers() {
    var description = AdaptiveConcurrencyDescription()
    description.minRTTRequestCount = 1
    description.minRTTJitter = 0
    var limit = AdaptiveConcurrency(description, at: .zero)
    var random = RandomStream(state: 1)
    #expect(limit.passes(at: .zero) == true)
    limit.ended(began: .zero, &random, at: .zero + .milliseconds(5))
    let late = Timestamp.zero + .seconds(60)
    #expect(!limit.isMeasuring && limit.passes(at: late))
    let again = late + .seconds(1)
    #expect(limit.passes(at: again) && limit.isMeasuring && limit.inFlight == 2)
    limit.ended(began: late, &random, at: again)
    #expect(limit.isMeasuring)
    limit.ended(began: again, &random, at: again + .milliseconds(7))
    #expect(!limit.isMeasuring && limit.minRTT == 7_050 && limit.inFlight == 0)
    #expect(limit.passes(at: again + .seconds(1)) == true)
    limit.forgotten()
    #expect(limit.inFlight == 0)
  }

  // Goal: there are never more in flight than the limit was at their admission, the limit stays in its bounds, and nobody is left.
  @Test(arguments: 0..<20 as Range<UInt64>) func bounds(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    var description = AdaptiveConcurrencyDescription()
    description.minConcurrency = UInt32(1 + random.below(10))
    description.maxConcurrencyLimit = description.minConcurrency + UInt32(random.below(100))
    description.minRTTRequestCount = UInt32(1 + random.below(60))
    description.minRTTInterval = .seconds(Int64(1 + random.below(5)))
    var limit = AdaptiveConcurrency(description, at: .zero)
    var open: [Timestamp] = []
    var now = Timestamp.zero
    for _ in 0..<20_000 {
      now = now + TimeSpan(nanoseconds: Int64(random.below(2_000_000)))
      if random.below(2) == 0 {
        if limit.passes(at: now) { open.append(now) }
        #expect(limit.inFlight == UInt32(open.count))
      } else if !open.isEmpty {
        let began = open.remove(at: random.below(open.count))
        if random.below(10) == 0 { limit.forgotten() } else { limit.ended(began: began, &random, at: now) }
      }
      #expect(limit.limit >= description.minConcurrency && limit.limit <= description.maxConcurrencyLimit)
    }
    while let began = open.popLast() { limit.ended(began: began, &random, at: now) }
    #expect(limit.inFlight == 0)
  }
}
