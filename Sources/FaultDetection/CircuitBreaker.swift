// Envoy's circuit breaker: how much one data plane may have open to a cluster at a time.
//
// It opens and closes nothing by itself and remembers nothing: it counts. A request that comes to an endpoint's pool of connections takes
// one that is free (`attach`); if none is, it waits (`pend`), and asks for another connection (`connect`). Whatever would exceed its
// limit is refused at once: a request with 503, a connection by not being opened, so that those who want one wait for those that there
// are. A pool that has none may always open one, or whoever waits there would wait for ever; one that has some may have
// no more than its endpoint's own limit. A request that has waited is counted
// among those under way when it gets its connection, and may be refused then. A request on a tunnel (TCP) is no request.
// (source/common/http/conn_pool_base.cc, conn_pool/conn_pool_base.cc, upstream/resource_manager_impl.h; count < max, basic_resource_impl.h)
//
// It differs from what other systems call so (Hystrix, Linkerd's failure accrual): failures do not count here.

import MeshCore

/// What a circuit breaker limits.
@frozen
public enum BreakerResource: UInt8, BitwiseCopyable, Sendable, Hashable, CaseIterable {
  /// Connections to endpoints.
  case connections
  /// Requests that wait for a connection.
  case pendingRequests
  /// Requests on connections.
  case requests
  /// Retries, pauses included.
  case retries
  /// Connections to one endpoint.
  case hostConnections

  /// Its limit's name in Envoy.
  public var limitName: String {
    switch self {
    case .connections: "maxConnections"
    case .pendingRequests: "maxPendingRequests"
    case .requests: "maxRequests"
    case .retries: "maxRetries"
    case .hostConnections: "perHostThresholds.maxConnections"
    }
  }
}

/// What is open to a cluster, and how much may be. One for each cluster and data plane.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct CircuitBreaker: BitwiseCopyable, Sendable, Hashable {
  /// Connections, those that are being opened included.
  public private(set) var connections: Int32 = 0
  /// Requests that wait for a connection.
  public private(set) var pendingRequests: Int32 = 0
  /// Requests on connections.
  public private(set) var requests: Int32 = 0
  /// The limits.
  public let maxConnections: Int32
  public let maxConnectionsPerHost: Int32
  public let maxPendingRequests: Int32
  public let maxRequests: Int32

  /// Nothing open; a limit that is not given is none.
  public init(_ description: CircuitBreakerDescription, isTunnel: Bool = false) {
    maxConnections = description.maxConnections.map { max($0, 0) } ?? .max
    maxConnectionsPerHost = description.maxConnectionsPerHost.map { max($0, 0) } ?? .max
    maxPendingRequests = description.maxPendingRequests.map { max($0, 0) } ?? .max
    maxRequests = isTunnel ? .max : description.maxRequests.map { max($0, 0) } ?? .max
  }

  /// Asks to open a connection to an endpoint that has so many, those that are being opened included. Returns what forbids it; nil when
  /// nothing does, and it counts from then on.
  @inline(__always)
  public mutating func connect(atEndpoint count: Int32) -> BreakerResource? {
    if count > 0 {
      if count >= maxConnectionsPerHost { return .hostConnections }
      if connections >= maxConnections { return .connections }
    }
    connections += 1
    return nil
  }

  /// A connection has closed, or did not open.
  @inline(__always)
  public mutating func disconnect() {
    precondition(connections > 0)
    connections -= 1
  }

  /// Whether a request may wait for a connection; it counts from then on.
  @inline(__always)
  public mutating func pend() -> Bool {
    if pendingRequests >= maxPendingRequests { return false }
    pendingRequests += 1
    return true
  }

  /// A request waits no longer.
  @inline(__always)
  public mutating func leavePending() {
    precondition(pendingRequests > 0)
    pendingRequests -= 1
  }

  /// Whether a request may use a connection that is free; it counts from then on.
  @inline(__always)
  public mutating func attach() -> Bool {
    if requests >= maxRequests { return false }
    requests += 1
    return true
  }

  /// A request is off its connection.
  @inline(__always)
  public mutating func detach() {
    precondition(requests > 0)
    requests -= 1
  }

  /// What a retry budget goes by.
  public var requestsUnderWay: Int64 { Int64(requests) + Int64(pendingRequests) }

  /// How much there is of something that it counts, and the limit.
  public func standing(of resource: BreakerResource) -> (count: Int32, limit: Int32) {
    switch resource {
    case .connections: (connections, maxConnections)
    case .pendingRequests: (pendingRequests, maxPendingRequests)
    case .requests: (requests, maxRequests)
    case .retries: (0, .max)
    case .hostConnections: (0, maxConnectionsPerHost)
    }
  }
}
