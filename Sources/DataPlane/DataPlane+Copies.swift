// Copies of requests to other endpoints that have the same data, whose answers nobody sees: Cassandra's read repair.
//
// A copy is an attempt like any other: it is in flight, takes the permit of a probation, and what becomes of it counts for the balancer
// and for failure accrual. It outlives the request that it was made of, so nobody's leaving ends it. What ends it is its answer, its
// broken connection, the route's timeout, and discovery when it drops the endpoint: whoever is silent and gone never answers.

import LoadBalancing
import MeshCore

extension DataPlane {
  /// Copies some requests to all other endpoints that have their data: nobody waits for these answers, but what they tell of the
  /// endpoints counts.
  @inline(never)
  mutating func copyToOthers(
    _ arrival: RequestArrival, _ timeout: TimeSpan, _ cluster: Int32, slot chosen: Int32, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    let draw = arrival.randomness.key(for: .readRepair).draw(0)
    if unitInterval(draw) >= clusters[Int(cluster)].readRepairChance { return }
    var place = 0
    var number: Int32 = 0
    while let slot = clusters[Int(cluster)].sendToOther(than: chosen, from: &place, at: now) {
      number += 1
      openCopies += 1
      actions.reserve(2)
      let copy = record(arrival.caller, cluster, slot: slot, pursuit: RequestRecord.copy, at: now)
      limit(copy, to: timeout, at: now, into: &actions)
      start(copy, arrival.caller, cluster, slot: slot, .mirror, number: number, into: &actions)
    }
  }

  /// A copy is over.
  @inline(never)
  mutating func forgetCopy(_ index: Int32, into actions: inout ActionBuffer) {
    let timer = requests[index].timer
    openCopies -= 1
    requests.remove(at: index)
    if timer.index >= 0 { drop(timer, into: &actions) }
  }

  /// Ends the copies that are under way to endpoints which discovery no longer lists. Complexity: O(open attempts) where there are
  /// any copies.
  mutating func dropCopiesToTheGone(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) {
    if openCopies == 0 || clusters[cluster].readRepairChance == 0 { return }
    for index in 0..<Int32(truncatingIfNeeded: requests.slotCount) where requests.isOccupied(index) {
      let copy = requests[index]
      if !copy.isCopy || Int(copy.cluster) != cluster { continue }
      if clusters[cluster].endpoints.states[copy.slot].isListed { continue }
      withdraw(requests.handle(at: index), at: now, into: &actions)
      forgetCopy(index, into: &actions)
    }
  }
}
