// Requests whose route is drawn: several routes fit them, and the first ones take a share (Envoy's runtime_fraction).
//
// Which routes fit is known before the run. Where that is one, a client's, call's or trace row's `route` is its number; where there are more it is
// -2 − the place of a list in `routeChances`, and each request draws from that with the number that also places it in a split, as Envoy
// does: who is in a share of 10 % here is among the first 10 % of every split.

import DataPlane
import MeshCore
import TrafficSplitting

extension World {
  /// What stands for the routes of such requests: a route's number, -1 for none, or below that for a list.
  mutating func routeCode(_ attributes: RequestAttributes, _ table: RouteTable) -> Int32 {
    let chances = table.chances(attributes)
    guard let first = chances.first else { return -1 }
    if first.fraction == nil { return first.route }
    let place = routeChances.firstIndex(of: chances) ?? routeChances.count
    if place == routeChances.count { routeChances.append(chances) }
    return -2 - Int32(truncatingIfNeeded: place)
  }

  /// The route that a request with this key takes, -1 for none.
  @inline(never)
  func route(_ code: Int32, of key: RandomKey) -> Int32 {
    if code >= -1 { return code }
    return RouteChance.route(of: routeChances[Int(-2 - code)], number: key.key(for: .split).draw(0))
  }
}
