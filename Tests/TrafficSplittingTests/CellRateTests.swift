// The generic cell rate algorithm, and limits by who sends.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("cell rate")
struct CellRateTests {
  private func at(_ milliseconds: Int64) -> Timestamp { .zero + .milliseconds(milliseconds) }

  // Goal: a burst passes at once, then one an interval; what was not used comes back, up to the burst.
  @Test func burstAndRate() {
    var limit = CellRate(perSecond: 10, burst: 3, at: .zero)
    #expect((0..<4).map { _ in limit.passes(at: .zero) } == [true, true, true, false])
    #expect(!limit.passes(at: at(99)) && limit.passes(at: at(100)) && !limit.passes(at: at(100)))
    #expect((0..<4).map { _ in limit.passes(at: at(10_000)) } == [true, true, true, false])
  }

  // Goal: over any time no more pass than burst and rate allow. Method: random times beside a count.
  @Test(arguments: 0..<20 as Range<UInt64>) func neverTooMany(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let (rate, burst) = (UInt32(1 + random.below(500)), UInt32(1 + random.below(20)))
    var limit = CellRate(perSecond: rate, burst: burst, at: .zero)
    var (now, passed) = (Timestamp.zero, 0.0)
    for _ in 0..<5_000 {
      now = now + TimeSpan(nanoseconds: Int64(random.below(3_000_000)))
      passed += limit.passes(at: now) ? 1 : 0
      #expect(passed <= Double(burst) + Double(rate) * (now - .zero).seconds * 1.000001 + 1)
    }
    #expect(passed >= min(Double(burst), 5_000))
  }

  // Goal: the total comes first and is spent by who is denied later; who has a limit by name has no other; nobodies share one.
  @Test func identities() {
    func rate(_ count: UInt32) -> CellRate { CellRate(perSecond: count, burst: count, at: .zero) }
    var limit = IdentityRateLimit(total: rate(6), perIdentity: rate(1), overrides: [7: rate(2)])
    #expect([7, 7, 7].map { limit.denial(of: $0, at: .zero) } == [nil, nil, .override])
    #expect([-1, -1].map { limit.denial(of: $0, at: .zero) } == [nil, .identity])
    #expect([3, 4].map { limit.denial(of: $0, at: .zero) } == [nil, .total])
    var open = IdentityRateLimit(total: nil, perIdentity: nil)
    #expect((0..<100).allSatisfy { open.denial(of: $0, at: .zero) == nil })
  }
}
