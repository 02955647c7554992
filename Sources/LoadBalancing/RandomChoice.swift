// Random: each request to an endpoint drawn uniformly, whatever its load or weight.
//
// The baseline of the supermarket model (d = 1) and Envoy's `RANDOM`. Weights are ignored, as in Envoy.

import MeshCore

/// Chooses uniformly at random. Complexity: O(1).
public struct RandomChoice: LoadBalancer {
  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "random", summary: "a uniformly drawn endpoint; ignores load and weight", origin: "Envoy RANDOM"
  ) { _, _ in RandomChoice() }

  /// A policy without state.
  public init() {}

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    return endpoints.available[random.below(count)]
  }
}
