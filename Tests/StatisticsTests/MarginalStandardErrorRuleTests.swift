import Statistics
import Testing

/// Goal: MSER-5 finds where a series settles. Method: the rule by hand over all starts, and series whose transient is known.
@Suite struct MarginalStandardErrorRuleTests {
  /// The rule as its paper writes it: all starts tried, each sum taken anew.
  private func reference(_ values: [Double]) -> Int? {
    let count = values.count / 5
    if count < 4 { return nil }
    let means = (0..<count).map { batch in (0..<5).reduce(0) { $0 + values[batch * 5 + $1] } / 5 }
    var best = (error: Double.infinity, start: 0)
    for start in 0...max(0, count - 5) where count - start >= 5 {
      let rest = means[start...]
      let mean = rest.reduce(0, +) / Double(rest.count)
      let error =
        rest.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (Double(rest.count) * Double(rest.count))
      if error < best.error { best = (error, start) }
    }
    return best.error < .infinity && best.start <= count / 2 ? best.start * 5 : nil
  }

  @Test func agreesWithTheRuleByHand() {
    var random = SplitMix(state: 5)
    for round in 0..<200 {
      let length = 20 + Int(random.unit() * 300)
      let transient = Double(length) * random.unit() / 2
      let values = (0..<length).map { place in
        random.unit() + (Double(place) < transient ? 3 * (1 - Double(place) / transient) : 0)
      }
      #expect(MarginalStandardErrorRule.truncation(of: values) == reference(values), "\(round)")
    }
  }

  @Test func leavesOutAStepAndKeepsWhatIsSettled() {
    var random = SplitMix(state: 9)
    let noise = (0..<1000).map { _ in random.unit() }
    let step = noise.enumerated().map { $0.offset < 200 ? $0.element + 10 : $0.element }
    #expect((200...260).contains(MarginalStandardErrorRule.truncation(of: step) ?? 0))
    #expect((MarginalStandardErrorRule.truncation(of: noise) ?? 1000) <= 250)
    #expect(MarginalStandardErrorRule.truncation(of: Array(repeating: 3, count: 100)) == 0)
  }

  /// A series that still climbs at its end has not settled, and a short one tells nothing.
  @Test func saysSoWhenNothingSettles() {
    let climbing = (0..<200).map { Double($0 * $0) }
    #expect(MarginalStandardErrorRule.truncation(of: climbing) == nil)
    #expect(MarginalStandardErrorRule.truncation(of: [1, 2, 3]) == nil)
  }
}
