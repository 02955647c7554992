import FaultDetection
import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// Goal: requests that find nobody wait as they do in Linkerd, and none of them is lost.
@Suite struct QueueTests {
  private let accrual = ConsecutiveAccrualDescription(
    maxFailures: 3, minPenalty: .seconds(4), maxPenalty: .seconds(60), jitterRatio: 0)

  private func harness(
    timeout: TimeSpan? = nil, retry: RetryDescription? = nil, capacity: Int32 = 100
  ) -> Harness {
    var harness = Harness(
      timeout: timeout, accrual: accrual, profile: .linkerd, retry: retry, queue: QueueDescription(capacity: capacity))
    harness.list([1])
    return harness
  }

  /// Goal: Linkerd's own sequence: failures, a wait that ends with 504, 503 at once, a probe that fails, a wait, one that succeeds.
  @Test func waitsThenFailsFast() {
    var harness = harness()
    for _ in 0..<3 {
      harness.request()
      harness.answer(500)
    }
    #expect(harness.answers.map(\.status) == [500, 500, 500] && harness.available == 0)
    harness.request()
    harness.advance(by: .milliseconds(2999))
    #expect(harness.answers.count == 3)
    harness.advance(by: .milliseconds(1))
    #expect(harness.answers.last?.status == 504)
    harness.request()
    #expect(harness.answers.last?.status == 503 && harness.answers.count == 5)
    harness.advance(by: .seconds(1))
    harness.request()
    harness.answer(500)
    #expect(harness.answers.last?.status == 500)
    harness.request()
    harness.advance(by: .seconds(3))
    #expect(harness.answers.last?.status == 504 && harness.answers.count == 7)
    harness.advance(by: .seconds(5))
    harness.request()
    harness.answer(200)
    #expect(harness.answers.last?.status == 200 && harness.available == 1)
    #expect(harness.complaints.isEmpty && harness.timers.isEmpty, "\(harness.complaints)")
  }

  /// Goal: a permit goes to the first who waits, the others wait on and for as long again, and go in their order once the gate is open.
  @Test func goesInOrder() {
    var harness = harness()
    for _ in 0..<3 {
      harness.request()
      harness.answer(500)
    }
    harness.advance(by: .seconds(2))
    let waiting = (0..<3).map { _ in harness.request() }
    harness.advance(by: .seconds(2))
    #expect(harness.attempts.map(\.start.caller.value) == [waiting[0]])
    harness.advance(by: .milliseconds(2900))
    #expect(harness.answers.count == 3)
    harness.answer(200)
    #expect(harness.attempts.map(\.start.caller.value) == [waiting[1], waiting[2]])
    harness.answer(200)
    harness.answer(200)
    #expect(harness.answers.map(\.caller).suffix(3) == waiting[...])
    #expect(harness.complaints.isEmpty && harness.timers.isEmpty, "\(harness.complaints)")
  }

  /// Goal: the route's timeout runs while a request waits, and only what is left of it once it is sent; with retries too.
  @Test(arguments: [nil, RetryDescription(on: ["5xx"])]) func timeoutRunsOn(_ retry: RetryDescription?) {
    var harness = harness(timeout: .seconds(2), retry: retry)
    harness.list([])
    harness.request()
    harness.advance(by: .seconds(2))
    #expect(harness.answers.last?.cause == .routeTimeout)
    harness.advance(by: .milliseconds(500))
    harness.request()
    harness.advance(by: .milliseconds(300))
    harness.list([1])
    #expect(harness.attempts.count == 1)
    harness.advance(by: .milliseconds(1699))
    #expect(harness.answers.count == 1)
    harness.advance(by: .milliseconds(1))
    #expect(harness.answers.count == 2 && harness.answers.last?.cause == .routeTimeout)
    #expect(harness.complaints.isEmpty && harness.timers.isEmpty, "\(harness.complaints)")
  }

  /// Goal: a full queue turns away at once, one that is given up makes room, and what is named strictly does not wait.
  @Test func fullQueue() {
    var harness = harness(capacity: 1)
    harness.list([])
    let first = harness.request()
    harness.request()
    harness.request()
    #expect(harness.answers.map(\.status) == [503])
    harness.abandon(first)
    harness.request()
    #expect(harness.answers.count == 1)
    harness.advance(by: .seconds(3))
    #expect(harness.answers.map(\.status) == [503, 504, 504])
    #expect(harness.complaints.isEmpty && harness.timers.isEmpty, "\(harness.complaints)")
  }

  /// Goal: whatever comes in whatever order, everybody is answered or has given up, whoever was ejected is back or gone, no timer is left,
  /// and the same again comes to the same.
  @Test(arguments: 1...40) func nothingIsLost(_ round: Int) {
    var histories: [[String]] = []
    for _ in 0..<2 {
      var random = RandomStream(state: UInt64(round))
      let kinds: [FailureAccrualDescription?] = [
        nil, .consecutive(ConsecutiveAccrualDescription(maxFailures: 2, minPenalty: .milliseconds(200))),
        .unified(UnifiedAccrualDescription()), .finagle(FinagleAccrualDescription(consecutiveFailures: 2)),
      ]
      var harness = Harness(
        timeout: random.below(2) == 0 ? nil : .milliseconds(700),
        balancer: ["roundRobin", "leastRequest", "peakEwma"][random.below(3)], profile: .linkerd,
        retry: random.below(2) == 0 ? nil : RetryDescription(on: ["5xx"], attempts: 2),
        failureAccrual: kinds[random.below(4)],
        queue: QueueDescription(capacity: Int32(1 + random.below(5)), failfastTimeout: .milliseconds(400)))
      harness.list([1, 2])
      var ejected: Set<Int32> = []
      for _ in 0..<600 {
        switch random.below(10) {
        case 0, 1, 2, 3: harness.request()
        case 4: harness.advance(by: .milliseconds(Int64(random.below(300))))
        case 5: if random.below(6) == 0 { harness.list(Array([[1, 2], [2, 3], [], [1]][random.below(4)])) }
        case 6: if let caller = harness.open.keys.min(), random.below(3) == 0 { harness.abandon(caller) }
        case 7: harness.breakAttempt(.reset)
        default:
          if !harness.attempts.isEmpty { harness.answer(random.below(2) == 0 ? 500 : random.below(9) == 0 ? 429 : 200) }
        }
      }
      harness.list([1, 2])
      for _ in 0..<400 {
        harness.advance(by: .seconds(100))
        harness.request()
        while !harness.attempts.isEmpty { harness.answer(200) }
      }
      for notice in harness.notices {
        if notice.kind == .ejected { ejected.insert(notice.endpoint.number) }
        if notice.kind == .returned { ejected.remove(notice.endpoint.number) }
      }
      harness.advance(by: .seconds(1000))
      #expect(harness.open.isEmpty && harness.timers.isEmpty, "\(harness.open) \(harness.timers)")
      #expect(harness.complaints.isEmpty, "\(harness.complaints.prefix(3))")
      #expect(harness.available == 2)
      histories.append(harness.answers.map { "\($0)" } + harness.notices.map { "\($0)" })
    }
    #expect(histories[0] == histories[1])
  }
}
