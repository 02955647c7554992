import FaultDetection
import MeshCore
import Testing

@Suite struct UnifiedFailureAccrualTests {
  private static func settings(
    maxFailures: UInt32 = 7, threshold: Double = 0.8, minRequests: UInt32 = 5
  ) -> UnifiedAccrualDescription {
    UnifiedAccrualDescription(
      consecutive: ConsecutiveAccrualDescription(maxFailures: maxFailures, jitterRatio: 0),
      successRateThreshold: threshold, successRateMinRequests: minRequests)
  }

  /// The answers that it takes until the gate shuts, and what for; nil when it never does. One answer each 100 ms.
  private func trip(
    _ settings: UnifiedAccrualDescription, _ answers: [AccrualAnswer]
  ) -> (number: Int, cause: AccrualCause)? {
    var breaker = UnifiedFailureAccrual(settings, at: .zero)
    var random = RandomStream(state: 3)
    for (place, answer) in answers.enumerated() {
      let now = Timestamp.zero + .milliseconds(Int64(place) * 100)
      let verdict = breaker.classified(answer, settings, random: &random, at: now)
      if case .tripped(_, _, let cause) = verdict { return (place + 1, cause) }
    }
    return nil
  }

  private let failure = AccrualAnswer(isFailure: true)
  private let success = AccrualAnswer(isFailure: false)
  private let limited = AccrualAnswer(isFailure: false, isRateLimited: true)

  // Goal: a gray failure, where one answer in three fails, never trips a run of seven, and the share at once when there are enough.
  @Test func shareCatchesGrayFailures() throws {
    let answers = (0..<300).map { $0 % 3 == 2 ? failure : success }
    #expect(trip(Self.settings(threshold: 0), answers) == nil)
    let found = try #require(trip(Self.settings(), answers))
    #expect(found.number == 6 && found.cause == .lowSuccessRate(4.0 / 6, requests: 6))
  }

  // Goal: 429 lowers the share and ends a run; what crosses both bounds is charged to the run.
  @Test func limitedCountsInTheShareAlone() throws {
    let limitedAnswers = [AccrualAnswer](repeating: limited, count: 50)
    #expect(trip(Self.settings(threshold: 0), limitedAnswers) == nil)
    #expect(trip(Self.settings(), limitedAnswers)?.number == 5)
    let broken = [failure, failure, limited, failure, failure, failure]
    #expect(trip(Self.settings(maxFailures: 3, threshold: 0), broken)?.number == 6)
    let both = try #require(trip(Self.settings(maxFailures: 5), [AccrualAnswer](repeating: failure, count: 9)))
    #expect(both.number == 5 && both.cause == .consecutiveFailures(5))
  }

  // Goal: a probe that is told to wait (429) fails where the share counts, and succeeds where it does not; who is back starts afresh.
  @Test func probes() {
    for threshold in [0, 0.8] {
      let settings = Self.settings(maxFailures: 1, threshold: threshold)
      var breaker = UnifiedFailureAccrual(settings, at: .zero)
      var random = RandomStream(state: 3)
      _ = breaker.classified(failure, settings, random: &random, at: .zero)
      #expect(breaker.gate.state == .shut && breaker.classified(success, settings, random: &random, at: .zero) == .none)
      #expect(breaker.gate.penaltyElapsed(at: .zero + .seconds(1)) == .probation)
      #expect(breaker.gate.attemptSent() && !breaker.gate.attemptSent())
      let verdict = breaker.classified(limited, settings, random: &random, at: .zero + .seconds(2))
      if threshold == 0 {
        #expect(verdict == .reopened)
      } else {
        let end = Timestamp.zero + .seconds(4)
        #expect(verdict == .probeFailed(until: end, penalty: .seconds(2), cause: .consecutiveFailures(2)))
        #expect(breaker.gate.penaltyElapsed(at: end) == .probation)
        #expect(breaker.classified(success, settings, random: &random, at: end) == .reopened)
      }
      #expect(breaker == UnifiedFailureAccrual(settings, at: .zero) || breaker.window.total == 0)
    }
  }
}
