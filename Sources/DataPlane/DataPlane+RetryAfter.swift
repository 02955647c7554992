// Answers that say when to come again (`RetryAfter`): who heeds it.
//
// A route's retries do where it names the header (Envoy's rate_limited_retry_back_off): in place of its pause a retry waits for what was asked for
// and up to half of that more, unless that is longer than the route allows. A cluster's penalty for failures does (Linkerd's load biaser). It
// holds for the one answer: whoever hears of it hears of it while the answer is taken in.

import LoadBalancing
import MeshCore
import TrafficSplitting

extension DataPlane {
  /// An endpoint's answer with a status asks to be left alone for a while. One that has but begun may be tried again before it is whole.
  @inline(never)
  mutating func putOff(
    _ attempt: AttemptHandle, status: Int16, retryAfter: TimeSpan, isWhole: Bool, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    if !requests.contains(attempt) { return }
    let cluster = Int(requests[attempt.index].cluster)
    self.retryAfter = retryAfter
    clusters[cluster].retryAfter = retryAfter
    if isWhole {
      attemptAnswered(attempt, status: status, at: now, into: &actions)
    } else {
      answerBegan(attempt, status: status, at: now, into: &actions)
    }
    self.retryAfter = nil
    clusters[cluster].retryAfter = nil
  }

  /// The pause before a retry that the answer has asked for, as far as the route heeds it.
  func pauseAskedFor(_ plan: Int32, draw: UInt64) -> TimeSpan? {
    // Envoy counts in milliseconds, and takes one of them for none.
    guard let retryAfter, retryAfter <= retries.plans[plan].longestReset, retryAfter >= .milliseconds(2) else {
      return nil
    }
    return RetryBackoff.afterReset(in: retryAfter, draw: draw)
  }
}
