// Join the shortest queue: the endpoint with the fewest requests in flight of all, ties at random.
//
// Optimal for one dispatcher and exponential service (Winston 1977), at the price of looking at every endpoint. A data
// plane counts its own requests alone: several of them each join what is shortest to their own knowledge.

import MeshCore

/// Chooses the least loaded endpoint. Complexity: O(n): a pick asks every endpoint.
public struct JoinShortestQueue: LoadBalancer {
  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "joinShortestQueue",
    summary: "the fewest requests in flight of all endpoints, ties at random; a pick asks every endpoint",
    origin: "Winston 1977"
  ) { _, _ in JoinShortestQueue() }

  /// A policy without state.
  public init() {}

  /// The requests in flight.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    Double(endpoints.states[slot].inFlight)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    LeastSearch.slot(of: endpoints, &random) { slot in Int64(endpoints.states[slot].inFlight) }
  }
}
