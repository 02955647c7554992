// Circuit breakers in a data plane: what becomes of attempts without room, and what people hear.

import FaultDetection
import MeshCore
import Testing

@testable import DataPlane

@Suite("breakers")
struct BreakersTests {
  private static let atOnce = RetryBackoffDescription(base: .zero, maximum: .zero)

  /// Goal: an attempt without room is answered 503, is no failure of its endpoint, and is not tried again.
  @Test func overflow() {
    var outliers = OutlierDetectionDescription()
    outliers.consecutive5xx = 1
    outliers.maxEjectionPercent = 100
    var plain = Harness(
      accrual: ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(1), maxPenalty: .seconds(1)),
      profile: .linkerd, outlierDetection: outliers, breaker: CircuitBreakerDescription(maxRequests: 1))
    plain.list([0, 1])
    plain.request()
    plain.breakAttempt(.overflow)
    #expect(plain.answers.map(\.status) == [503] && plain.answers.map(\.cause) == [.breakerOverflow])
    #expect(plain.available == 2 && plain.notices.isEmpty && plain.complaints == [])
    var retried = Harness(
      retry: RetryDescription(on: ["5xx", "reset", "connect-failure"], attempts: 3, backoff: Self.atOnce),
      outlierDetection: outliers)
    retried.list([0, 1])
    retried.request()
    retried.answer(500)
    #expect(retried.attempts.map(\.start.kind) == [.retry])
    retried.breakAttempt(.overflow)
    #expect(retried.answers.map(\.status) == [503] && retried.answers.map(\.cause) == [.breakerOverflow])
    #expect(retried.complaints == [] && retried.plane.openRequests == 0)
  }

  /// Goal: a try without room does not end its request while another is under way, and a copy without room changes nothing.
  @Test func overflowBesideOthers() {
    var hedged = Harness(
      retry: RetryDescription(on: ["5xx"], attempts: 0),
      hedge: HedgeDescription(after: .delay(.milliseconds(5)), maxExtraLoad: nil, maxAttempts: 2))
    hedged.list([0, 1])
    hedged.request()
    hedged.advance(by: .milliseconds(5))
    #expect(hedged.attempts.count == 2)
    let second = hedged.attempts.removeLast().start.attempt
    hedged.tell(.attemptFailed(second, .overflow))
    #expect(hedged.answers.isEmpty && hedged.attempts.count == 1)
    hedged.answer(200)
    #expect(hedged.answers.map(\.status) == [200] && hedged.complaints == [])
    var mirrored = Harness(mirrors: [MirrorDescription(cluster: 0, percent: 100)])
    mirrored.list([0, 1])
    mirrored.request()
    let place = mirrored.attempts.firstIndex { $0.start.kind == .mirror } ?? 0
    let copy = mirrored.attempts.remove(at: place).start.attempt
    mirrored.tell(.attemptFailed(copy, .overflow))
    mirrored.answer(200)
    #expect(mirrored.answers.map(\.status) == [200] && mirrored.complaints == [] && mirrored.plane.openCopies == 0)
  }

  /// Goal: the permit of a probation goes back when its request finds no room.
  @Test func probeOverflow() {
    var harness = Harness(
      accrual: ConsecutiveAccrualDescription(
        maxFailures: 1, minPenalty: .seconds(1), maxPenalty: .seconds(1), jitterRatio: 0))
    harness.list([0])
    harness.request()
    harness.answer(500)
    #expect(harness.available == 0)
    harness.advance(by: .seconds(1))
    #expect(harness.available == 1)
    harness.request()
    #expect(harness.available == 0)
    harness.breakAttempt(.overflow)
    #expect(harness.available == 1 && harness.complaints == [])
  }

  /// Goal: pools are let have what the limits allow; people hear of the first refusal and of the end, with numbers, and the timer ends.
  @Test func limitsAndNotices() {
    var harness = Harness(
      breaker: CircuitBreakerDescription(maxConnections: 1, maxPendingRequests: 2, maxRequests: 1))
    harness.list([0])
    var actions = ActionBuffer()
    var allowed = [harness.plane.countsConnections(ofCluster: 0)]
    allowed.append(harness.plane.connectionOpens(cluster: 0, atEndpoint: 0, at: harness.now, into: &actions))
    for _ in 0..<4 { allowed.append(harness.plane.attemptPends(cluster: 0, at: harness.now, into: &actions)) }
    harness.plane.attemptWaitsNoLonger(cluster: 0)
    for _ in 0..<2 { allowed.append(harness.plane.attemptAttaches(cluster: 0, at: harness.now, into: &actions)) }
    allowed.append(harness.plane.connectionOpens(cluster: 0, atEndpoint: 1, at: harness.now, into: &actions))
    #expect(allowed == [true, true, true, true, false, false, true, false, false])
    var words: [String] = []
    var timers: [(TimerHandle, Timestamp)] = []
    func take(_ actions: inout ActionBuffer, _ words: inout [String], _ timers: inout [(TimerHandle, Timestamp)]) {
      for place in 0..<actions.count {
        switch actions[place] {
        case .report(let notice): words.append("\(notice.kind) \(notice.reason.words)")
        case .setTimer(let timer, let deadline): timers.append((timer, deadline))
        default: Issue.record("neither a notice nor a timer")
        }
      }
      actions.removeAll()
    }
    take(&actions, &words, &timers)
    #expect(
      words == [
        "breakerOpened maxPendingRequests: 2 wait for a connection, limit 2; another one is turned away",
        "breakerOpened maxRequests: 1 under way, limit 1; another one is turned away",
        "breakerOpened maxConnections: 1 open, limit 1; another one is not opened, requests wait",
      ])
    words = []
    for (timer, deadline) in timers { harness.plane.handle(.timerDue(timer), at: deadline, into: &actions) }
    timers = []
    take(&actions, &words, &timers)
    #expect(
      words == [
        "breakerClosed maxPendingRequests: nothing turned away for 1 s; 2 turned away since it opened",
        "breakerClosed maxRequests: nothing turned away for 1 s; 1 turned away since it opened",
        "breakerClosed maxConnections: nothing not opened for 1 s; 1 not opened since it opened",
      ])
    let open = harness.plane.openTimers
    #expect(timers.isEmpty && open == 0)
  }

  /// Goal: an endpoint has its own limit of connections, of which people hear apart; a first one it always gets.
  @Test func limitOfOneEndpoint() {
    var breaker = CircuitBreakerDescription(maxConnections: 4)
    breaker.maxConnectionsPerHost = 2
    var harness = Harness(breaker: breaker)
    harness.list([0, 1])
    var actions = ActionBuffer()
    var allowed: [Bool] = []
    for count in [0, 1, 2, 0, 1, 1, 0] as [Int32] {
      allowed.append(harness.plane.connectionOpens(cluster: 0, atEndpoint: count, at: harness.now, into: &actions))
    }
    #expect(allowed == [true, true, false, true, true, false, true])
    var words: [String] = []
    for place in 0..<actions.count {
      if case .report(let notice) = actions[place] { words.append(notice.reason.words) }
    }
    #expect(
      words == [
        "perHostThresholds.maxConnections: 2 open to an endpoint, limit 2; another one is not opened, requests wait",
        "maxConnections: 4 open, limit 4; another one is not opened, requests wait",
      ])
  }

  /// Goal: a retry budget goes by what is on connections and waits, one that has just been answered among it; who finds no room is
  /// answered with its failure, and people hear of it.
  @Test func retryBudget() {
    let budget = RetryShareDescription(budgetPercent: 50, minRetryConcurrency: 0)
    let slow = RetryBackoffDescription(base: .seconds(9), maximum: .seconds(9), jitter: .added(ratio: 0))
    var harness = Harness(
      retry: RetryDescription(on: ["5xx"], attempts: 1, backoff: slow),
      breaker: CircuitBreakerDescription(retryBudget: budget))
    harness.list([0, 1])
    var actions = ActionBuffer()
    for _ in 0..<4 {
      harness.request()
      let isAttached = harness.plane.attemptAttaches(cluster: 0, at: harness.now, into: &actions)
      #expect(isAttached)
    }
    // Half of 4, of 3, of 2 and of 1, the one that is answered included: 2, 1, 1, 0.
    for _ in 0..<4 {
      harness.plane.attemptDetaches(cluster: 0)
      harness.answer(500)
    }
    #expect(harness.answers.map(\.status) == [500, 500, 500] && harness.timers.count == 2)
    #expect(
      harness.notices.map(\.reason.words) == ["maxRetries: 1 under way, limit 1; another one is not made"])
    #expect(actions.count == 0 && harness.complaints == [])
  }

  /// Goal: whatever happens in whatever order, with attempts that find no room among it, requests are answered once and nothing is left.
  @Test(arguments: 0..<12 as Range<UInt64>) func crowd(seed: UInt64) {
    var random = RandomStream(state: mix64(seed &+ 77))
    var harness = Harness(
      timeout: .milliseconds(60),
      accrual: ConsecutiveAccrualDescription(maxFailures: 2, minPenalty: .milliseconds(50), maxPenalty: .seconds(1)),
      seed: seed,
      retry: RetryDescription(on: ["5xx", "reset"], attempts: 2, perTryTimeout: .milliseconds(20)),
      hedge: random.below(2) == 0 ? nil : HedgeDescription(after: .delay(.milliseconds(5)), maxExtraLoad: nil),
      mirrors: random.below(2) == 0 ? [] : [MirrorDescription(cluster: 0, percent: 50)],
      breaker: CircuitBreakerDescription(retryBudget: RetryShareDescription(minRetryConcurrency: 1)))
    harness.list([0, 1, 2])
    for _ in 0..<2_000 {
      switch random.below(8) {
      case 0...2: harness.request()
      case 3: harness.breakAttempt(.overflow)
      case 4: if !harness.attempts.isEmpty { harness.answer(random.below(2) == 0 ? 200 : 503) }
      case 5: harness.breakAttempt([.refused, .reset, .connectTimeout][random.below(3)])
      case 6: if let caller = harness.open.keys.min() { harness.abandon(caller) }
      default: harness.advance(by: .milliseconds(Int64(random.below(15))))
      }
    }
    for _ in 0..<100 {
      while !harness.attempts.isEmpty { harness.answer(200) }
      harness.advance(by: .seconds(2))
    }
    #expect(harness.complaints == [] && harness.open.isEmpty && harness.plane.openTimers == 0)
  }
}
