// Envoy's histogram: its bins and its quantiles.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("log-linear histogram")
struct LogLinearHistogramTests {
  // Goal: a number lies in the bin of its first two digits, and the median of one goes half through it.
  @Test(
    arguments: [
      (0, 0), (1, 1.05), (5, 5.05), (9, 9.05), (10, 10.5), (57, 57.5), (99, 99.5), (100, 105), (109, 105), (110, 115),
      (1234, 1250), (999_999, 995_000), (5_000_000, 5_050_000),
    ] as [(Int64, Double)])
  func bins(value: Int64, median: Double) throws {
    var histogram = LogLinearHistogram()
    histogram.insert(value)
    #expect(try abs(#require(histogram.quantile(0.5)) - median) <= 1e-9 * median)
  }

  // Goal: quantiles go evenly through a bin, and are a bin's edge where the counts meet it.
  @Test func quantiles() {
    var histogram = LogLinearHistogram()
    #expect(histogram.quantile(0.5) == nil)
    for value in [20, 20, 30, 40] as [Int64] { histogram.insert(value) }
    #expect([0, 0.25, 0.5, 0.625, 0.75, 1].map { histogram.quantile($0) } == [20, 20.5, 21, 30.5, 31, 41])
    histogram.clear()
    #expect(histogram.quantile(0.5) == nil && histogram.count == 0)
  }

  // Goal: a quantile is within a bin of the one by sorting.
  @Test(arguments: 0..<10 as Range<UInt64>) func besideSorting(seed: UInt64) throws {
    var random = RandomStream(state: mix64(seed))
    var histogram = LogLinearHistogram()
    let values = (0..<1000).map { _ in Int64(1 + random.below(1 << (1 + random.below(24)))) }.sorted()
    for value in values { histogram.insert(value) }
    for quantile in [0.1, 0.5, 0.9, 0.99] {
      let exact = Double(values[Int(quantile * 1000) - 1])
      #expect(try abs(#require(histogram.quantile(quantile)) - exact) <= 0.11 * exact + 0.1)
    }
  }
}
