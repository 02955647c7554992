import Testing

@testable import TrafficSplitting

@Suite struct TokenWindowTests {
  // Goal: a token is forgotten when its slot comes round again, and part of a slot empties one more where that is asked for.
  @Test func forgets() {
    for (countsPartSlots, kept) in [(true, Int64(0)), (false, 7)] {
      var window = TokenWindow(slotCount: 2, slotLength: 10, countsPartSlots: countsPartSlots, at: 0)
      window.add(7)
      window.expire(at: 9)
      #expect(window.sum == 7)
      window.expire(at: 10)
      #expect(window.sum == 7)
      // One slot and a half later: the next slot is committed, and perhaps the half empties the first.
      window.expire(at: 25)
      #expect(window.sum == kept)
      window.add(3)
      window.expire(at: 1_000_000)
      #expect(window.sum == 0 || !countsPartSlots)
    }
  }
}
