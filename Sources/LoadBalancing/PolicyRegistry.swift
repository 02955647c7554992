// Where policies are registered: the scenario schema, `weir policies`, the proxy and the quality suite read this list.

import MeshCore

/// What there is to know of a policy before one is made.
public struct PolicyDescriptor: Sendable {
  /// The name in a scenario.
  public var name: String
  /// One line: what it does.
  public var summary: String
  /// The system or paper it comes from.
  public var origin: String
  /// What can be set.
  public var parameters: [ParameterDescriptor]
  /// Whether it needs to be told each endpoint's remaining work, which the lab alone knows.
  public var needsOracle: Bool
  /// Whether it chooses by the request's key, so that a key keeps its endpoint.
  public var placesKeys: Bool
  /// Whether it has tables for a cluster's priorities and goes by these alone, as Envoy's thread-aware balancers do: one number,
  /// the key if there is one, chooses priority and endpoint; an aggregate's choice of a priority does not bind it; degraded
  /// endpoints are in no table; zones count as their weights scale their endpoints', and otherwise not; and in a panic traffic never
  /// fails.
  public var hasTables: Bool
  /// The parameter, and its word, with which it gives young endpoints less where a cluster asks for slow start; a policy
  /// without ignores that. Finagle's choice of two (`maxEffort`) knows no weights, and so no slow start either.
  public var slowStartForm: (parameter: String, word: String)?
  /// What is wrong with parameters that are each within their range, and which one is at fault; `nil` when nothing is.
  public var fault: @Sendable (PolicyParameters) -> (parameter: String, what: String)?
  /// Makes one, for a cluster in a data plane.
  public var make: @Sendable (PolicyParameters, BalancerContext) -> any LoadBalancer & ~Copyable

  /// A policy.
  public init(
    name: String, summary: String, origin: String, parameters: [ParameterDescriptor] = [], needsOracle: Bool = false,
    placesKeys: Bool = false, hasTables: Bool = false, slowStartForm: (parameter: String, word: String)? = nil,
    fault: @escaping @Sendable (PolicyParameters) -> (parameter: String, what: String)? = { _ in nil },
    make: @escaping @Sendable (PolicyParameters, BalancerContext) -> any LoadBalancer & ~Copyable
  ) {
    self.name = name
    self.summary = summary
    self.origin = origin
    self.parameters = parameters
    self.needsOracle = needsOracle
    self.placesKeys = placesKeys
    self.hasTables = hasTables
    self.slowStartForm = slowStartForm
    self.fault = fault
    self.make = make
  }

  /// Whether it heeds a cluster's slow start with these parameters.
  public func honoursSlowStart(_ parameters: PolicyParameters) -> Bool {
    guard let form = slowStartForm, parameters.word(form.parameter) == form.word else { return false }
    return !isFinagleChoice(parameters)
  }

  /// Whether Finagle's choice of two stands in the policy's place with these parameters.
  public func isFinagleChoice(_ parameters: PolicyParameters) -> Bool {
    let effort = FinagleChoice.parameter.name
    return name == LeastRequest.descriptor.name && parameters.integer(effort) > 0
  }
}

/// Every policy there is.
public enum PolicyRegistry {
  /// The policies, in the order in which they are listed. A new policy adds its line here.
  public static let policies: [PolicyDescriptor] = [
    RandomChoice.descriptor,
    RoundRobin.descriptor,
    LeastRequest.descriptor,
    PeakEWMA.descriptor,
    LeastResponseTime.descriptor,
    JoinShortestQueue.descriptor,
    JoinIdleQueue.descriptor,
    LeastWorkLeft.descriptor,
    RingHash.descriptor,
    Maglev.descriptor,
    Rendezvous.descriptor,
    JumpHash.descriptor,
    MultiProbeHash.descriptor,
    AnchorHash.descriptor,
    ClientSideWeightedRoundRobin.descriptor,
    Prequal.descriptor,
    C3.descriptor,
    LeastConnections.descriptor,
    WeightedResponseTime.descriptor,
    Aperture.descriptor,
  ]

  /// The policy called `name`.
  public static func policy(named name: String) -> PolicyDescriptor? { policies.first { $0.name == name } }
}
