// Weighted splits: which of a route's clusters a request goes to.
//
// The weights lie end to end on [0, total); a request's own 64 bits, taken modulo the total, fall into one of the
// half-open intervals, in file order. That is Envoy's rule for weighted clusters, its modulo bias (below 2^-32)
// included. A weight of 0 is an empty interval. The draw belongs to the request and not to the policy, so variants of a
// scenario split the same request the same way.

import MeshCore

/// The splits of all routes, in two flat pools, so that a request's choice follows no reference.
///
/// Complexity: O(1) for a route with one destination, O(destinations) otherwise; nothing is allocated after `init`.
public struct WeightedSplit: ~Copyable {
  // Not private: Swift 6.3.1 fails to compile other modules that hold a pool of private records.

  /// One destination: the intervals before it end where it begins.
  struct Destination: BitwiseCopyable {
    /// The first number behind its interval.
    var end: UInt64
    var cluster: Int32
  }

  /// One route's destinations.
  struct RouteSplit: BitwiseCopyable {
    /// The only cluster with a weight, or -1 when there are several or none, or when weights may change.
    var onlyCluster: Int32
    var first: Int32
    var count: Int32
    /// The sum of the weights; 0 when nothing has a weight.
    var total: UInt64
  }

  private var splits: Pool<RouteSplit>
  private var destinations: Pool<Destination>

  /// The splits of `routes`, to be asked for by index.
  public init(_ routes: [RouteDescription]) {
    splits = Pool(capacity: routes.count)
    destinations = Pool(capacity: routes.count)
    for route in routes {
      let first = Int32(destinations.count)
      var total: UInt64 = 0
      for destination in route.split where destination.weight > 0 || route.canary != nil {
        total += UInt64(destination.weight)
        destinations.append(Destination(end: total, cluster: Int32(destination.cluster)))
      }
      let count = Int32(destinations.count) - first
      let isSingle = count == 1 && route.canary == nil
      splits.append(
        RouteSplit(
          onlyCluster: isSingle ? destinations[first].cluster : -1, first: first, count: count, total: total))
    }
  }

  /// How many routes there are.
  public var routeCount: Int { splits.count }

  /// The only destination of `route`, or -1 when it has several (or none) and a draw decides.
  @inline(__always)
  public func onlyCluster(route: Int32) -> Int32 { splits[route].onlyCluster }

  /// The index of the cluster that a request of `route` with the random bits `draw` goes to; -1 when no destination of
  /// the route has a weight, and where the draw falls on one that there is not.
  public func cluster(route: Int32, draw: UInt64) -> Int32 {
    let split = splits[route]
    if split.onlyCluster >= 0 || split.total == 0 { return split.onlyCluster }
    let selected = draw % split.total
    var place = split.first
    while destinations[place].end <= selected { place &+= 1 }
    return destinations[place].cluster
  }

  /// The sum of a route's weights; 0 when nothing has a weight.
  public func total(route: Int32) -> UInt64 { splits[route].total }

  /// As `cluster(route:draw:)`, among the destinations that `isReady` alone, by their weights; nil when none is.
  ///
  /// A destination that is drawn unready, left out and drawn anew among the rest until one is ready gives each of these the same share.
  public func cluster(route: Int32, draw: UInt64, where isReady: (Int32) -> Bool) -> Int32? {
    let split = splits[route]
    var total: UInt64 = 0
    forEach(split) { cluster, weight in if isReady(cluster) { total += weight } }
    if total == 0 { return nil }
    var left = draw % total
    var found: Int32?
    forEach(split) { cluster, weight in
      if found != nil || !isReady(cluster) { return }
      if left < weight { found = cluster } else { left -= weight }
    }
    return found
  }

  /// Gives the destinations of a route that has a canary other weights, in the order of its split; at least one above 0.
  public mutating func setWeights(_ weights: [UInt64], route: Int32) {
    var total: UInt64 = 0
    for (place, weight) in weights.enumerated() {
      total += weight
      destinations[splits[route].first + Int32(truncatingIfNeeded: place)].end = total
    }
    splits[route].total = total
  }

  @inline(__always)
  private func forEach(_ split: RouteSplit, _ body: (_ cluster: Int32, _ weight: UInt64) -> Void) {
    var begin: UInt64 = 0
    for place in split.first..<split.first + split.count {
      let destination = destinations[place]
      body(destination.cluster, destination.end - begin)
      begin = destination.end
    }
  }
}
