import MeshCore
import Testing

@testable import TrafficSplitting

@Suite struct HedgeRuleTests {
  private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(nanoseconds: milliseconds * 1_000_000) }

  /// Goal: Finagle waits for a figure until its first look after three seconds, takes a millisecond while its window is empty, and the
  /// window's quantile from the first look after ten seconds on.
  @Test func looksOfFinagle() {
    var rule = HedgeRule(HedgeDescription(after: .quantile(0.9), maxExtraLoad: 0.1), .finagle)
    #expect(rule.delay(at: at(2_999)) == nil)
    for number in 1...100 as ClosedRange<Int64> { rule.record(.milliseconds(number), at: at(2_000 + number)) }
    #expect(rule.delay(at: at(3_000)) == .milliseconds(1))
    #expect(rule.delay(at: at(10_500)) == .milliseconds(1))
    #expect(rule.delay(at: at(12_000)) == .milliseconds(90))
  }

  /// Goal: others send nothing before the first figure; latencies beyond the scale send nothing either.
  @Test func looksOfOthers() {
    var rule = HedgeRule(HedgeDescription(after: .quantile(0.5)), .weir)
    for _ in 0..<10 { rule.record(.milliseconds(20), at: at(100)) }
    #expect(rule.delay(at: at(3_100)) == nil)
    let known = rule.delay(at: at(12_000))
    #expect(known.map { abs($0.milliseconds - 20) < 0.2 } == true)
    var slow = HedgeRule(HedgeDescription(after: .quantile(0.5)), .finagle)
    slow.record(.seconds(5), at: at(100))
    #expect(slow.delay(at: at(12_000)) == nil)
  }

  /// Goal: a look that was due does not see what came after it.
  @Test func lateLooks() {
    var rule = HedgeRule(HedgeDescription(after: .quantile(0.5)), .finagle)
    rule.record(.milliseconds(30), at: at(1_000))
    // Due at 12 s, asked for at 21 s: what ended at 20 s was not over at the look of 18 s.
    rule.record(.milliseconds(70), at: at(15_000))
    #expect(rule.delay(at: at(20_500)) == .milliseconds(30))
    #expect(rule.delay(at: at(21_000)) == .milliseconds(30))
  }
}
