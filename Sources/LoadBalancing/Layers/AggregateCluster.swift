// Aggregate clusters: the priorities of several clusters, one after the other, as if they were one cluster's.
//
// Priorities without endpoints are left out, the others keep their own overprovisioning. A request's random number
// falls on one of them as in `PriorityLoad`, with the aggregate's own panic threshold; the cluster that it belongs to
// then chooses with its own policy from this very priority and availability, whatever its own loads are, drawing for a
// priority all the same. So traffic fails over from cluster to cluster as it does from priority to priority
// (source/extensions/clusters/aggregate).
//
// gRPC's aggregate (proposals A37 and A75) does not spill over: the first member that has an endpoint which works takes all, and
// chooses the priority itself.
//
// Needs per change of any member: its `PriorityGroup`s. Per request: one random number, before the member's own.

/// A priority of a member cluster.
@frozen
public struct AggregateMember: BitwiseCopyable, Hashable, Sendable {
  /// The cluster, as an index into the members.
  public var cluster: Int32
  /// The priority within it.
  public var priority: Int32

  /// A member's priority.
  public init(cluster: Int32, priority: Int32) {
    self.cluster = cluster
    self.priority = priority
  }
}

/// Clusters that stand in for one another. Complexity: a choice O(priorities).
public struct AggregateCluster: Sendable {
  /// Whose priority each of `load` is.
  public private(set) var members: ContiguousArray<AggregateMember> = []
  /// The loads of all priorities together.
  public private(set) var load: PriorityLoad
  /// Whether the members choose their priorities themselves, and the first that works takes all.
  public let goesToFirst: Bool

  /// An aggregate of nothing, which spills over unless it `goesToFirst`.
  public init(panicThreshold: Int32 = 50, goesToFirst: Bool = false) {
    load = PriorityLoad(panicThreshold: panicThreshold)
    self.goesToFirst = goesToFirst
  }

  /// A member's endpoints changed. `clusters` are the priorities of each member, in the order of failover; none of a
  /// member that is not there.
  public mutating func update(_ clusters: [[PriorityGroup]]) {
    members.removeAll(keepingCapacity: true)
    var groups: [PriorityGroup] = []
    for (cluster, priorities) in clusters.enumerated() {
      for (priority, group) in priorities.enumerated() where group.total > 0 {
        members.append(
          AggregateMember(
            cluster: Int32(truncatingIfNeeded: cluster), priority: Int32(truncatingIfNeeded: priority)))
        groups.append(group)
      }
    }
    if goesToFirst { load.updateToFirst(groups) } else { load.update(groups) }
  }

  /// The cluster and priority for a request with this random number, and which endpoints there; `nil` when no member
  /// has any.
  public func choose(_ random: UInt64) -> (member: AggregateMember, availability: Availability)? {
    if members.isEmpty { return nil }
    let choice = load.choose(random)
    return (members[Int(choice.priority)], choice.availability)
  }

  /// The aggregate's priority that a member's is: what a retry at another priority has to know.
  public func priority(of member: AggregateMember) -> Int32? {
    members.firstIndex(of: member).map { Int32(truncatingIfNeeded: $0) }
  }
}
