import FaultDetection
import MeshCore
import Testing

@Suite struct WindowedAdderTests {
  // Goal: steady events are counted over the last four to five slices, and all of them are forgotten after a pause.
  @Test func coversTheRange() {
    var adder = WindowedAdder(range: .seconds(30), at: .zero)
    for millisecond in 0..<200_000 {
      let now = Timestamp.zero + .milliseconds(Int64(millisecond))
      adder.increment(at: now)
      let sum = adder.sum(at: now)
      let all = Int64(millisecond + 1)
      #expect(sum <= 30_000 && sum >= min(all, 24_000))
    }
    #expect(adder.sum(at: .zero + .seconds(400)) == 0)
  }

  // Goal: through random pauses it is what a plain retelling with a list of closed slices says.
  @Test(arguments: 1...30) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    var adder = WindowedAdder(range: .seconds(5), at: .zero)
    var (closed, running, start, now) = ([Int64](), Int64(0), Int64(0), Int64(0))
    for _ in 0..<500 {
      let passed = (now - start) / 1_000_000_000
      if passed >= 1 {
        closed.append(running)
        closed += [Int64](repeating: 0, count: Int(passed) - 1)
        running = 0
        start = now
      }
      running += 1
      adder.increment(at: Timestamp(nanoseconds: now))
      try #require(adder.sum(at: Timestamp(nanoseconds: now)) == running + closed.suffix(4).reduce(0, +))
      now += Int64(random.below(random.below(8) == 0 ? 8000 : 700)) * 1_000_000
    }
    adder.reset(at: Timestamp(nanoseconds: now))
    #expect(adder.sum(at: Timestamp(nanoseconds: now)) == 0)
  }
}
