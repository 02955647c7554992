// Answers that begin before they end, as worlds of sockets have them.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

extension Harness {
  /// The oldest attempt's answer begins.
  fileprivate mutating func beginAnswer(_ status: Int16 = 200) {
    guard let attempt = attempts.first?.start.attempt else {
      complaints.append("nothing to answer")
      return
    }
    plane.handle(.answerBegan(attempt, status: status), at: now, into: &actions)
    // Taken for the whole answer.
    if !plane.requests.contains(attempt) { pastAttempts.append(attempts.removeFirst().start.attempt) }
    tell(.requestAbandoned(.none))
  }
}

@Suite("answers in parts")
struct AnswersInPartsTests {
  private func retry(_ attempts: Int32 = 1, perTry: TimeSpan? = nil) -> RetryDescription {
    RetryDescription(
      on: ["5xx"], attempts: attempts, perTryTimeout: perTry,
      backoff: RetryBackoffDescription(base: .zero, maximum: .zero))
  }

  /// Goal: the caller has its response when the answer begins, the endpoint is busy until it ends, and what is told of it is the whole
  /// span.
  @Test func busyUntilItEnds() {
    for retry in [nil, retry()] {
      var harness = Harness(timeout: .seconds(1), balancer: "peakEwma", retry: retry)
      harness.list([0, 1])
      harness.request()
      harness.beginAnswer()
      #expect(harness.answers.map(\.status) == [200] && harness.plane.openRequests == 0)
      #expect(harness.plane.openAttempts == 1 && harness.timers.count == 1)
      harness.advance(by: .milliseconds(500))
      harness.answer(200)
      #expect(harness.plane.openAttempts == 0 && harness.timers.isEmpty && harness.answers.count == 1)
      #expect(harness.complaints == [])
    }
  }

  /// Goal: the route's timeout covers the answer's last part, and cuts it; a try's own timeout ends with the answer's beginning.
  @Test func timeoutCutsTheRest() {
    for retry in [nil, retry(perTry: .milliseconds(200))] {
      var harness = Harness(timeout: .seconds(1), retry: retry)
      harness.list([0])
      harness.request()
      harness.advance(by: .milliseconds(100))
      harness.beginAnswer()
      harness.advance(by: .milliseconds(899))
      #expect(harness.attempts.count == 1)
      harness.advance(by: .milliseconds(1))
      #expect(harness.attempts.isEmpty && harness.answers.count == 1 && harness.complaints == [])
    }
  }

  /// Goal: a tunnel is in flight as long as it lasts, and no timeout of its route ends it.
  @Test func tunnelsOutlastTimeouts() {
    for retry in [nil, retry(perTry: .milliseconds(200))] {
      var harness = Harness(timeout: .seconds(1), retry: retry)
      harness.list([0])
      harness.request()
      harness.beginAnswer(101)
      #expect(harness.answers.map(\.status) == [101] && harness.timers.isEmpty)
      harness.advance(by: .seconds(3600))
      #expect(harness.plane.openAttempts == 1)
      harness.tell(.requestAbandoned(harness.attempts[0].start.attempt))
      #expect(harness.plane.openAttempts == 0 && harness.answers.count == 1 && harness.complaints == [])
    }
  }

  /// Goal: a status that may be tried again leads to another try at once, and the rest of the answer changes nothing.
  @Test func anotherTryAtTheBeginning() {
    var harness = Harness(retry: retry())
    harness.list([0, 1])
    harness.request()
    harness.beginAnswer(503)
    #expect(harness.answers.isEmpty && harness.attempts.map(\.start.kind) == [.retry])
    harness.tell(.attemptAnswered(harness.pastAttempts[0], status: 503))
    harness.beginAnswer(503)
    #expect(harness.answers.map(\.status) == [503] && harness.attempts.isEmpty && harness.complaints == [])
  }

  /// Goal: a request that cannot be sent another time is not tried again, nor hedged.
  @Test func noRetryOfWhatIsGone() {
    var harness = Harness(
      retry: retry(3), hedge: HedgeDescription(after: .delay(.milliseconds(10)), maxAttempts: 3))
    harness.list([0, 1])
    let caller = harness.request()
    harness.tell(.retriesEnded(harness.open[caller] ?? .none))
    harness.advance(by: .seconds(1))
    #expect(harness.attempts.count == 1)
    harness.answer(503)
    #expect(harness.answers.map(\.status) == [503] && harness.complaints == [])
  }

  /// Goal: a caller that leaves while its answer comes frees the endpoint, and nobody hears how it went.
  @Test func leavingMeanwhile() {
    var harness = Harness(timeout: .seconds(1))
    harness.list([0])
    harness.request()
    harness.beginAnswer()
    let attempt = harness.attempts[0].start.attempt
    harness.tell(.requestAbandoned(attempt))
    #expect(harness.attempts.isEmpty && harness.timers.isEmpty && harness.complaints == [])
  }

  /// Goal: of tries beside each other the first success that begins is the answer, and the others are given up then.
  @Test func firstBeginningWins() {
    var harness = Harness(hedge: HedgeDescription(after: .delay(.milliseconds(10)), maxAttempts: 2))
    harness.list([0, 1])
    harness.request()
    harness.advance(by: .milliseconds(10))
    #expect(harness.attempts.count == 2)
    harness.beginAnswer()
    #expect(harness.attempts.count == 1 && harness.answers.map(\.status) == [200])
    harness.answer()
    #expect(harness.attempts.isEmpty && harness.complaints == [])
  }

  /// Goal: whatever the order in which answers begin, end, break and are left, accounts agree and nothing is left over.
  @Test func randomOrders() {
    for seed in 0..<40 as Range<UInt64> {
      var random = RandomKey(value: mix64(seed)).stream(for: .balancer, 1)
      var harness = Harness(
        timeout: .milliseconds(200), seed: seed, retry: retry(2, perTry: .milliseconds(60)))
      harness.list([0, 1, 2])
      for _ in 0..<300 {
        switch random.next() % 6 {
        case 0, 1: harness.request()
        case 2: if !harness.attempts.isEmpty { harness.beginAnswer(random.next() % 4 == 0 ? 503 : 200) }
        case 3:
          if !harness.attempts.isEmpty {
            harness.answer(200, leavingOut: Int(random.next() % UInt64(harness.attempts.count)))
          }
        case 4: harness.breakAttempt(.reset)
        default:
          if random.next() % 4 == 0, let first = harness.open.keys.min() { harness.abandon(first) }
          harness.advance(by: .milliseconds(Int64(random.next() % 40)))
        }
      }
      harness.advance(by: .seconds(1))
      #expect(harness.complaints == [] && harness.attempts.isEmpty && harness.timers.isEmpty, "seed \(seed)")
    }
  }
}
