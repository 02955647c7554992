import FaultDetection
import MeshCore
import Testing

@Suite struct EndpointAccrualsTests {
  static let kinds: [FailureAccrualDescription] = [
    .consecutive(
      ConsecutiveAccrualDescription(maxFailures: 2, minPenalty: .milliseconds(100), maxPenalty: .seconds(1))),
    .unified(
      UnifiedAccrualDescription(
        consecutive: ConsecutiveAccrualDescription(
          maxFailures: 4, minPenalty: .milliseconds(100), maxPenalty: .seconds(1)), successRateWindow: .seconds(1))),
    .finagle(
      FinagleAccrualDescription(
        consecutiveFailures: 3,
        successRate: RequiredSuccessRate(span: .duration(.milliseconds(500), minimumRequests: 5)),
        minimumBackoff: .milliseconds(100), maximumBackoff: .seconds(1))),
    .finagle(
      FinagleAccrualDescription(
        consecutiveFailures: nil, successRate: RequiredSuccessRate(span: .requests(10)),
        minimumBackoff: .milliseconds(100), maximumBackoff: .seconds(1))),
  ]

  // Goal: whatever its kind and whatever happens, a breaker lets one probe pass a probation, is back after its penalty, and says the same
  // when it is told the same again.
  @Test(arguments: kinds, 1...10) func keepsItsPromises(_ kind: FailureAccrualDescription, _ round: Int) throws {
    var told: [[AccrualVerdict]] = []
    for _ in 0..<2 {
      var random = RandomStream(state: UInt64(round))
      var draws = RandomStream(state: 77)
      var accruals = EndpointAccruals(kind)
      accruals.resize(to: 3, at: .zero)
      var verdicts: [AccrualVerdict] = []
      var (now, due, probes) = (Timestamp.zero, [Timestamp?](repeating: nil, count: 3), [0, 0, 0])
      for _ in 0..<3000 {
        let slot = random.below(3)
        let before = accruals.gate(slot: Int32(slot))
        var verdict = AccrualVerdict.none
        switch random.below(8) {
        case 0: now = now + .milliseconds(Int64(random.below(60)))
        case 1, 2, 3:
          let isProbe = accruals.attemptSent(slot: Int32(slot))
          try #require(isProbe == (before.state == .probation && !before.probeIsUnderWay))
          probes[slot] += isProbe ? 1 : 0
          try #require(probes[slot] <= 1)
        case 4:
          if random.below(4) == 0 {
            accruals.attemptForgotten(slot: Int32(slot))
            probes[slot] = 0
          }
        case 5:
          if let end = due[slot], end <= now {
            due[slot] = nil
            verdict = accruals.penaltyElapsed(slot: Int32(slot), at: now)
            try #require(verdict == .probation)
          }
        default:
          let answer = AccrualAnswer(isFailure: random.below(3) == 0, isRateLimited: random.below(9) == 0)
          verdict = accruals.classified(slot: Int32(slot), answer, random: &draws, at: now)
        }
        let gate = accruals.gate(slot: Int32(slot))
        switch verdict {
        case .none: #expect(gate.state == before.state)
        case .tripped(let until, let penalty, _), .probeFailed(let until, let penalty, _):
          if case .tripped = verdict { #expect(before.state == .open) } else { #expect(before.state == .probation) }
          try #require(due[slot] == nil && until == now + penalty && penalty > .zero && penalty <= .seconds(1))
          (due[slot], probes[slot]) = (until, 0)
        case .probation: probes[slot] = 0
        case .reopened: #expect(before.state == .probation && gate == AccrualGate())
        }
        if gate.state == .open { probes[slot] = 0 }
        // Whoever is out comes back by a timer or by an answer.
        try #require((gate.state == .shut) == (due[slot] != nil))
        verdicts.append(verdict)
      }
      told.append(verdicts)
    }
    #expect(told[0] == told[1] && told[0].contains { if case .tripped = $0 { true } else { false } })
  }

  // Goal: only the kind that goes by runs alone can do without successes.
  @Test(arguments: kinds) func whoNeedsSuccesses(_ kind: FailureAccrualDescription) {
    var accruals = EndpointAccruals(kind)
    accruals.resize(to: 1, at: .zero)
    var seen = [accruals.isUntroubled(slot: 0)]
    var draws = RandomStream(state: 1)
    _ = accruals.classified(slot: 0, AccrualAnswer(isFailure: true), random: &draws, at: .zero)
    seen.append(accruals.isUntroubled(slot: 0))
    accruals.reset(slot: 0, at: .zero)
    seen.append(accruals.isUntroubled(slot: 0))
    if case .consecutive = kind {
      #expect(seen == [true, false, true])
    } else {
      #expect(seen == [false, false, false])
    }
  }
}
