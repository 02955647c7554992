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
    /// The server asks to be left alone for a while: 429, 503, RESOURCE_EXHAUSTED, UNAVAILABLE.
    case overloaded
    /// It failed: another 5xx, UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, DATA_LOSS.
    case internalError
  }

  /// What kind of failure an answer is, `nil` when it is none. A gRPC status counts with HTTP's 200 alone, and only
  /// where it comes with the answer's head; in trailers of a stream Linkerd does not see it.
  public static func failure(status: Int16, grpcStatus: Int16? = nil) -> Failure? {
    if status == 429 || status == 503 { return .overloaded }
    if (500...599).contains(status) { return .internalError }
    if status != 200 { return nil }
    switch grpcStatus {
    case 8, 14: return .overloaded
    case 2, 4, 13, 15: return .internalError
    default: return nil
    }
  }

  /// The latency to learn from: `latency` itself unless the answer is a failure.
  public func recordedLatency(_ latency: TimeSpan, _ failure: Failure?, retryAfter: TimeSpan? = nil) -> TimeSpan {
    guard let failure else { return latency }
    if failure == .overloaded, let retryAfter { return max(penalty, min(retryAfter, maximumRetryAfter)) }
    return penalty
  }
}

/// One endpoint's latency as Linkerd estimates it with the biaser: jumps to a peak, sinks slowly.
@frozen
public struct BiasedEstimate: BitwiseCopyable, Sendable {
  /// Nanoseconds at `updated`.
  private var value: Double
  private var updated: Timestamp

  /// An endpoint that has not answered yet (Linkerd: 30 ms).
  public init(initial: TimeSpan = .milliseconds(30), at now: Timestamp) {
    value = Double(initial.nanoseconds)
    updated = now
  }

  /// The estimate at `now` in nanoseconds, decayed since it was last recorded; reading changes nothing.
  /// - Parameter decay: the time constant; below 1 ms it counts as 1 ms (Linkerd: 10 s).
  public func latency(at now: Timestamp, decay: TimeSpan = .seconds(10)) -> Double {
    now <= updated ? value : value * Self.kept(now - updated, decay)
  }

  /// The cost by which endpoints are compared.
  public func load(inFlight: Int32, at now: Timestamp, decay: TimeSpan = .seconds(10)) -> Double {
    latency(at: now, decay: decay) * (Double(inFlight) + 1)
  }

  /// An answer, recorded with `latency`. What exceeds the decayed estimate replaces it, anything else is averaged in;
  /// an answer that does not exceed it and is no later than the last is dropped.
  public mutating func record(_ latency: TimeSpan, at now: Timestamp, decay: TimeSpan = .seconds(10)) {
    let observed = Double(latency.nanoseconds)
    if self.latency(at: now, decay: decay) < observed {
      value = observed
      updated = now
    } else if now > updated {
      let kept = Self.kept(now - updated, decay)
      value = value * kept + observed * (1 - kept)
      updated = now
    }
  }

  private static func kept(_ elapsed: TimeSpan, _ decay: TimeSpan) -> Double {
    Elementary.exponential(-Double(elapsed.nanoseconds) / Double(max(1_000_000, decay.nanoseconds)))
  }
}
