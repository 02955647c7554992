// An earliest-deadline schedule with the seed it is rebuilt from, as Envoy's weighted policies hold it: the seed is drawn
// once, so each endpoint change puts the schedule back to the same place.

import MeshCore

/// A schedule by the place of available endpoints.
struct SeededSchedule: Sendable {
  /// Drawn when the endpoints are first seen.
  private(set) var seed: UInt64?
  private var schedule = EDFScheduler()

  /// Draws the seed unless it has been drawn.
  mutating func drawSeed(_ random: inout RandomStream) {
    if seed == nil { seed = random.next() }
  }

  /// Starts afresh with one member per weight.
  mutating func rebuild(weights: ContiguousArray<Double>) { schedule.rebuild(weights: weights, seed: seed ?? 0) }

  /// The place of the member whose turn is next.
  @inline(__always)
  var earliest: Int32 { schedule.earliest }

  /// Gives the earliest member its turn and puts it back with `weight`.
  @inline(__always)
  mutating func takeTurn(weight: Double) { schedule.takeTurn(weight: weight) }
}

extension EndpointView {
  /// Whether all available endpoints have the same weight; true for none and for one.
  var availableWeightsAreEqual: Bool {
    if availableCount < 2 { return true }
    let weight = states[available[0]].weight
    for place in 1..<availableCount where states[available[place]].weight != weight { return false }
    return true
  }
}
