import Foundation
import FaultDetection
import MeshCore
import Testing

private func seconds(_ value: Double) -> TimeSpan { TimeSpan(nanoseconds: Int64(value * 1e9)) }

/// A breaker with its timer, as a data plane drives it, on a clock of its own.
private struct DrivenBreaker {
  var breaker = ConsecutiveFailureAccrual()
  var configuration: ConsecutiveAccrualDescription
  var random = RandomStream(state: 11)
  var now = Timestamp.zero
  var timer: Timestamp?
  /// Whether the data plane lets the endpoint be chosen.
  var isAdmitted = true
  var penalties: [TimeSpan] = []

  init(_ configuration: ConsecutiveAccrualDescription) { self.configuration = configuration }

  mutating func classify(failure: Bool) {
    carryOut(breaker.classified(AccrualAnswer(isFailure: failure), configuration, random: &random, at: now))
  }

  mutating func send() { if breaker.gate.attemptSent() { isAdmitted = false } }

  mutating func advance(_ span: TimeSpan) {
    let end = now + span
    while let due = timer, due <= end {
      now = due
      timer = nil
      carryOut(breaker.gate.penaltyElapsed(at: now))
    }
    now = end
  }

  private mutating func carryOut(_ verdict: AccrualVerdict) {
    switch verdict {
    case .none: break
    case .tripped(let until, let penalty, _), .probeFailed(let until, let penalty, _):
      isAdmitted = false
      timer = until
      penalties.append(penalty)
    case .probation, .reopened: isAdmitted = true
    }
  }

  /// The state in the vectors' words.
  var state: String {
    switch breaker.gate.state {
    case .open: "open"
    case .shut: "shut"
    case .probation: "limited"
    }
  }
}

@Suite struct ConsecutiveFailureAccrualTests {
  // Goal: the gate lets one request through in probation, and a straggler's verdict counts like the probe's.
  @Test func probationLetsOneThroughAndHearsStragglers() {
    var driven = DrivenBreaker(ConsecutiveAccrualDescription(maxFailures: 1, jitterRatio: 0))
    driven.send()
    #expect(driven.isAdmitted)
    driven.classify(failure: true)
    #expect(!driven.isAdmitted && driven.breaker.gate.isAdmitting == false)
    // Answers while shut are ignored, good or bad.
    driven.classify(failure: false)
    driven.classify(failure: true)
    #expect(driven.state == "shut" && driven.penalties == [.seconds(1)])
    driven.advance(.seconds(1))
    #expect(driven.isAdmitted && driven.breaker.gate.isAdmitting)
    driven.send()
    #expect(!driven.isAdmitted && !driven.breaker.gate.isAdmitting && driven.breaker.gate.probeIsUnderWay)
    // A slow probe waits: no timer.
    driven.advance(.seconds(1000))
    #expect(driven.state == "limited" && !driven.isAdmitted)
    driven.classify(failure: false)
    #expect(driven.state == "open" && driven.isAdmitted && driven.breaker == ConsecutiveFailureAccrual())
    // The probe's own failure comes after the straggler's success: it counts as any other.
    driven.classify(failure: true)
    #expect(driven.state == "shut" && driven.penalties == [.seconds(1), .seconds(1)])
  }

  // Goal: verdicts carry what the event list shows.
  @Test func verdictsCarryPenaltyAndFailures() {
    var breaker = ConsecutiveFailureAccrual()
    var random = RandomStream(state: 1)
    let configuration = ConsecutiveAccrualDescription(maxFailures: 2, jitterRatio: 0)
    func fail(_ at: Int64) -> AccrualVerdict {
      breaker.classified(
        AccrualAnswer(isFailure: true), configuration, random: &random, at: Timestamp(nanoseconds: at))
    }
    #expect(fail(5) == .none)
    #expect(
      fail(7)
        == .tripped(until: Timestamp(nanoseconds: 1_000_000_007), penalty: .seconds(1), cause: .consecutiveFailures(2)))
    #expect(breaker.gate.penaltyElapsed(at: Timestamp(nanoseconds: 1_000_000_006)) == .none)
    #expect(breaker.gate.penaltyElapsed(at: Timestamp(nanoseconds: 1_000_000_007)) == .probation)
    #expect(breaker.gate.penaltyElapsed(at: Timestamp(nanoseconds: 1_000_000_007)) == .none)
    #expect(
      fail(2_000_000_000)
        == .probeFailed(
          until: Timestamp(nanoseconds: 4_000_000_000), penalty: .seconds(2), cause: .consecutiveFailures(3)))
  }

  // Goal: 0 never trips.
  @Test func zeroNeverTrips() {
    var driven = DrivenBreaker(ConsecutiveAccrualDescription(maxFailures: 0))
    for _ in 0..<100_000 { driven.classify(failure: true) }
    #expect(driven.state == "open" && driven.penalties.isEmpty)
  }

  // Goal: Linkerd's breaker demo: a backend that always fails lets through maxFailures requests, then one probe a penalty.
  @Test func alwaysFailingEndpointIsProbedOncePerPenalty() {
    var driven = DrivenBreaker(ConsecutiveAccrualDescription())
    for _ in 0..<7 { driven.classify(failure: true) }
    var probes = 0
    for _ in 0..<6000 {
      driven.advance(.milliseconds(100))
      if driven.isAdmitted {
        probes += 1
        driven.send()
        driven.classify(failure: true)
      }
    }
    // Bases 1 … 32 s, then 60 s each: 6 probes in 63 … 95 s, then one a minute up to 600 s.
    #expect((14...15).contains(probes))
    #expect(driven.penalties.suffix(8).allSatisfy { $0 == .seconds(60) })
  }

  // Goal: through random answers and waits the breaker is what a plain retelling of Linkerd's loop says.
  @Test(arguments: 1...60) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let maxFailures = UInt32(random.below(4))
    var driven = DrivenBreaker(
      ConsecutiveAccrualDescription(
        maxFailures: maxFailures, minPenalty: .seconds(1), maxPenalty: .seconds(5), jitterRatio: 0))
    var reference = ReferenceBreaker(maxFailures: Int(maxFailures))
    for _ in 0..<500 {
      if random.below(3) == 0 {
        let wait = TimeSpan(nanoseconds: Int64(random.below(25)) * 100_000_000)
        driven.advance(wait)
        reference.advance(tenths: Int(wait.nanoseconds / 100_000_000))
      } else {
        let failure = random.below(4) > 0
        driven.classify(failure: failure)
        reference.classify(failure: failure)
      }
      try #require(driven.state == reference.state)
      try #require(driven.isAdmitted == (reference.state != "shut"))
    }
  }
}

/// Linkerd's loop retold with the history of answers and time in tenths of a second.
private struct ReferenceBreaker {
  var maxFailures: Int
  var state = "open"
  private var history: [Bool] = []
  private var waited = 0
  private var round = 0

  init(maxFailures: Int) { self.maxFailures = maxFailures }

  mutating func classify(failure: Bool) {
    if state == "shut" { return }
    if state == "limited" {
      history = []
      round += 1
      waited = 0
      state = failure ? "shut" : "open"
      return
    }
    history.append(failure)
    if maxFailures > 0 && history.count >= maxFailures && history.suffix(maxFailures).allSatisfy({ $0 }) {
      state = "shut"
      waited = 0
      round = 0
    }
  }

  mutating func advance(tenths: Int) {
    waited += tenths
    let penalties = [10, 20, 40, 50]
    if state == "shut" && waited >= penalties[min(round, 3)] { state = "limited" }
  }
}
