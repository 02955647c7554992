import Experiments
import Simulation
import Statistics
import SyntheticResults
import Testing

@Suite struct ExpectationJudgeTests {
  /// The verdict on one expectation of the variant `b` against the given p99 values in milliseconds of `a` and `b`.
  private func verdict(
    _ bound: ExpectationBound, ratioTo: String? = nil, a: [Double?] = [10, 10, 10], b: [Double?]
  ) -> Verdict {
    let expectation = Expectation(metric: "latency.p99", variant: "b", ratioTo: ratioTo, bound: bound, text: "")
    let scenario = syntheticScenario(variants: ["a", "b"], expectations: [expectation])
    let result = ExperimentResult(
      scenario: scenario,
      variants: zip(scenario.variants, [a, b]).map { variant, values in
        VariantResult(
          variant: variant,
          replications: values.enumerated().map { syntheticResult(replication: $0.offset, p99: $0.element) })
      })
    return ExpectationJudge.verdicts(result)[0]
  }

  /// The interval of 10, 12, 14 is 7.03…16.97: bounds beyond it, inside it and before it, for each kind of bound.
  @Test func wholeIntervalDecides() {
    let values: [Double?] = [10, 12, 14]
    #expect(verdict(.maximum(17e6), b: values).kind == .holds)
    #expect(verdict(.maximum(12e6), b: values).kind == .notEnoughData)
    #expect(verdict(.maximum(7e6), b: values).kind == .fails)
    #expect(verdict(.minimum(7e6), b: values).kind == .holds)
    #expect(verdict(.minimum(12e6), b: values).kind == .notEnoughData)
    #expect(verdict(.minimum(17e6), b: values).kind == .fails)
    #expect(verdict(.equals(target: 12e6, within: 0.5), b: values).kind == .holds)
    #expect(verdict(.equals(target: 12e6, within: 0.1), b: values).kind == .notEnoughData)
    #expect(verdict(.equals(target: 100e6, within: 0.1), b: values).kind == .fails)
  }

  /// One replication is judged by its value, and a bound belongs to what it allows.
  @Test func oneReplication() {
    #expect(verdict(.maximum(10e6), b: [10]).kind == .holds)
    #expect(verdict(.maximum(9.999e6), b: [10]).kind == .fails)
    #expect(verdict(.minimum(10e6), b: [10]).kind == .holds)
    #expect(verdict(.maximum(10e6), b: [10]).measured == Estimate(of: [10e6], confidence: 0.95))
  }

  /// Ratios are formed replication by replication: here both differ widely, and their ratio not at all.
  @Test func ratiosArePaired() {
    let verdict = verdict(.maximum(0.5), ratioTo: "a", a: [10, 100, 1000], b: [5, 50, 500])
    #expect(verdict.kind == .holds)
    #expect(verdict.measured == Estimate(of: [0.5, 0.5, 0.5], confidence: 0.95))
    #expect(verdict.unit == .number)
  }

  /// What was not measured cannot hold: no value at all, some replications without one, and ratios to 0.
  @Test func missingValues() {
    let none = verdict(.maximum(1e9), b: [nil, nil])
    #expect(none.kind == .notEnoughData)
    #expect(none.measured == nil)
    #expect(none.missing == 2)
    #expect(verdict(.maximum(1e9), b: [10, 10, nil]).kind == .notEnoughData)
    #expect(verdict(.maximum(1), b: [10, 10, nil]).kind == .fails)
    #expect(verdict(.maximum(1), ratioTo: "a", a: [0], b: [0]).kind == .notEnoughData)
  }
}
