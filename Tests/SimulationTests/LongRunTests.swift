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
}
