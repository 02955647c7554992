// Copies of requests whose answers nobody sees: to other endpoints that have the same data (Cassandra's read repair), and to other
// clusters (mirrors, as in Envoy and the Gateway API).
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
    // Those of mirrors come first.
    let retry = routes[arrival.route].retry
    var number: Int32 = retry < 0 ? 0 : retries.plans[retry].mirrorCount
    while let slot = clusters[Int(cluster)].sendToOther(than: chosen, from: &place, at: now) {
      number += 1
      sendCopy(arrival.caller, timeout, cluster, slot: slot, number: number, at: now, into: &actions)
    }
  }

  /// Copies a request to the clusters that its route mirrors it to, each with its own share. Envoy draws by the request's one random
  /// number, by which the split falls too.
  @inline(__always)
  mutating func mirror(
    _ arrival: RequestArrival, _ plan: RoutePlan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let (first, count) = (retries.plans[plan.retry].firstMirror, retries.plans[plan.retry].mirrorCount)
    if count == 0 { return }
    let isEnvoys = profile == .envoy || profile == .istio
    for place in 0..<count {
      let mirror = retries.mirrors[first + place]
      let draw =
        isEnvoys
        ? arrival.randomness.key(for: .split).draw(0)
        : arrival.randomness.key(for: .mirror).draw(UInt64(truncatingIfNeeded: place))
      if mirror.fraction.contains(draw) {
        copy(arrival, plan.timeout, toward: mirror.destination, place: place, at: now, into: &actions)
      }
    }
  }

  /// Copies a request to one of its route's mirrors.
  @inline(never)
  private mutating func copy(
    _ arrival: RequestArrival, _ timeout: TimeSpan, toward destination: Int32, place: Int32, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    var draws = arrival.randomness.stream(for: .balancer, 1 << 33 | UInt64(truncatingIfNeeded: place))
    guard let (cluster, choice) = member(of: destination, &draws) else { return }
    let context = PickContext(key: arrival.key, hasKey: arrival.hasKey)
    let slot = clusters[Int(cluster)].begin(context, route: arrival.route, within: choice, &draws, at: now)
    if slot < 0 { return }
    sendCopy(arrival.caller, timeout, cluster, slot: slot, number: place + 1, at: now, into: &actions)
    if clusters[Int(cluster)].hasWishes { grantWishes(cluster: Int(cluster), at: now, into: &actions) }
  }

  /// Sends a copy that its cluster has counted in.
  private mutating func sendCopy(
    _ caller: CallerToken, _ timeout: TimeSpan, _ cluster: Int32, slot: Int32, number: Int32, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    openCopies += 1
    actions.reserve(2)
    let copy = record(caller, cluster, slot: slot, pursuit: RequestRecord.copy, at: now)
    limit(copy, to: timeout, at: now, into: &actions)
    start(copy, caller, cluster, slot: slot, .mirror, number: number, into: &actions)
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
    if openCopies == 0 { return }
    for index in 0..<Int32(truncatingIfNeeded: requests.slotCount) where requests.isOccupied(index) {
      let copy = requests[index]
      if !copy.isCopy || Int(copy.cluster) != cluster { continue }
      if clusters[cluster].endpoints.states[copy.slot].isListed { continue }
      withdraw(requests.handle(at: index), .abandoned, at: now, into: &actions)
      forgetCopy(index, into: &actions)
    }
  }
}
