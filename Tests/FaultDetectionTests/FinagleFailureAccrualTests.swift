import FaultDetection
import MeshCore
import Testing

@Suite struct FinagleFailureAccrualTests {
  private let failure = AccrualAnswer(isFailure: true)
  private let success = AccrualAnswer(isFailure: false)
  private let settings = FinagleAccrualDescription(
    consecutiveFailures: 3, successRate: nil, minimumBackoff: .seconds(5), maximumBackoff: .seconds(300))

  // Goal: only what comes while a probe is under way decides: failures while dead, and before the probe, change nothing.
  @Test func strayFailuresDecideNothing() {
    var breaker = FinagleFailureAccrual(settings, at: .zero)
    var random = RandomStream(state: 2)
    func classify(_ answer: AccrualAnswer, _ second: Int64) -> AccrualVerdict {
      breaker.classified(answer, settings, random: &random, at: .zero + .seconds(second))
    }
    #expect(classify(failure, 0) == .none && classify(failure, 0) == .none)
    let end = Timestamp.zero + .seconds(5)
    #expect(classify(failure, 0) == .tripped(until: end, penalty: .seconds(5), cause: .consecutiveFailures(3)))
    #expect(classify(failure, 1) == .none && breaker.gate.penaltyElapsed(at: end) == .probation)
    #expect(classify(failure, 5) == .none && classify(success, 5) == .none && breaker.gate.isAdmitting)
    // The late success ended the run: the probe's failure is the first of another, and decides nothing.
    #expect(breaker.gate.attemptSent() && classify(failure, 6) == .probation && breaker.gate.isAdmitting)
    #expect(breaker.gate.attemptSent() && classify(failure, 6) == .probation)
    #expect(breaker.gate.attemptSent() == true)
    guard case .probeFailed(_, let penalty, .consecutiveFailures(3)) = classify(failure, 6) else {
      Issue.record("the third of the run says dead")
      return
    }
    #expect(penalty >= .seconds(5) && penalty < .seconds(10))
    #expect(breaker.gate.penaltyElapsed(at: .zero + .seconds(20)) == .probation && breaker.gate.attemptSent())
    #expect(classify(success, 20) == .reopened && breaker.gate == AccrualGate())
  }

  // Goal: of both rules the longer wait counts, and each is charged with what it says alone.
  @Test func hybridTakesTheLonger() {
    let hybrid = FinagleAccrualDescription()
    var random = RandomStream(state: 2)
    // Five in a row at once: no history for a rate.
    var young = FinagleFailureAccrual(hybrid, at: .zero)
    for _ in 0..<4 { #expect(young.classified(failure, hybrid, random: &random, at: .zero) == .none) }
    let end = Timestamp.zero + .seconds(5)
    #expect(
      young.classified(failure, hybrid, random: &random, at: .zero)
        == .tripped(until: end, penalty: .seconds(5), cause: .consecutiveFailures(5)))
    // Every second answer fails: no run, and a rate of a half.
    var gray = FinagleFailureAccrual(hybrid, at: .zero)
    var verdict = AccrualVerdict.none
    var second: Int64 = 0
    while verdict == .none && second < 100 {
      second += 1
      verdict = gray.classified(
        second % 2 == 0 ? failure : success, hybrid, random: &random, at: .zero + .seconds(second))
    }
    guard case .tripped(_, .seconds(5), .lowSuccessRate(let rate, let requests)) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(second == 30 && requests == 30 && rate > 0.5 && rate < 0.8)
  }
}
