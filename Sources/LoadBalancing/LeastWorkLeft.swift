// Least work left: the endpoint with the least service left of what it has, ties at random.
//
// An oracle's policy: it is told how much work each endpoint has, which no proxy can know, and so marks what a perfect
// choice without migration would reach. With one worker a replica it equals a central first-come-first-served queue
// (Foss 1980; Harchol-Balter: Performance Modeling and Design of Computer Systems, 2013, ch. 24).

import MeshCore

/// Chooses the endpoint with the least unfinished work. Complexity: O(n): a pick asks every endpoint.
public struct LeastWorkLeft: LoadBalancer {
  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "leastWorkLeft",
    summary: "an oracle: the least unfinished work of all endpoints, ties at random; a pick asks every endpoint",
    origin: "Harchol-Balter 2013, ch. 24", needsOracle: true
  ) { _, _ in LeastWorkLeft() }

  /// What the oracle has seen of each endpoint.
  private var sights = SlotRecords<ObservedWork>()

  /// A policy that has seen nothing: endpoints that no oracle has looked at are idle.
  public init() {}

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    sights.update(roster.view) { _ in .none }
  }

  public mutating func observed(_ endpoints: EndpointView, slot: Int32, _ work: ObservedWork) {
    sights[slot] = work
  }

  /// The nanoseconds of work that the endpoint has.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    Double(sights[slot].left(at: now))
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    LeastSearch.slot(of: endpoints, &random) { slot in sights[slot].left(at: now) }
  }
}
