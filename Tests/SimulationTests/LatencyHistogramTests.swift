import Histogram
import MeshCore
import Testing

@testable import Simulation

/// Goal: quantiles to three digits, mean and maximum exact, parts that add up. Method: sorted values and the HdrHistogram
/// library as oracles.
@Suite struct LatencyHistogramTests {
  /// Latencies over seven decades.
  private func latencies(_ count: Int, seed: UInt64) -> [Int64] {
    var stream = RandomStream(state: seed)
    return (0..<count).map { _ in Int64(Elementary.exponential(8 + 16 * stream.unit())) }
  }

  private static let probabilities = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1]

  @Test(arguments: [(11, 1 / 1024.0), (8, 1 / 128.0)])
  func quantilesAreThoseOfTheSortedValues(precision: Int, tolerance: Double) throws {
    let values = latencies(20_000, seed: 1)
    let sorted = values.sorted()
    var histogram = LatencyHistogram(precision: precision)
    for value in values { histogram.record(value) }
    for probability in Self.probabilities {
      let rank = max(1, Int((probability * 20_000 - 1e-6).rounded(.up)))
      let exact = Double(sorted[rank - 1])
      let value = try #require(histogram.quantile(probability))
      #expect(abs(value - exact) <= tolerance / 2 * exact + 0.5, "quantile \(probability)")
    }
    #expect(histogram.maximum == sorted.last)
    #expect(histogram.quantile(1) == Double(sorted[19_999]))
    #expect(histogram.count == 20_000)
  }

  /// Goal: the same answers as the library with three digits, whose answer is the upper end of a cell: one part in a thousand.
  @Test func agreesWithTheLibrary() throws {
    var library = Histogram<UInt64>(highestTrackableValue: 1 << 40, numberOfSignificantValueDigits: .three)
    var own = LatencyHistogram()
    for value in latencies(50_000, seed: 2) {
      own.record(value)
      library.record(UInt64(value))
    }
    for probability in Self.probabilities {
      let theirs = Double(library.valueAtPercentile(probability * 100))
      let ours = try #require(own.quantile(probability))
      #expect(abs(ours - theirs) <= 1e-3 * theirs, "quantile \(probability)")
    }
    #expect(abs(try #require(own.mean) / library.mean - 1) < 1e-3)
    #expect(UInt64(own.maximum) <= library.max)
    #expect(Double(own.maximum) >= Double(library.max) * (1 - 1e-3))
  }

  /// Goal: merging is the same as recording everything in one, whatever the order and the memory behind.
  @Test func partsAddUp() {
    let values = latencies(9000, seed: 3)
    var whole = LatencyHistogram()
    for value in values { whole.record(value) }
    var parts = [LatencyHistogram(), LatencyHistogram(), LatencyHistogram()]
    for (index, value) in values.enumerated() { parts[index % 3].record(value) }
    var forward = LatencyHistogram()
    for part in parts { forward.add(part) }
    var backward = LatencyHistogram()
    for part in parts.reversed() { backward.add(part) }
    #expect(forward == whole && backward == whole)
    #expect(Set([forward, backward, whole]).count == 1)
    for probability in Self.probabilities { #expect(forward.quantile(probability) == whole.quantile(probability)) }
    backward.record(1)
    #expect(backward != whole)
  }

  /// Goal: taking a part out leaves what recording the rest alone gives, the maximum within its cell.
  @Test func partsAreTakenOut() throws {
    let values = latencies(6000, seed: 4)
    var whole = LatencyHistogram()
    var part = LatencyHistogram()
    var rest = LatencyHistogram()
    for (index, value) in values.enumerated() {
      whole.record(value)
      if index % 3 == 0 { part.record(value) } else { rest.record(value) }
    }
    // The part that is taken out holds the largest value.
    whole.record(1 << 40)
    part.record(1 << 40)
    let left = whole.subtracting(part)
    #expect(left.count == rest.count && left.mean == rest.mean)
    for probability in Self.probabilities.dropLast() {
      let expected = try #require(rest.quantile(probability))
      #expect(abs(try #require(left.quantile(probability)) - expected) <= expected / 1024)
    }
    #expect(left.maximum >= rest.maximum && Double(left.maximum) <= Double(rest.maximum) * (1 + 1 / 1024.0))
    #expect(whole.subtracting(whole) == LatencyHistogram())
    #expect(whole.subtracting(LatencyHistogram()) == whole)
  }

  /// Goal: a bank's rows are the histograms that recording one by one gives, and clearing one leaves the others.
  @Test func banksKeepRowsApart() {
    var bank = HistogramBank(rows: 2, precision: 8, maximum: 1 << 36)
    var first = LatencyHistogram(precision: 8)
    var second = LatencyHistogram(precision: 8)
    for (index, value) in latencies(4000, seed: 5).enumerated() {
      bank.record(value, row: index % 2)
      if index % 2 == 0 { first.record(value) } else { second.record(value) }
    }
    #expect(bank.histogram(row: 0) == first)
    #expect(bank.histogram(row: 1) == second)
    bank.clear(row: 0)
    #expect(bank.histogram(row: 0) == LatencyHistogram(precision: 8))
    #expect(bank.histogram(row: 1) == second)
  }

  /// Goal: sums keep every digit that a double has, far beyond 2^64 in total.
  @Test func meanIsExact() {
    var histogram = LatencyHistogram()
    for _ in 0..<6 { histogram.record(1 << 62) }
    histogram.record((1 << 62) - 7)
    #expect(histogram.mean == Double(1 << 62) - 1)
    var small = LatencyHistogram()
    for value: Int64 in [1, 2, 4] { small.record(value) }
    #expect(small.mean == 7 / 3.0)
  }

  /// Goal: a cell may hold more than 2^32 values. Method: doubling by adding to itself.
  @Test func cellsOutgrow32Bits() {
    var histogram = LatencyHistogram()
    for _ in 0..<3 { histogram.record(500) }
    histogram.record(9_000_000)
    for _ in 0..<34 {
      let same = histogram
      histogram.add(same)
    }
    #expect(histogram.count == 4 << 34)
    #expect(histogram.quantile(0.5) == 500)
    #expect(histogram.quantile(0.74) == 500)
    #expect((histogram.quantile(0.76) ?? 0) > 8_900_000)
    #expect(histogram.mean == (1500 + 9_000_000) / 4.0)
  }

  @Test func edges() {
    var histogram = LatencyHistogram()
    #expect(histogram.mean == nil && histogram.quantile(0.5) == nil && histogram.maximum == 0)
    histogram.record(-5)
    #expect(histogram.quantile(0.5) == 0 && histogram.mean == 0)
    histogram.record(.max)
    #expect(histogram.maximum == LatencyHistogram.largestValue)
    #expect(histogram.quantile(0.9) == Double(LatencyHistogram.largestValue))
    histogram = LatencyHistogram()
    for value in 1...100 { histogram.record(Int64(value)) }
    // Ranks are those of decimal shares, not of the doubles next to them.
    #expect(histogram.quantile(0.07) == 7 && histogram.quantile(0.29) == 29 && histogram.quantile(0.99) == 99)
  }

  /// Goal: small values are exact and cells follow each other without overlap.
  @Test func cellsAreInOrder() throws {
    for precision in [8, 11] {
      var previous = -1.0
      var value: Int64 = 0
      while value < 1 << 40 {
        var histogram = LatencyHistogram(precision: precision)
        histogram.record(value)
        histogram.record(1 << 41)
        let middle = try #require(histogram.quantile(0.5))
        #expect(middle >= previous)
        #expect(abs(middle - Double(value)) <= Double(value) / Double(1 << precision))
        if value < 1 << precision { #expect(middle == Double(value)) }
        previous = middle
        value = value < 64 ? value + 1 : value + value / 3
      }
    }
  }
}
