// What stands before a service at its own side: each replica's sidecar has one of each, whoever calls.
//
// The limits are those of Linkerd's HTTPLocalRateLimitPolicy (policy.linkerd.io/v1alpha1): for all requests, for each identity, and for
// some identities by name.

/// A limit for some callers by name, in place of that of each identity.
public struct RateOverrideDescription: Sendable, Hashable {
  /// Requests a second, from 1; as many may come at once.
  public var requestsPerSecond: UInt32
  /// Names of clients or services.
  public var clientRefs: [String]

  /// A limit.
  public init(requestsPerSecond: UInt32, clientRefs: [String]) {
    self.requestsPerSecond = requestsPerSecond
    self.clientRefs = clientRefs
  }
}

/// What stands before a service, at each of its replicas.
public struct InboundDescription: Sendable, Hashable {
  /// The service.
  public var service: String
  /// Requests a second of all callers together, from 1; nil for any number. As many may come at once, here and below.
  public var total: UInt32?
  /// Requests a second of each caller.
  public var perIdentity: UInt32?
  /// Limits by name. Who is named twice has the first one.
  public var overrides: [RateOverrideDescription]
  /// Names of the clients and services that may call; nil for all. Others are answered 403.
  public var allowed: [String]?

  /// Limits.
  public init(
    service: String, total: UInt32? = nil, perIdentity: UInt32? = nil, overrides: [RateOverrideDescription] = []
  ) {
    self.service = service
    self.total = total
    self.perIdentity = perIdentity
    self.overrides = overrides
  }
}
