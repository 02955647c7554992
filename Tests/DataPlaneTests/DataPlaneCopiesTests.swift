// Copies of requests, event by event: whatever becomes of them, nothing of them stays.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("copies of requests")
struct DataPlaneCopiesTests {
  private func harness(
    timeout: TimeSpan?, accrual: ConsecutiveAccrualDescription? = nil, factor: Int = 3
  ) -> Harness {
    let placement = TokenAwareDescription(replicationFactor: factor, readRepairChance: 1)
    var harness = Harness(timeout: timeout, accrual: accrual, layers: LayersDescription(tokenAware: placement))
    harness.list([0, 1, 2])
    return harness
  }

  /// Goal: a copy that nobody answers ends at the route's timeout like its request, and frees what it held; a late answer to it is
  /// dropped, and its caller hears of none of it.
  @Test("silent copies end at the timeout")
  func timeout() throws {
    var harness = harness(timeout: .seconds(1))
    harness.request()
    try #require(harness.attempts.count == 3 && harness.timers.count == 3)
    let late = harness.attempts[1].start.attempt
    harness.answer(200)
    harness.advance(by: .milliseconds(999))
    #expect(harness.plane.openAttempts == 2)
    harness.advance(by: .milliseconds(1))
    #expect(harness.plane.openAttempts == 0 && harness.attempts.isEmpty && harness.timers.isEmpty)
    harness.tell(.attemptAnswered(late, status: 200))
    #expect(harness.answers.map(\.status) == [200])
    #expect(harness.complaints == [])
  }

  /// Goal: a copy that is answered, or breaks, takes its timer along, whether its request is over or not.
  @Test("ended copies leave no timer", arguments: [0, 1, 2])
  func ended(_ first: Int) {
    var harness = harness(timeout: .seconds(1))
    harness.request()
    harness.answer(leavingOut: first)
    harness.breakAttempt(.reset)
    #expect(harness.timers.count == 1 && harness.plane.openTimers == 1)
    harness.answer(503)
    #expect(harness.timers.isEmpty && harness.plane.openAttempts == 0)
    #expect(harness.answers.count == 1 && harness.complaints == [])
  }

  /// Goal: a copy to a silent endpoint ends when discovery drops the endpoint, timeout or not, so that its slot can be used again; those
  /// to others, and requests themselves, go on.
  @Test("copies end with their endpoint", arguments: [nil, TimeSpan.seconds(1)])
  func gone(_ timeout: TimeSpan?) throws {
    var harness = harness(timeout: timeout)
    harness.request()
    let starts = harness.attempts.map(\.start)
    try #require(starts.map(\.kind) == [.first, .mirror, .mirror])
    let gone = starts[2].endpoint.number
    harness.list([0, 1, 2].filter { $0 != gone })
    #expect(harness.attempts.map(\.start.attempt) == starts.prefix(2).map(\.attempt))
    harness.list([0, 1, 2, 3].filter { $0 != gone })
    #expect(harness.plane.clusters[0].endpoints.states.count == 3)
    harness.list([])
    #expect(harness.attempts.map(\.start.kind) == [.first])
    harness.answer(200)
    #expect(harness.plane.openAttempts == 0 && harness.timers.isEmpty && harness.complaints == [])
  }

  /// Goal: a copy that has the permit of a probation does not take it away for ever: its timeout is a verdict, and the next probe comes.
  @Test("silent copies lose no permit")
  func permit() throws {
    let accrual = ConsecutiveAccrualDescription(
      maxFailures: 1, minPenalty: .seconds(1), maxPenalty: .seconds(60), jitterRatio: 0)
    var harness = harness(timeout: .seconds(1), accrual: accrual, factor: 2)
    harness.list([0, 1])
    // Endpoint 1 says nothing to anybody; 0 answers all.
    for _ in 0..<40 {
      harness.request()
      while harness.attempts.contains(where: { $0.start.endpoint.number == 0 }) { harness.answer(from: 0) }
      harness.advance(by: .milliseconds(500))
    }
    #expect(harness.notices.count { $0.kind == .probation } >= 3)
    #expect(harness.notices.count { $0.kind == .probeFailed } >= 3)
    harness.advance(by: .seconds(1000))
    #expect(harness.available == 2 && harness.plane.openAttempts == 0 && harness.complaints == [])
  }
}
