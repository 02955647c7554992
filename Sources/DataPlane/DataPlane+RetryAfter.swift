// Answers that say when to come again (`RetryAfter`): who heeds it.
//
// A route's retries do where it names the header (Envoy's rate_limited_retry_back_off): in place of its pause a retry waits for what was asked for
// and up to half of that more, unless that is longer than the route allows. A cluster's penalty for failures does (Linkerd's load biaser). It
// holds for the one answer: whoever hears of it hears of it while the answer is taken in.

import LoadBalancing
import MeshCore
import TrafficSplitting

extension DataPlane {
  /// An endpoint answered with a status and asks to be left alone for a while.
  @inline(never)
  mutating func attemptPutOff(
    _ attempt: AttemptHandle, status: Int16, retryAfter: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !requests.contains(attempt) { return }
    let cluster = Int(requests[attempt.index].cluster)
    heed(retryAfter, of: cluster)
    attemptAnswered(attempt, status: status, at: now, into: &actions)
    heed(nil, of: cluster)
  }

  /// An answer has begun with a status and asks to be left alone for a while: it may be tried again before it is whole.
  @inline(never)
  mutating func answerPutOff(
    _ attempt: AttemptHandle, status: Int16, retryAfter: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if !requests.contains(attempt) { return }
    let cluster = Int(requests[attempt.index].cluster)
    heed(retryAfter, of: cluster)
    answerBegan(attempt, status: status, at: now, into: &actions)
    heed(nil, of: cluster)
  }

  private mutating func heed(_ retryAfter: TimeSpan?, of cluster: Int) {
    self.retryAfter = retryAfter
    clusters[cluster].retryAfter = retryAfter
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
