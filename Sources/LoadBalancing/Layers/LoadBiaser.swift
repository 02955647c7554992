// Linkerd's load biaser: a failed answer counts as a very slow one, so that failing fast attracts no traffic.
//
// A policy that prefers low latency sends everything to an endpoint that answers 500 at once, the black hole. With the
// biaser 429, 503 and other 5xx (gRPC: RESOURCE_EXHAUSTED, UNAVAILABLE; UNKNOWN, DEADLINE_EXCEEDED, INTERNAL,
// DATA_LOSS) are recorded with a penalty in place of their latency: 5 s, or for 429 and 503 what the server asks for in
// Retry-After, between 5 s and 300 s. The estimate decays as ever, so an endpoint that was penalised and left alone
// takes 10 s · ln(5 s / 5 ms) = 69 s to look like peers of 5 ms (linkerd2-proxy, load-biaser; annotation
// balancer.alpha.linkerd.io/penalize-failures, off unless said).
//
// Needs per answer: status, gRPC status if any, Retry-After if any. As a layer around any policy that learns from
// latencies: `recordedLatency` replaces the latency in the outcome that the policy is told. `BiasedEstimate` is the
// whole of Linkerd's measure: cost = estimate × (requests in flight + 1), read without side effect, unlike the peak
// EWMA of tower.

import MeshCore

/// What failures are recorded as.
@frozen
public struct LoadBiaser: BitwiseCopyable, Sendable {
  /// The latency that a failure counts as at least.
  public let penalty: TimeSpan
  /// The longest Retry-After that is honoured.
  public let maximumRetryAfter: TimeSpan

  /// A biaser; Linkerd's unless said.
  public init(penalty: TimeSpan = .seconds(5), maximumRetryAfter: TimeSpan = .seconds(300)) {
    self.penalty = max(.zero, penalty)
    self.maximumRetryAfter = max(.zero, maximumRetryAfter)
  }

  /// How an answer counts.
  @frozen
  public enum Failure: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// 429 or RESOURCE_EXHAUSTED: the server may say for how long.
    case rateLimited
    /// 503 or UNAVAILABLE: the server may say for how long.
    case serviceUnavailable
    /// Another 5xx, UNKNOWN, DEADLINE_EXCEEDED, INTERNAL or DATA_LOSS.
    case internalError
  }

  /// What kind of failure an answer is, `nil` when it is none. A gRPC status counts with HTTP's 200 alone, and only
  /// where it comes with the answer's head; in trailers of a stream Linkerd does not see it.
  public static func failure(status: Int16, grpcStatus: Int16? = nil) -> Failure? {
    if status == 429 { return .rateLimited }
    if status == 503 { return .serviceUnavailable }
    if (500...599).contains(status) { return .internalError }
    if status != 200 { return nil }
    switch grpcStatus {
    case 8: return .rateLimited
    case 14: return .serviceUnavailable
    case 2, 4, 13, 15: return .internalError
    default: return nil
    }
  }

  /// The latency to learn from: `latency` itself unless the answer is a failure.
  public func recordedLatency(_ latency: TimeSpan, _ failure: Failure?, retryAfter: TimeSpan? = nil) -> TimeSpan {
    guard let failure else { return latency }
    if failure != .internalError, let retryAfter { return max(penalty, min(retryAfter, maximumRetryAfter)) }
    return penalty
  }
}

/// One endpoint's latency as Linkerd estimates it with the biaser: jumps to a peak, sinks slowly.
@frozen
public struct BiasedEstimate: BitwiseCopyable, Sendable {
  /// In nanoseconds.
  private var average: DecayingAverage

  /// An endpoint that has not answered yet; Linkerd's unless said.
  public init(initial: TimeSpan = .milliseconds(30), decay: TimeSpan = .seconds(10), at now: Timestamp) {
    average = DecayingAverage(decay: decay, value: Double(initial.nanoseconds), at: now)
  }

  /// The estimate at `now` in nanoseconds, decayed since it was last recorded; reading changes nothing.
  public func latency(at now: Timestamp) -> Double { average.value(at: now) }

  /// The cost by which endpoints are compared.
  public func load(inFlight: Int32, at now: Timestamp) -> Double { latency(at: now) * (Double(inFlight) + 1) }

  /// An answer, recorded with `latency`.
  public mutating func record(_ latency: TimeSpan, at now: Timestamp) {
    average.addPeak(Double(latency.nanoseconds), at: now)
  }
}
