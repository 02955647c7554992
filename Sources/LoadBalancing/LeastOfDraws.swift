// Least of draws: HAProxy's `balance random(<draws>)`, of a few endpoints drawn by weight the one with the least load for its weight.
//
// Each draw is a random number looked up on the ring of weights (backend.c, get_server_rnd; configuration manual, balance), so an
// endpoint may be drawn twice. Requests served are compared across weights: served · weight of the other. At a tie the later draw
// stays. One draw is weighted random choice.

import MeshCore

/// Chooses the least loaded of a few drawn by weight. Complexity: O(draws); O(n) when endpoints change.
struct LeastOfDraws: LoadBalancer {
  private let draws: Int32
  private var isWeighted = false
  private var weights = Indirect(WeightedDraw())

  var observesAttempts: Bool { false }

  /// A policy that makes so many draws, at least one.
  init(draws: Int) { self.draws = Int32(clamping: max(1, draws)) }

  mutating func endpointsChanged(_ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp) {
    let endpoints = roster.view
    isWeighted = !endpoints.availableWeightsAreEqual
    if !isWeighted { return }
    let places = 0..<endpoints.availableCount
    weights.value.rebuild(
      weights: ContiguousArray(places.map { Double(endpoints.states[endpoints.available[$0]].weight) }))
  }

  /// Requests in flight for its weight.
  mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    Double(endpoints.states[slot].inFlight) / Double(endpoints.states[slot].weight)
  }

  mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    var best: Int32 = -1
    for _ in 0..<draws {
      let slot = endpoints.available[isWeighted ? weights.value.draw(&random) : random.below(count)]
      if best < 0 || !isMoreLoaded(slot, than: best, endpoints) { best = slot }
    }
    return best
  }

  func candidates(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) -> [Int32] {
    let count = endpoints.availableCount
    if count < 2 || draws < 2 { return [] }
    return (0..<draws).map { _ in
      endpoints.available[isWeighted ? weights.value.draw(&random) : random.below(count)]
    }
  }

  private func isMoreLoaded(_ slot: Int32, than other: Int32, _ endpoints: EndpointView) -> Bool {
    let (one, two) = (endpoints.states[slot], endpoints.states[other])
    return Int64(one.inFlight) &* Int64(two.weight) > Int64(two.inFlight) &* Int64(one.weight)
  }
}
