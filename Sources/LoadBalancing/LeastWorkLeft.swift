// Least work left: the endpoint with the least service left of what it has, ties at random.
//
// An oracle's policy: it is told how much work each endpoint has, which no proxy can know, and so marks what a perfect
// choice without migration would reach. With one worker a replica it equals a central first-come-first-served queue
// (Foss 1980; Harchol-Balter: Performance Modeling and Design of Computer Systems, 2013, ch. 24).

import MeshCore

/// Chooses the endpoint with the least unfinished work. Complexity: O(n).
public struct LeastWorkLeft: LoadBalancer {
  public static var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "leastWorkLeft", summary: "an oracle: the least unfinished work of all endpoints, ties at random",
    origin: "Harchol-Balter 2013, ch. 24", needsOracle: true
  ) { _ in LeastWorkLeft() }

  /// A policy without state.
  public init() {}

  public mutating func pick(
    _ endpoints: borrowing EndpointSet, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    LeastSearch.slot(of: endpoints, &random) { endpoints, slot in endpoints.workLeft(slot: slot, at: now) }
  }
}
