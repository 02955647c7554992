// Envoy's words for how an endpoint is, finer than the three classes that balancers go by.

/// An endpoint's health in the words of Envoy's `override_host_status`, in their order.
@frozen
public enum HostStatus: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
  /// Nothing is known.
  case unknown
  /// It is well.
  case healthy
  /// It failed a check or was ejected, or the control plane says so.
  case unhealthy
  /// It is to get no new requests.
  case draining
  /// It did not answer its check.
  case timeout
  /// It works and is to be used last.
  case degraded

  /// How it is written.
  public var word: String {
    switch self {
    case .unknown: "unknown"
    case .healthy: "healthy"
    case .unhealthy: "unhealthy"
    case .draining: "draining"
    case .timeout: "timeout"
    case .degraded: "degraded"
    }
  }

  /// The class that balancers go by: who drains or did not answer its check gets nothing, and who is unknown counts as well.
  public var health: EndpointHealth {
    switch self {
    case .unknown, .healthy: .healthy
    case .degraded: .degraded
    case .unhealthy, .draining, .timeout: .unhealthy
    }
  }

  /// The status that says no more than a class.
  public init(_ health: EndpointHealth) {
    switch health {
    case .healthy: self = .healthy
    case .degraded: self = .degraded
    case .unhealthy: self = .unhealthy
    }
  }

  /// What is accepted where nothing is said.
  public static let accepted: [HostStatus] = [.unknown, .healthy, .degraded]

  /// How an endpoint is, as far as a data plane knows: shut out by fault detection before what discovery says.
  public init(of state: EndpointState) { self = state.isAdmitted ? state.status : .unhealthy }
}
