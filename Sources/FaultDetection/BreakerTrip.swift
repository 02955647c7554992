// When a circuit breaker is said to be open: from the first refusal until nothing has been refused for a while.
//
// Envoy's gauge (`circuit_breakers.<cluster>.default.rq_open`) is 1 whenever a count is at its limit. Under load that comes and goes
// with every request, and says nothing of whether anybody was refused; so people are told of the first refusal, and of the moment
// from which there has been none for a second. Nothing is decided by it.

import MeshCore

/// What people hear of one limit of one breaker.
@frozen
public struct BreakerTrip: BitwiseCopyable, Sendable, Hashable {
  /// How long nothing is refused before a breaker counts as closed.
  public static var rest: TimeSpan { .seconds(1) }

  /// Refusals since it opened; 0 while it is closed.
  public private(set) var refusals: Int64 = 0
  private var latest = Timestamp.zero

  /// A breaker that has refused nothing.
  public init() {}

  /// Something was refused. Returns whether that opens it; then `mayClose` is to be asked at `now + rest`.
  public mutating func refuse(at now: Timestamp) -> Bool {
    refusals += 1
    latest = now
    return refusals == 1
  }

  /// When to ask again; nil when it is closed now, with `refusals` for the last time.
  public mutating func close(at now: Timestamp) -> (next: Timestamp?, refusals: Int64) {
    let due = latest + Self.rest
    if now < due { return (due, refusals) }
    let count = refusals
    refusals = 0
    return (nil, count)
  }
}

/// The trips of a breaker's limits.
@frozen
public struct BreakerTrips: BitwiseCopyable, Sendable, Hashable {
  private var connections = BreakerTrip()
  private var pendingRequests = BreakerTrip()
  private var requests = BreakerTrip()
  private var retries = BreakerTrip()
  private var hostConnections = BreakerTrip()

  /// None.
  public init() {}

  /// That of one limit.
  public subscript(resource: BreakerResource) -> BreakerTrip {
    get {
      switch resource {
      case .connections: connections
      case .pendingRequests: pendingRequests
      case .requests: requests
      case .retries: retries
      case .hostConnections: hostConnections
      }
    }
    set {
      switch resource {
      case .connections: connections = newValue
      case .pendingRequests: pendingRequests = newValue
      case .requests: requests = newValue
      case .retries: retries = newValue
      case .hostConnections: hostConnections = newValue
      }
    }
  }
}
