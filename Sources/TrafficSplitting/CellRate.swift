// The generic cell rate algorithm: a rate limit that keeps one number, the time at which the next request would be exactly due.
//
// A request at t passes when it is no more than a burst's time early, t ≥ due − (burst − 1) · interval; then due ← max(due, t) + interval.
// It is the leaky bucket of ATM (ITU-T I.371) without a bucket; Linkerd's HTTPLocalRateLimitPolicy takes it from the crate governor,
// with r requests a second and as large a burst, full at the start. (linkerd2-proxy, server-policy/src/local_rate_limit.rs)

import MeshCore

/// One limit. Complexity: O(1).
@frozen
public struct CellRate: BitwiseCopyable, Sendable, Hashable {
  /// Nanoseconds from request to request.
  private let interval: Int64
  /// How much earlier than due a request may come, nanoseconds.
  private let tolerance: Int64
  private var due: Int64

  /// A limit that nobody has used yet.
  ///
  /// - Parameters:
  ///   - perSecond: requests a second, 1 … 1,000,000,000.
  ///   - burst: requests at once, at least 1.
  public init(perSecond: UInt32, burst: UInt32, at now: Timestamp) {
    interval = max(1, 1_000_000_000 / Int64(max(1, perSecond)))
    tolerance = interval * Int64(max(1, burst) - 1)
    due = now.nanoseconds
  }

  /// Whether a request may pass; it is counted then.
  public mutating func passes(at now: Timestamp) -> Bool {
    if now.nanoseconds < due - tolerance { return false }
    due = max(due, now.nanoseconds) + interval
    return true
  }
}

/// Which limit a request was held up by.
public enum RateDenial: Sendable, Hashable {
  /// That of all requests together.
  case total
  /// That of the one who sends it, whom somebody has named.
  case override
  /// That which everybody has.
  case identity
}

/// Limits for all, for each who sends, and for some by name (Linkerd's HTTPLocalRateLimitPolicy).
///
/// The total comes first, and a request that is denied later has taken from it. Who has a limit by name has no other; requests of
/// nobody share one. Complexity: O(1) a request.
public struct IdentityRateLimit: Sendable {
  private var total: CellRate?
  private let fresh: CellRate?
  private var perIdentity: [CellRate] = []
  private var overrides: [Int32: CellRate]

  /// Limits that nobody has used yet. Identities are numbers from 0; -1 is nobody.
  public init(total: CellRate?, perIdentity: CellRate?, overrides: [Int32: CellRate] = [:]) {
    self.total = total
    self.fresh = perIdentity
    self.overrides = overrides
  }

  /// The limits of a service that nobody has used yet; `identities` are those that a name stands for. Who is named twice has the first limit.
  public init(_ description: InboundDescription, identities: (String) -> [Int32]) {
    func rate(_ perSecond: UInt32?) -> CellRate? { perSecond.map { CellRate(perSecond: $0, burst: $0, at: .zero) } }
    var overrides: [Int32: CellRate] = [:]
    for override in description.overrides {
      for identity in override.clientRefs.flatMap(identities) where overrides[identity] == nil {
        overrides[identity] = rate(override.requestsPerSecond)
      }
    }
    self.init(total: rate(description.total), perIdentity: rate(description.perIdentity), overrides: overrides)
  }

  /// What a request of `identity` is denied by, if anything.
  public mutating func denial(of identity: Int32, at now: Timestamp) -> RateDenial? {
    if total?.passes(at: now) == false { return .total }
    if overrides[identity]?.passes(at: now) == false { return .override }
    if overrides[identity] != nil { return nil }
    guard let fresh else { return nil }
    let place = Int(identity) + 1
    while perIdentity.count <= place { perIdentity.append(fresh) }
    return perIdentity[place].passes(at: now) ? nil : .identity
  }
}
