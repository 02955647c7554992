// Multi-probe hash: the key is hashed several times, and the hash that lies closest before an endpoint's one point decides.
//
// Appleton and O'Reilly 2015; the circle is `MultiProbeTable`'s. It has the endpoints that may be chosen; when one goes, only its keys
// move. Weights do not count. Without a key the place is random.

import MeshCore

/// Chooses by the closest of several probes. Complexity: O(probes).
public struct MultiProbeHash: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "probes", .integer(minimum: 1, maximum: 1000), default: .integer(21),
      "how many times a key is hashed; with k the largest share is about 1 + 1/k times the mean")
  ]

  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "multiProbeHash",
    summary: "a key keeps its endpoint: the closest of several hashes to one point an endpoint; ignores weight",
    origin: "Appleton, O'Reilly 2015", parameters: parameters, placesKeys: true
  ) { parameters, _ in MultiProbeHash(parameters) }

  private let probes: Int
  private var table = Indirect(MultiProbeTable())

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) { probes = Int(max(1, parameters.integer("probes"))) }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let view = roster.view
    table.value = MultiProbeTable(
      points: (0..<view.availableCount).map { XXHash64.hash(roster.address(slot: view.available[$0])) })
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if endpoints.availableCount == 0 { return -1 }
    let key = context.hasKey ? context.key : random.next()
    return endpoints.available[table.value.member(of: key, probes: probes)]
  }
}
