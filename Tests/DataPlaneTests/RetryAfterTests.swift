import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// Goal: answers that say when to come again are heeded by whoever is told to, and by nobody else.
@Suite struct RetryAfterTests {
  private func putOff(_ harness: inout Harness, _ status: Int16, _ span: TimeSpan) {
    let attempt = harness.attempts.removeFirst().start.attempt
    harness.pastAttempts.append(attempt)
    harness.tell(.attemptPutOff(attempt, status: status, retryAfter: span))
  }

  /// How long a retry pauses after such an answer.
  private func pause(longestReset: TimeSpan, status: Int16 = 503, _ asked: TimeSpan) -> TimeSpan? {
    var retry = RetryDescription(on: ["5xx", "retriable-4xx"])
    retry.longestReset = longestReset
    var harness = Harness(retry: retry)
    harness.list([1, 2])
    harness.request()
    putOff(&harness, status, asked)
    let deadline = harness.timers.first?.deadline
    harness.advance(by: .seconds(1000))
    if !harness.attempts.isEmpty { harness.answer() }
    #expect(harness.complaints.isEmpty, "\(harness.complaints)")
    return deadline.map { $0 - .zero }
  }

  // Goal: the pause is what was asked for and up to half of it more; longer ones than the route allows, and those of a millisecond, are
  // left to the usual pause of up to 25 ms; without the rule all are. What is not retried is not waited for.
  @Test func retries() throws {
    for asked in [TimeSpan.seconds(1), .seconds(60), .milliseconds(2)] {
      let waited = try #require(pause(longestReset: .seconds(60), asked))
      #expect(waited >= asked && waited.nanoseconds <= asked.nanoseconds * 3 / 2)
    }
    for asked in [TimeSpan.seconds(61), .milliseconds(1), .zero] {
      #expect(try #require(pause(longestReset: .seconds(60), asked)) < .milliseconds(25))
    }
    #expect(try #require(pause(longestReset: .zero, .seconds(1))) < .milliseconds(25))
    #expect(pause(longestReset: .seconds(60), status: 429, .seconds(1)) == nil)
  }

  // Goal: it holds for the retry of that answer alone.
  @Test func once() {
    var retry = RetryDescription(on: ["5xx"], attempts: 2)
    retry.longestReset = .seconds(60)
    var harness = Harness(retry: retry)
    harness.list([1, 2])
    harness.request()
    putOff(&harness, 503, .seconds(10))
    harness.advance(by: .seconds(15))
    #expect(harness.attempts.count == 1)
    harness.answer(503)
    harness.advance(by: .milliseconds(60))
    #expect(harness.attempts.count == 1)
    putOff(&harness, 200, .seconds(10))
    #expect(harness.answers.map(\.status) == [200] && harness.timers.isEmpty)
    #expect(harness.complaints.isEmpty, "\(harness.complaints)")
  }

  // Goal: Linkerd's penalty for failures is as long as the answer asks for, of 429 and 503 alone, for that answer alone; nobody minds an
  // answer that comes too late.
  @Test func penalties() {
    func rank(_ status: Int16, _ asked: TimeSpan?) -> Double {
      var layers = LayersDescription()
      layers.failurePenalty = .seconds(5)
      var harness = Harness(balancer: "peakEwma", layers: layers)
      harness.list([1])
      harness.request()
      harness.advance(by: .milliseconds(10))
      if let asked { putOff(&harness, status, asked) } else { harness.answer(status) }
      let past = harness.pastAttempts[0]
      harness.tell(.attemptPutOff(past, status: 503, retryAfter: .seconds(100)))
      #expect(harness.complaints.isEmpty)
      return (harness.plane.standings(inCluster: 0, at: harness.now).first?.rank ?? 0) / 1e9
    }
    #expect(rank(503, nil) == 5 && rank(503, .seconds(30)) == 30 && rank(429, .seconds(30)) == 30)
    #expect(rank(500, .seconds(30)) == 5 && rank(503, .seconds(1)) == 5 && rank(503, .seconds(600)) == 300)
    #expect(rank(200, .seconds(30)) < 1)
  }
}
