import MeshCore
import Testing

@testable import DataPlane

@Suite("Detection notices")
struct DetectionNoticeTests {
  /// Goal: each reason reads as a sentence with its numbers, lengths of time with as many decimals as they need and no more than two.
  @Test("words")
  func words() {
    let reasons: [(DetectionReason, String)] = [
      (.consecutiveFailures(7, penalty: .milliseconds(1420)), "7 consecutive failures; a probe in 1.42 s"),
      (.consecutiveFailures(3, penalty: .milliseconds(1004)), "3 consecutive failures; a probe in 1 s"),
      (.probeFailed(penalty: .milliseconds(2500)), "the probe failed; the next one in 2.5 s"),
      (.probeFailed(penalty: .milliseconds(1095)), "the probe failed; the next one in 1.1 s"),
      (.penaltyElapsed, "the penalty is over; one request may pass as a probe"),
      (.probeSucceeded, "the probe succeeded"),
      (.checksFailed(3, last: .answered(status: 503)), "failed: 3 checks in a row, last: 503"),
      (.checksFailed(1, last: .timedOut), "failed: 1 check in a row, last: timeout"),
      (.checksPassed(2), "passed: 2 checks in a row"),
      (.tooFewWork, "too few endpoints work: all of them are used, well or not"),
      (.enoughWork, "enough endpoints work again"),
    ]
    for (reason, words) in reasons { #expect(reason.words == words) }
  }

  /// Goal: what people are told does not make the actions of every request larger.
  @Test("size")
  func size() {
    #expect(MemoryLayout<DetectionNotice>.size <= MemoryLayout<AttemptStart>.size)
  }
}
