// Figures at the ends of what a run can hold: latencies of hours, service times beyond 64 bits.

import MeshCore
import Testing

@testable import Simulation

@Suite struct LongRunTests {
  /// Goal: a bank made for long runs keeps apart latencies of hours, which a narrower one put into its last cell.
  @Test func latenciesOfHoursKeepTheirQuantiles() {
    var bank = HistogramBank(rows: 1, precision: 11, maximum: 1 << 62)
    let hour: Int64 = 3_600_000_000_000
    for hours in 1...10 { bank.record(Int64(hours) * hour, row: 0) }
    let median = bank.histogram(row: 0).quantile(0.5) ?? 0
    #expect(abs(median / Double(5 * hour) - 1) < 0.001)
  }

  /// Goal: a cell that counts more than 32 bits hold loses nothing. Method: cells that are nearly full, beside others.
  @Test func cellsOutgrowThirtyTwoBits() {
    let full = Int64(UInt32.max)
    var bank = HistogramBank(rows: 2, precision: 7, maximum: 1 << 20)
    for row in 0..<2 {
      // Value 5 so often that one more is too many; cells of small values are the values themselves.
      bank.record(9, row: row)
      bank.cells[row * (bank.cells.count / 2) + 5] = .max
    }
    for _ in 0..<2 { bank.count(5, row: 1) }
    #expect(bank.quantile(0.999, row: 1, total: full + 3) == 5)
    #expect(bank.quantile(1, row: 1, total: full + 3) == 9)
    #expect(bank.quantile(0.999, row: 0, total: full + 1) == 5)

    // Poured into a row that is as full: the sum is beyond twice 32 bits, and the source is empty.
    var sum = HistogramBank(rows: 2, precision: 7, maximum: 1 << 20)
    sum.cells[5] = .max
    for _ in 0..<2 { bank.record(5, row: 1) }
    let quantiles = sum.pour(from: &bank, row: 1, to: 0)
    #expect(quantiles?.p50 == 5)
    #expect(bank.quantile(0.5, row: 1, total: 1) == nil)
    #expect(sum.quantile(0.999, row: 0, total: 2 * full + 5) == 5)
    let histogram = sum.histogram(row: 0)
    #expect(histogram.subtracting(LatencyHistogram(precision: 7)).quantile(0) == 5)
    sum.clear(row: 0)
    #expect(sum.quantile(0.5, row: 0, total: 1) == nil)
  }
}
