// Override host: a request that says itself where it wants to go.
//
// Two forms, both Envoy's. With stateful sessions a filter names one endpoint; it is used when it exists and its health
// is among the accepted ones (unknown, healthy and degraded unless said), at the first attempt only; a strict request
// fails otherwise, another one is balanced as usual. With the policy `override_host` a header or metadata holds a list
// of endpoints; the first attempt takes the first that exists, each retry the next, whatever their health; then the
// fallback policy takes over.
//
// Needs per request: the endpoints named, looked up by the caller, and their health. Comes before priorities and
// everything below them.

import MeshCore

/// Whether a request may go to the endpoint that it names (`override_host_status`).
@frozen
public struct OverrideHost: BitwiseCopyable, Sendable {
  /// What comes of it.
  @frozen
  public enum Decision: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// Go there.
    case use
    /// Balance as usual.
    case balance
    /// The request fails: it would go nowhere else.
    case fail
  }

  private var accepted: UInt8

  /// Accepts endpoints of these healths; Envoy's unless said.
  public init(accepting healths: [HostStatus] = HostStatus.accepted) {
    accepted = healths.reduce(0) { $0 | 1 << $1.rawValue }
  }

  /// Decides for one attempt.
  /// - Parameters:
  ///   - health: that of the endpoint named; `nil` when there is no such endpoint.
  ///   - isStrict: whether the request is to go there or nowhere.
  ///   - isRetry: whether it has been sent before: then what it names no longer counts.
  public func decide(_ health: HostStatus?, isStrict: Bool, isRetry: Bool) -> Decision {
    if isRetry { return .balance }
    if let health, accepted & 1 << health.rawValue != 0 { return .use }
    return isStrict ? .fail : .balance
  }
}

/// How far a request has come in its list of endpoints; lies in its record.
@frozen
public struct OverrideList: BitwiseCopyable, Hashable, Sendable {
  /// How many names have been used up.
  public private(set) var used: Int32 = 0

  /// The start of the list.
  public init() {}

  /// The next endpoint of `slots`, where names of no endpoint are -1; -1 at the end: then the fallback policy chooses.
  public mutating func next(of slots: borrowing ContiguousArray<Int32>) -> Int32 {
    while Int(used) < slots.count {
      let slot = slots[Int(used)]
      used &+= 1
      if slot >= 0 { return slot }
    }
    return -1
  }
}
