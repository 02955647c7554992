import MeshCore
import Testing

@testable import TrafficSplitting

@Suite struct RecentLatenciesTests {
  /// Goal: quantiles are those of the last three ended slices, as a sorted list of what fell into them says, to a cell's width.
  @Test(arguments: 0..<20 as Range<UInt64>) func againstASortedList(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let isFinagle = seed % 2 == 0
    var window = isFinagle ? RecentLatencies.finagle : .fine
    var known: [(slice: Int64, value: Int64)] = []
    var now: Int64 = 0
    for _ in 0..<3_000 {
      now += Int64(random.below(60)) * 1_000_000 + (random.below(500) == 0 ? 15_000_000_000 : 0)
      let latency = Int64(random.unit() * random.unit() * 3e9)
      window.record(TimeSpan(nanoseconds: latency), at: Timestamp(nanoseconds: now))
      known.append((now / 10_000_000_000, latency))
      if random.below(20) > 0 { continue }
      let share = random.unit()
      let slice = now / 10_000_000_000
      let values = known.filter { $0.slice < slice && $0.slice >= slice - 3 }.map(\.value).sorted()
      let found = window.quantile(share, at: Timestamp(nanoseconds: now)).nanoseconds
      if values.isEmpty {
        #expect(found == 0)
        continue
      }
      let rank = max(Int(share * Double(values.count) + 0.5), 1)
      let expected = values[rank - 1]
      if isFinagle {
        #expect(found == min(expected / 1_000_000, 2_000) * 1_000_000)
      } else {
        #expect(found <= expected + expected / 100 && found >= expected - 1_000)
      }
    }
  }

  /// Goal: nothing is known before a slice has ended.
  @Test func ready() {
    var window = RecentLatencies.fine
    window.record(.milliseconds(5), at: .zero)
    #expect(window.quantile(0.5, at: Timestamp(nanoseconds: 9_999_999_999)) == .zero && !window.isReady)
    let found = window.quantile(0.5, at: Timestamp(nanoseconds: 10_000_000_000))
    #expect(window.isReady && abs(found.milliseconds - 5) < 0.05)
  }
}
