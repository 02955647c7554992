// Deterministic subsetting: clients in rounds, each round dealing out all endpoints once.
//
// With n endpoints and subsets of k, n / k clients make a round. A round shuffles the endpoints by its own number and
// each of its clients takes one slice, so within a round no endpoint is taken twice. Where k divides n, whole rounds
// load all endpoints alike; otherwise each round leaves out n mod k of them, others each time (Beyer et al.: Site
// Reliability Engineering, chapter 20). The book leaves the shuffle to its language; here it is Fisher and Yates's,
// drawn from the round's number.
//
// Needs per change: the number of endpoints, in an order that all clients share, and the client's number. Per request:
// nothing.

import MeshCore

/// A client's subset by its number.
public enum DeterministicSubsetting {
  /// The places of the endpoints of client `client` (from 0), in the shuffled order; all if there are no more than
  /// `size`, none for sizes below 1. Complexity: O(count).
  public static func members(count: Int, client: Int, size: Int) -> ContiguousArray<Int32> {
    if count <= 0 || size <= 0 { return [] }
    let subsets = count / size
    var order = ContiguousArray((0..<count).map { Int32(truncatingIfNeeded: $0) })
    if count <= size { return order }
    let (round, place) = max(0, client).quotientAndRemainder(dividingBy: subsets)
    var random = RandomStream(state: mix64(UInt64(round) &+ goldenGamma))
    for end in stride(from: count - 1, to: 0, by: -1) { order.swapAt(end, random.below(end + 1)) }
    return ContiguousArray(order[place * size..<(place + 1) * size])
  }
}
