// Rendezvous: every endpoint draws a number for the request's key, weighted by its weight; the highest takes the request.
//
// Thaler and Ravishankar 1996, weights after Schindelhauer and Schomaker 2005; the score is `RendezvousTable`'s. When an endpoint
// goes, its keys spread over all the others in proportion to their weights, and no other key moves. Without a key the
// place is random.

import MeshCore

/// Chooses by scores. Complexity: O(n) a pick: it grows linearly with the number of endpoints.
public struct Rendezvous: LoadBalancer {
  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "rendezvous",
    summary: "a key keeps its endpoint: the highest of scores that all draw for it; a pick asks every endpoint",
    origin: "Thaler, Ravishankar 1996", placesKeys: true
  ) { _, _ in Rendezvous() }

  /// The hash of each endpoint's address, by place among those that may be chosen.
  private var hashes: ContiguousArray<UInt64> = []
  private var weightsAreEqual = true

  /// A policy that has not seen its endpoints.
  public init() {}

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let view = roster.view
    hashes.removeAll(keepingCapacity: true)
    for place in 0..<view.availableCount { hashes.append(XXHash64.hash(roster.address(slot: view.available[place]))) }
    weightsAreEqual = view.availableWeightsAreEqual
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    let key = context.hasKey ? context.key : random.next()
    if weightsAreEqual { return endpoints.available[highestDraw(key)] }
    let place = RendezvousTable.highest(of: count) {
      RendezvousTable.draw(key: key, member: hashes[$0])
    } weight: {
      Double(endpoints.states[endpoints.available[$0]].weight)
    }
    return endpoints.available[place]
  }

  /// With equal weights the highest draw has the highest score, without logarithms.
  private func highestDraw(_ key: UInt64) -> Int {
    var best = 0
    var most: UInt64 = 0
    for place in 0..<hashes.count {
      // As coarse as scores are, so that equals are the same ones.
      let draw = RendezvousTable.draw(key: key, member: hashes[place]) >> 12
      if draw > most {
        best = place
        most = draw
      }
    }
    return best
  }
}
