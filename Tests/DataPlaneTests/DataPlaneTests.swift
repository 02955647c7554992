// One request's way, timeouts, local answers and failure accrual, event by event and without any input or output.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("data plane")
struct DataPlaneTests {
  /// Goal: arrived → timer and attempt; answered → timer cancelled, answer handed on, nothing left.
  @Test("the way of a request")
  func way() {
    var harness = Harness(timeout: .seconds(1))
    harness.list([4])
    harness.request()
    #expect(harness.lastEndpoint == 4)
    #expect(harness.attempts.first?.start.number == 1)
    #expect(harness.timers.first?.deadline == .zero + .seconds(1))
    harness.advance(by: .milliseconds(5))
    harness.answer(201)
    #expect(harness.answers.map(\.status) == [201])
    #expect(harness.answers.map(\.cause) == [.endpoint])
    #expect(harness.timers.isEmpty)
    #expect(harness.complaints == [])
  }

  /// Goal: at the timeout the caller gets 504, the attempt is cancelled, its count freed at once, and a late answer is dropped.
  @Test("route timeout")
  func timeout() {
    var harness = Harness(timeout: .seconds(1), balancer: "joinShortestQueue")
    harness.list([0, 1])
    harness.request()
    harness.request()
    let late = harness.attempts[0].start.attempt
    harness.advance(by: .seconds(1))
    #expect(harness.answers.map(\.status) == [504, 504])
    #expect(harness.answers.map(\.cause) == [.routeTimeout, .routeTimeout])
    #expect(harness.attempts.isEmpty)
    harness.tell(.attemptAnswered(late, status: 200))
    harness.tell(.attemptFailed(late, .reset))
    #expect(harness.answers.count == 2)
    #expect(harness.complaints == [])
  }

  /// Goal: 404 without a route, 503 without an endpoint, and no timer or record is left by either.
  @Test("answers of its own")
  func localAnswers() {
    var harness = Harness(timeout: .seconds(1))
    harness.request(route: -1)
    harness.request()
    #expect(harness.answers.map(\.status) == [404, 503])
    #expect(harness.answers.map(\.cause) == [.noRoute, .noEndpoint])
    #expect(harness.timers.isEmpty)
    #expect(harness.complaints == [])
  }

  /// Goal: broken attempts are answered 503; with linkerd 502, and 504 when the connection did not open in time.
  @Test("broken attempts")
  func broken() {
    let failures: [TransportFailure] = [.refused, .reset, .connectTimeout]
    for (profile, statuses) in [(MeshProfile.weir, [503, 503, 503] as [Int16]), (.linkerd, [502, 502, 504])] {
      var harness = Harness(profile: profile)
      harness.list([0])
      for failure in failures {
        harness.request()
        harness.breakAttempt(failure)
      }
      #expect(harness.answers.map(\.status) == statuses)
      #expect(harness.answers.allSatisfy { $0.cause == .transport })
      #expect(harness.complaints == [])
    }
  }

  private let accrual = ConsecutiveAccrualDescription(
    maxFailures: 2, minPenalty: .seconds(1), maxPenalty: .seconds(60), jitterRatio: 0)

  /// Goal: trip → out until the timer → one probe, nobody else meanwhile → back in; each step is told.
  @Test("accrual trips, probes and comes back")
  func accrualReturns() {
    var harness = Harness(accrual: accrual)
    harness.list([0])
    for _ in 0..<2 {
      harness.request()
      harness.answer(500)
    }
    #expect(harness.available == 0)
    harness.request()
    #expect(harness.answers.last?.status == 503)
    harness.advance(by: .milliseconds(999))
    #expect(harness.available == 0)
    harness.advance(by: .milliseconds(1))
    #expect(harness.available == 1)
    harness.request()
    #expect(harness.available == 0)
    harness.request()
    #expect(harness.answers.last?.cause == .noEndpoint)
    harness.answer(200)
    #expect(harness.available == 1)
    #expect(harness.notices.map(\.kind) == [.ejected, .probation, .returned])
    #expect(harness.notices.first?.reason == .consecutiveFailures(2, penalty: .seconds(1)))
    #expect(harness.notices.map(\.exclusions) == [.failureAccrual, [], []])
    #expect(harness.complaints == [])
  }

  /// Goal: a failed probe doubles the penalty; a timeout and a broken attempt are failures too; 429 is none.
  @Test("failed probes")
  func failedProbes() {
    var harness = Harness(timeout: .seconds(10), accrual: accrual)
    harness.list([0])
    harness.request()
    harness.answer(500)
    harness.request()
    harness.answer(429)
    harness.request()
    harness.answer(500)
    #expect(harness.available == 1)
    harness.request()
    harness.breakAttempt(.reset)
    #expect(harness.available == 0)
    harness.advance(by: .seconds(1))
    harness.request()
    harness.advance(by: .seconds(10))
    #expect(harness.available == 0)
    #expect(harness.notices.map(\.kind) == [.ejected, .probation, .probeFailed])
    #expect(harness.notices.last?.reason == .probeFailed(penalty: .seconds(2)))
    harness.advance(by: .seconds(2))
    #expect(harness.available == 1)
    #expect(harness.complaints == [])
  }

  /// Goal: a straggler's verdict decides a probation as well; answers while shut count for nothing.
  @Test("stragglers")
  func stragglers() {
    var harness = Harness(accrual: accrual)
    harness.list([0])
    for _ in 0..<4 { harness.request() }
    harness.answer(500)
    harness.answer(500)
    #expect(harness.available == 0)
    harness.answer(200)
    #expect(harness.available == 0)
    harness.advance(by: .seconds(1))
    harness.answer(200)
    #expect(harness.available == 1)
    #expect(harness.notices.map(\.kind) == [.ejected, .probation, .returned])
  }

  /// Goal: a probe that its caller gives up gives its permit back; a straggler that is given up has none to give.
  @Test("abandoned probes and stragglers")
  func abandoned() {
    var harness = Harness(accrual: accrual)
    harness.list([0])
    let straggler = harness.request()
    for _ in 0..<2 { harness.request() }
    harness.answer(500, leavingOut: 1)
    harness.answer(500, leavingOut: 1)
    harness.advance(by: .seconds(1))
    let probe = harness.request()
    #expect(harness.available == 0)
    harness.abandon(straggler)
    #expect(harness.available == 0)
    harness.abandon(probe)
    #expect(harness.available == 1)
    #expect(harness.complaints == [])
  }

  /// Goal: an endpoint that leaves while requests are in flight keeps its count until they end, gets nothing new, and comes back
  /// as a new one when nothing is left of it.
  @Test("endpoints come and go")
  func endpointsChange() {
    var harness = Harness(timeout: .seconds(1))
    harness.list([0, 1])
    harness.request()
    harness.request()
    harness.list([1, 2])
    for _ in 0..<4 {
      harness.request()
      #expect(harness.lastEndpoint != 0)
    }
    harness.answer(200, from: 0)
    harness.list([0, 1, 2, 3])
    for _ in 0..<4 { harness.request() }
    while !harness.attempts.isEmpty { harness.answer() }
    #expect(harness.answers.count == 10)
    #expect(harness.complaints == [])
  }

  /// Goal: an ejected endpoint that leaves takes its timer along, also when another one takes its place at once.
  @Test("ejected endpoints leave")
  func ejectedLeave() {
    var harness = Harness(accrual: accrual)
    harness.list([0])
    for _ in 0..<2 {
      harness.request()
      harness.answer(500)
    }
    #expect(harness.timers.count == 1)
    harness.list([1])
    #expect(harness.timers.isEmpty)
    #expect(harness.available == 1)
    harness.request()
    harness.answer()
    harness.list([])
    harness.advance(by: .seconds(100))
    harness.list([0])
    #expect(harness.available == 1)
    #expect(harness.complaints == [])
  }

  /// Goal: what is said of an endpoint after it has left sets no timer, and it comes back admitted. Method: one that leaves with
  /// requests in flight, in probation with its probe under way, and returns before all of them have ended.
  @Test("verdicts on those who have left")
  func verdictsOnTheGone() {
    var harness = Harness(accrual: accrual)
    harness.list([0])
    for _ in 0..<4 { harness.request() }
    harness.list([])
    harness.answer(500)
    harness.answer(500)
    #expect(harness.timers.isEmpty)
    #expect(harness.notices.isEmpty)
    harness.list([0])
    #expect(harness.available == 1)
    harness.answer(500)
    harness.answer(500)
    #expect(harness.available == 0)
    harness.advance(by: .seconds(1))
    harness.request()
    harness.list([])
    harness.list([0])
    #expect(harness.available == 1)
    harness.answer(200)
    #expect(harness.available == 1)
    #expect(harness.complaints == [])
  }

  /// Goal: nothing leaks and nothing is said twice, whatever comes in whatever order. Method: random scripts against accounts
  /// kept outside, stale handles included; at the end all is let go and all must be gone.
  @Test("random scripts leave nothing behind", arguments: 1...12 as ClosedRange<UInt64>)
  func randomScripts(seed: UInt64) {
    let names = ["roundRobin", "leastRequest", "peakEwma", "joinIdleQueue", "joinShortestQueue", "random"]
    var random = RandomStream(state: seed &* 0x9e37)
    var harness = Harness(
      timeout: seed % 3 == 0 ? nil : .milliseconds(700),
      accrual: seed % 4 == 0
        ? nil : ConsecutiveAccrualDescription(maxFailures: 2, minPenalty: .milliseconds(300), jitterRatio: 0.5),
      balancer: names[Int(seed) % names.count], seed: seed)
    harness.list([0, 1, 2])
    for _ in 0..<4_000 {
      switch random.below(12) {
      case 0..<4: harness.request(route: random.below(20) == 0 ? -1 : 0)
      case 4..<7:
        if harness.attempts.isEmpty { continue }
        let endpoint = harness.attempts[random.below(harness.attempts.count)].start.endpoint.number
        harness.answer([200, 200, 500, 503, 429][random.below(5)], from: endpoint)
      case 7: harness.breakAttempt([.refused, .reset, .connectTimeout][random.below(3)])
      case 8:
        let callers = harness.open.keys.sorted()
        if callers.isEmpty { continue }
        let caller = callers[random.below(callers.count)]
        // Who carries the request out forgets its attempt as the data plane tells him to.
        harness.abandon(caller)
      case 9: harness.advance(by: .milliseconds(Int64(random.below(400))))
      case 10:
        var numbers: [Int32] = []
        for number in 0..<6 as Range<Int32> where random.below(3) > 0 { numbers.append(number) }
        harness.list(numbers)
      default:
        if let stale = harness.pastAttempts.last { harness.tell(.attemptAnswered(stale, status: 500)) }
        if let stale = harness.pastTimers.last { harness.tell(.timerDue(stale)) }
      }
      if !harness.complaints.isEmpty { break }
    }
    while !harness.attempts.isEmpty { harness.answer() }
    harness.advance(by: .seconds(1_000))
    harness.list([])
    #expect(harness.complaints == [])
    #expect(harness.plane.openRequests == 0)
    #expect(harness.plane.openAttempts == 0)
    #expect(harness.plane.openTimers == 0)
    #expect(harness.answers.count > 1_000)
  }
}
