// Priorities: how much of the traffic each of several ordered groups of endpoints gets, and which one a request.
//
// Traffic goes to priority 0 while it can take it. As it fails, what it cannot take spills over, healthy endpoints of
// all priorities before degraded ones; when all together cannot take it, loads are scaled up to 100 %. A priority whose
// share of working endpoints falls below a threshold panics: it uses all its endpoints, dead or alive, since few
// survivors would be crushed. It never does while the priorities together have 100 %. When all of them panic, load goes
// by numbers of endpoints.
//
// All of it is integer arithmetic with Envoy's remainders (load_balancing_policies/common/load_balancer_impl.cc):
// shares are truncated and what is left goes to the first priority that is available, which makes 8 : 92 of what its
// documentation prints as 7 : 93.
//
// Needs per change: the `PriorityGroup`s in order. Per request: one 64-bit number, random, or the request's hash where
// a policy hashes, so that a shift of priorities moves fixed classes of keys.

/// Which endpoints of a priority are meant.
@frozen
public enum Availability: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// The healthy ones.
  case healthy
  /// The degraded ones.
  case degraded
}

/// Which of a priority's endpoints a policy chooses from.
@frozen
public enum EndpointSource: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// The healthy ones.
  case healthy
  /// The degraded ones.
  case degraded
  /// All of them, whatever their health.
  case all
  /// None: the request fails.
  case none
}

/// A priority and which of its endpoints are meant.
@frozen
public struct PriorityChoice: BitwiseCopyable, Hashable, Sendable {
  /// The priority, from 0.
  public var priority: Int32
  /// Its healthy or its degraded endpoints.
  public var availability: Availability

  /// A choice.
  public init(priority: Int32, availability: Availability) {
    self.priority = priority
    self.availability = availability
  }

  /// Where `hash % 100` falls among shares that add up to 100, the healthy ones laid out before the degraded; priority
  /// 0 where they do not add up.
  public static func choose(
    _ hash: UInt64, healthy: borrowing ContiguousArray<Int32>, degraded: borrowing ContiguousArray<Int32>
  ) -> PriorityChoice {
    let point = Int32(truncatingIfNeeded: hash % 100) + 1
    var sum: Int32 = 0
    for priority in 0..<healthy.count {
      sum &+= healthy[priority]
      if point <= sum { return PriorityChoice(priority: Int32(truncatingIfNeeded: priority), availability: .healthy) }
    }
    for priority in 0..<degraded.count {
      sum &+= degraded[priority]
      if point <= sum { return PriorityChoice(priority: Int32(truncatingIfNeeded: priority), availability: .degraded) }
    }
    return PriorityChoice(priority: 0, availability: .healthy)
  }
}

/// The shares of traffic of a cluster's priorities. Complexity: an update and a choice O(priorities), neither allocates
/// once there has been one update with as many priorities.
public struct PriorityLoad: Sendable {
  /// The threshold of panic, per cent, 0 ... 100; 0 means that nothing panics (Envoy's `healthy_panic_threshold`, 50).
  public let panicThreshold: Int32
  /// By priority, the per cent of traffic to its healthy endpoints. With `degraded` they add up to 100.
  public private(set) var healthy: ContiguousArray<Int32> = []
  /// By priority, the per cent of traffic to its degraded endpoints.
  public private(set) var degraded: ContiguousArray<Int32> = []
  /// By priority, what its healthy endpoints can take, per cent.
  public private(set) var healthyAvailability: ContiguousArray<Int32> = []
  /// By priority, what its degraded endpoints could take, per cent.
  public private(set) var degradedAvailability: ContiguousArray<Int32> = []
  /// By priority, whether it panics.
  public private(set) var isInPanic: ContiguousArray<Bool> = []

  /// Shares of no priorities. A threshold above 100 counts as 100, one below 0 as 0.
  public init(panicThreshold: Int32 = 50) { self.panicThreshold = min(100, max(0, panicThreshold)) }

  /// How many priorities there are.
  public var count: Int { healthy.count }

  /// What all priorities can take together, at most 100.
  private var totalAvailability: Int32 {
    var sum: Int32 = 0
    for priority in 0..<count { sum += healthyAvailability[priority] + degradedAvailability[priority] }
    return min(100, sum)
  }

  /// Endpoints came or went, or their health changed.
  public mutating func update(_ groups: [PriorityGroup]) {
    healthyAvailability.removeAll(keepingCapacity: true)
    degradedAvailability.removeAll(keepingCapacity: true)
    healthy.removeAll(keepingCapacity: true)
    degraded.removeAll(keepingCapacity: true)
    isInPanic.removeAll(keepingCapacity: true)
    for group in groups {
      healthyAvailability.append(group.healthyAvailability)
      degradedAvailability.append(group.degradedAvailability)
      healthy.append(0)
      degraded.append(0)
      isInPanic.append(false)
    }
    if groups.isEmpty { return }
    let total = totalAvailability
    if total > 0 { spread(total) }
    if panicThreshold == 0 && total == 0 {
      // Nobody can be chosen; the shares add up to 100 all the same.
      healthy[0] = 100
      return
    }
    var isTotal = true
    for (priority, group) in groups.enumerated() {
      isInPanic[priority] = total < 100 && group.isBelow(panicThreshold: panicThreshold)
      isTotal = isTotal && isInPanic[priority]
    }
    if isTotal { spreadByNumbers(groups) }
  }

  /// The same where there is no spilling over and no panic: all to the first that has anybody healthy. gRPC's priorities (A56) and
  /// HAProxy's backups are like that; neither knows of degraded endpoints.
  public mutating func updateToFirst(_ groups: [PriorityGroup]) {
    update([])
    let first = groups.firstIndex { $0.healthy > 0 } ?? 0
    for (priority, group) in groups.enumerated() {
      healthyAvailability.append(group.healthyAvailability)
      degradedAvailability.append(0)
      healthy.append(priority == first ? 100 : 0)
      degraded.append(0)
      isInPanic.append(false)
    }
  }

  private mutating func spread(_ total: Int32) {
    var left: Int32 = 100
    let firstHealthy = Self.distribute(healthyAvailability, total, &left, into: &healthy)
    let firstDegraded = Self.distribute(degradedAvailability, total, &left, into: &degraded)
    if left == 0 { return }
    if let firstHealthy { healthy[firstHealthy] += left } else if let firstDegraded { degraded[firstDegraded] += left }
  }

  /// Gives each its truncated share while there is load left. Returns the first that is available.
  private static func distribute(
    _ availability: ContiguousArray<Int32>, _ total: Int32, _ left: inout Int32, into load: inout ContiguousArray<Int32>
  ) -> Int? {
    var first: Int?
    for priority in 0..<availability.count {
      if first == nil && availability[priority] > 0 { first = priority }
      load[priority] = min(left, availability[priority] * 100 / total)
      left -= load[priority]
    }
    return first
  }

  private mutating func spreadByNumbers(_ groups: [PriorityGroup]) {
    var endpoints: Int64 = 0
    for group in groups { endpoints += Int64(group.total) }
    if endpoints == 0 {
      healthy[0] = 100
      return
    }
    var left: Int32 = 100
    var first: Int?
    for (priority, group) in groups.enumerated() {
      if first == nil && group.total > 0 { first = priority }
      healthy[priority] = Int32(truncatingIfNeeded: 100 * Int64(group.total) / endpoints)
      degraded[priority] = 0
      left -= healthy[priority]
    }
    if let first { healthy[first] += left }
  }

  /// The priority for a request with this random number or hash; priority 0 while there are none.
  public func choose(_ hash: UInt64) -> PriorityChoice {
    PriorityChoice.choose(hash, healthy: healthy, degraded: degraded)
  }

  /// Which endpoints to choose from: in panic all of them, or none where traffic is to fail then (Envoy's
  /// `fail_traffic_on_panic`).
  public func source(of choice: PriorityChoice, failsTrafficOnPanic: Bool = false) -> EndpointSource {
    let priority = Int(choice.priority)
    if priority < isInPanic.count && isInPanic[priority] { return failsTrafficOnPanic ? .none : .all }
    return choice.availability == .healthy ? .healthy : .degraded
  }
}
