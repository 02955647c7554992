// Which endpoints have changed since they were looked at last, as far as anybody chooses by it.
//
// A cluster with many subsets has many balancers, and each needs a time in proportion to all endpoints to prepare itself anew. So a
// change is told to the subsets alone that hold somebody whom it concerns. Envoy goes by the subset too: within one, all of a
// priority's schedulers are made anew, whichever host has changed.

import MeshCore

/// What was known of each slot's endpoint.
struct EndpointChanges {
  private struct Look: Equatable {
    var description: EndpointDescription?
    var incarnation: UInt32
    var exclusions: EndpointExclusions
    var since: Timestamp
  }

  private var looks: [Look] = []

  /// Looks at all endpoints; tells by slot who is another than at the last look. Complexity: O(slots).
  mutating func look(at endpoints: borrowing EndpointSet) -> [Bool] {
    let roster = endpoints.roster
    var hasChanged = [Bool](repeating: true, count: endpoints.states.count)
    for slot in 0..<endpoints.states.count {
      let state = endpoints.states[slot]
      let look = Look(
        description: roster.description(slot: Int32(truncatingIfNeeded: slot)), incarnation: state.incarnation,
        exclusions: state.exclusions, since: state.since)
      if slot < looks.count {
        hasChanged[slot] = looks[slot] != look
        looks[slot] = look
      } else {
        looks.append(look)
      }
    }
    return hasChanged
  }
}
