import Statistics
import Testing

/// Goal: many comparisons raise no more false alarms than one. Method: R's `p.adjust`, properties, and comparisons of
/// nothing.
@Suite struct HolmCorrectionTests {
  private func isClose(_ values: [Double], _ expected: [Double]) -> Bool {
    values.count == expected.count && zip(values, expected).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  /// Goal: the textbook's figures. R 4.3: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
  @Test func knownExamples() {
    #expect(isClose(HolmCorrection.adjusted([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]))
    // 5 · 0.01, 4 · 0.02, 3 · 0.03, 2 · 0.04 = 0.08 below the one before, 0.05 below it too.
    #expect(isClose(HolmCorrection.adjusted([0.01, 0.02, 0.03, 0.04, 0.05]), [0.05, 0.08, 0.09, 0.09, 0.09]))
    #expect(isClose(HolmCorrection.adjusted([0.2]), [0.2]))
    #expect(HolmCorrection.adjusted([]).isEmpty)
  }

  /// Goal: a probability stays one, whatever the number of comparisons.
  @Test func neverAboveOneNeverBelowItself() {
    var generator = SplitMix(state: 21)
    for count in [1, 2, 7, 100] {
      let values = (0..<count).map { _ in generator.unit() }
      let adjusted = HolmCorrection.adjusted(values)
      #expect(zip(values, adjusted).allSatisfy { $0 <= $1 && $1 <= 1 })
      let order = values.indices.sorted { values[$0] < values[$1] }
      #expect(zip(order, order.dropFirst()).allSatisfy { adjusted[$0] <= adjusted[$1] })
      // Never more careful than Bonferroni.
      #expect(zip(values, adjusted).allSatisfy { $1 <= min(1, Double(count) * $0) })
    }
    #expect(HolmCorrection.adjusted([0.6, 0.9]) == [1, 1])
    #expect(HolmCorrection.adjusted([0, 0.5, 1]) == [0, 1, 1])
  }

  /// Goal: equal p-values come out equal, in whatever order.
  @Test func orderDoesNotMatter() {
    #expect(isClose(HolmCorrection.adjusted([0.02, 0.02, 0.5]), [0.06, 0.06, 0.5]))
    #expect(isClose(HolmCorrection.adjusted([0.5, 0.02, 0.02]), [0.5, 0.06, 0.06]))
  }

  /// Goal: what could not be tested spoils nothing and counts for nothing.
  @Test func whatIsNoNumberIsNotCounted() {
    let adjusted = HolmCorrection.adjusted([.nan, 0.01, 0.04])
    #expect(adjusted[0].isNaN)
    #expect(isClose(Array(adjusted[1...]), [0.02, 0.04]))
  }

  /// Goal: 20 comparisons of nothing raise an alarm in at most 5 of 100 cases. Method: 4000 times 20 uniform p-values;
  /// the share of alarms is 1 − (1 − 0.05/20)²⁰ = 0.0488.
  @Test func falseAlarmsAreAsRareAsPromised() {
    var generator = SplitMix(state: 22)
    var alarms = 0
    for _ in 0..<4000 {
      if HolmCorrection.adjusted((0..<20).map { _ in generator.unit() }).contains(where: { $0 < 0.05 }) { alarms += 1 }
    }
    #expect(abs(Double(alarms) - 4000 * 0.0488) < 4 * (4000 * 0.0488 * 0.9512).squareRoot())
  }
}
