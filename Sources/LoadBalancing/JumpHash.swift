// Jump hash: the key says by arithmetic alone which of the listed endpoints takes the request.
//
// Lamping and Veach 2014; the arithmetic is `JumpTable`'s. Endpoints are numbered in the order in which discovery lists them: one
// more at the end of the list takes just its share, one that goes from its middle moves the keys of all that follow. An
// endpoint that is listed and may not be chosen keeps its number; its keys are hashed again, each on its own, so that they
// spread over the others and come back to it. Weights do not count. Without a key the place is random.

import MeshCore

/// Chooses by arithmetic on the key. Complexity: O(log n).
public struct JumpHash: LoadBalancer {
  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "jumpHash",
    summary: "a key keeps its endpoint: arithmetic on the key and the number of endpoints; ignores weight",
    origin: "Lamping, Veach 2014", placesKeys: true
  ) { _, _ in JumpHash() }

  /// How often a key is hashed again before an endpoint that may be chosen is taken from among those alone.
  private static let attempts = 16

  /// The listed slots in discovery's order, -1 for those that may not be chosen.
  private var slots: ContiguousArray<Int32> = []

  /// A policy that has not seen its endpoints.
  public init() {}

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let view = roster.view
    var mayBeChosen = ContiguousArray(repeating: false, count: view.states.count)
    for place in 0..<view.availableCount { mayBeChosen[Int(view.available[place])] = true }
    slots.removeAll(keepingCapacity: true)
    for place in 0..<roster.listed.count {
      let slot = roster.listed[place]
      slots.append(mayBeChosen[Int(slot)] ? slot : -1)
    }
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let available = endpoints.availableCount
    if available == 0 { return -1 }
    var key = context.hasKey ? context.key : random.next()
    let count = Int32(truncatingIfNeeded: slots.count)
    for _ in 0..<Self.attempts where count > 0 {
      let slot = slots[Int(JumpTable.bucket(of: key, count: count))]
      if slot >= 0 { return slot }
      key = mix64(key &+ goldenGamma)
    }
    return endpoints.available[JumpTable.bucket(of: key, count: Int32(truncatingIfNeeded: available))]
  }
}
