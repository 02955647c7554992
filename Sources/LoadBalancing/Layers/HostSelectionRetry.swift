// Host selection retry: choose again while a retry would go where the request has been.
//
// Envoy asks its predicates about each endpoint that the policy chose for a retry (`previous_hosts`: tried before;
// `omit_canary_hosts`; `omit_host_metadata`) and chooses again while one of them objects, at most
// `host_selection_retry_max_attempts` times (1 unless said); the last choice stands even if one objects. The policy is
// not told, so round robin gives away turns and hashing, which chooses by key and attempt, walks on around its ring.
//
// Needs per attempt: the endpoint that it went to, kept with the request in 64 bytes. Per choice: whether a predicate
// objects. Around the whole choice, priorities included: each time all of them draw anew.

import MeshCore

/// The endpoints that a request has been sent to; lies in its record. It remembers the last 15, which a request seldom
/// exceeds.
@frozen
public struct AttemptedEndpoints: BitwiseCopyable, Sendable {
  private var numbers = SIMD16<Int32>(repeating: -1)

  /// None yet.
  public init() {}

  /// An attempt went to `endpoint`.
  public mutating func record(_ endpoint: EndpointIdentity) {
    // The last place counts the attempts.
    let count = max(0, numbers[15])
    numbers[Int(count % 15)] = endpoint.number
    numbers[15] = count &+ 1
  }

  /// Whether an attempt went to `endpoint` (Envoy's `previous_hosts`).
  public func contains(_ endpoint: EndpointIdentity) -> Bool {
    for place in 0..<15 where numbers[place] == endpoint.number { return endpoint.number >= 0 }
    return false
  }
}

/// How often one choice is made again.
@frozen
public struct HostSelectionRetry: BitwiseCopyable, Sendable {
  private var left: Int32

  /// The start of a choice.
  /// - Parameter maximumAttempts: how often to choose again, from 0; 0 for a request's first attempt, which nothing objects to.
  public init(maximumAttempts: Int32) { left = max(0, maximumAttempts) }

  /// Whether to choose again, after a choice that a predicate objects to or not.
  public mutating func again(isRejected: Bool) -> Bool {
    if !isRejected || left == 0 { return false }
    left &-= 1
    return true
  }
}
