// Clusters that list clusters, inside one data plane: which member takes a request, and which of its priorities.
//
// The member then chooses within that priority with its own balancer, whatever its own loads are (`AggregateCluster` has the rule),
// so from there on the request is the member's.

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
    priorities = AggregateCluster(panicThreshold: description.panicThreshold)
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
  /// The cluster that takes a request with this random number, and from which of its endpoints; nil when no member has any.
  @inline(never)
  mutating func member(ofAggregate number: Int, _ random: UInt64) -> (cluster: Int32, choice: PriorityChoice)? {
    var regroupings: UInt64 = 0
    for cluster in aggregates[number].clusters { regroupings &+= clusters[cluster].regroupings }
    if !aggregates[number].isCurrent(regroupings) {
      let groups = aggregates[number].clusters.map { clusters[$0].layers?.parts[0].counted ?? [] }
      aggregates[number].update(groups, regroupings)
    }
    guard let chosen = aggregates[number].priorities.choose(random) else { return nil }
    let cluster = aggregates[number].clusters[Int(chosen.member.cluster)]
    let choice = PriorityChoice(priority: chosen.member.priority, availability: chosen.availability)
    return (Int32(truncatingIfNeeded: cluster), choice)
  }
}
