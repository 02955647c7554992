// Clusters that list clusters, inside one data plane: which member takes a request, and which of its priorities.
//
// As in Envoy the member then chooses within that priority with its own balancer, whatever its own loads are (`AggregateCluster`
// has the rule), so from there on the request is the member's. Where nothing spills over (gRPC's proposal A75) the first member that
// works chooses the priority too.
//
// Whole clusters are counted, whatever subsets or ranges of tokens their endpoints are in: Envoy lays the members' sets of
// priorities end to end, and subsets are a matter of the member's balancer.

import LoadBalancing
import MeshCore

/// An aggregate's live state.
struct AggregateState {
  /// Indices of clusters, in the order of failover.
  let clusters: [Int]
  private(set) var priorities: AggregateCluster
  /// How often the members' endpoints had been sorted when `priorities` were counted; none yet at first.
  private var regroupings: UInt64 = .max

  init(_ description: AggregateDescription) {
    clusters = description.clusters
    priorities = AggregateCluster(
      panicThreshold: description.panicThreshold, goesToFirst: description.failover != .spillOver)
  }

  /// Whether `priorities` count members that had been sorted so often in all.
  func isCurrent(_ regroupings: UInt64) -> Bool { self.regroupings == regroupings }

  /// Counts the members' priorities anew.
  mutating func update(_ groups: [[PriorityGroup]], _ regroupings: UInt64) {
    priorities.update(groups)
    self.regroupings = regroupings
  }
}

extension DataPlane {
  /// The cluster that takes a request with this random number, and from which of its endpoints, unless it chooses that itself; nil
  /// when no member has any.
  @inline(never)
  mutating func member(ofAggregate number: Int, _ random: UInt64) -> (cluster: Int32, choice: PriorityChoice?)? {
    var regroupings: UInt64 = 0
    for cluster in aggregates[number].clusters { regroupings &+= clusters[cluster].regroupings }
    if !aggregates[number].isCurrent(regroupings) {
      let groups = aggregates[number].clusters.map { clusters[$0].layers?.counted ?? [] }
      aggregates[number].update(groups, regroupings)
    }
    guard let chosen = aggregates[number].priorities.choose(random) else { return nil }
    let cluster = Int32(truncatingIfNeeded: aggregates[number].clusters[Int(chosen.member.cluster)])
    if aggregates[number].priorities.goesToFirst { return (cluster, nil) }
    return (cluster, PriorityChoice(priority: chosen.member.priority, availability: chosen.availability))
  }
}
