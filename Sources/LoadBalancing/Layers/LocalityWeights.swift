// Locality-weighted balancing: localities take turns by a weight that the control plane gave and that falls with their
// health.
//
// A locality's effective weight is weight · min(1, overprovisioning · available / eligible). Localities with an
// effective weight take turns in an earliest-deadline schedule, one for healthy endpoints and one for degraded; the
// policy then chooses inside the locality (Envoy's `locality_weighted_lb_config`,
// load_balancing_policies/common/locality_wrr.cc). Weights of 1 and 2 with five endpoints each give 33 : 67 while all
// are healthy, 29 : 71 with three and 12 : 88 with one in the first.
//
// Needs per change of one priority: each locality's counts and weight, and one random number, drawn anew each time. Per
// request: the availability that `PriorityLoad` chose. Without any weighted locality the whole priority is one.

import MeshCore

/// One locality's endpoints within a priority, counted.
@frozen
public struct LocalityGroup: BitwiseCopyable, Hashable, Sendable {
  /// Its share of traffic relative to its peers' (Envoy's `load_balancing_weight` of the locality); 0 for none.
  public var weight: UInt32
  /// All endpoints, excluded ones too.
  public var total: Int32
  /// Those that are healthy.
  public var healthy: Int32
  /// Those that are degraded.
  public var degraded: Int32
  /// Those that do not count for availability.
  public var excluded: Int32

  /// A locality.
  public init(weight: UInt32, total: Int32, healthy: Int32, degraded: Int32 = 0, excluded: Int32 = 0) {
    self.weight = weight
    self.total = total
    self.healthy = healthy
    self.degraded = degraded
    self.excluded = excluded
  }

  /// How many endpoints can be chosen.
  public func count(_ availability: Availability) -> Int32 { availability == .healthy ? healthy : degraded }

  /// The weight that it takes turns with; 0 when nobody in it can be chosen.
  /// - Parameter overprovisioning: per cent.
  public func effectiveWeight(_ availability: Availability, overprovisioning: Int32 = 140) -> Double {
    let eligible = total - excluded
    if eligible <= 0 { return 0 }
    let ratio = Double(count(availability)) / Double(eligible)
    return Double(weight) * min(1, Double(overprovisioning) / 100 * ratio)
  }
}

/// Whose turn it is among a priority's localities. Complexity: a turn O(log localities), a rebuild O(localities · log
/// localities).
public struct LocalityWeights: Sendable {
  /// Turns among those localities that have a weight.
  private struct Turns: Sendable {
    var schedule = EDFScheduler()
    var localities: ContiguousArray<Int32> = []
    var weights: ContiguousArray<Double> = []

    mutating func rebuild(_ given: [Double], seed: UInt64) {
      localities.removeAll(keepingCapacity: true)
      weights.removeAll(keepingCapacity: true)
      for (locality, weight) in given.enumerated() where weight > 0 {
        localities.append(Int32(truncatingIfNeeded: locality))
        weights.append(weight)
      }
      schedule.rebuild(weights: weights, seed: seed)
    }

    mutating func next() -> Int32 {
      if schedule.count == 0 { return -1 }
      let place = Int(schedule.earliest)
      schedule.takeTurn(weight: weights[place])
      return localities[place]
    }
  }

  private var healthy = Turns()
  private var degraded = Turns()

  /// Turns among no localities.
  public init() {}

  /// Endpoints, their health or weights of localities changed. `seed` is a random number of this very change.
  /// - Parameter overprovisioning: the priority's, per cent.
  public mutating func rebuild(_ localities: [LocalityGroup], overprovisioning: Int32 = 140, seed: UInt64) {
    let weights = { (availability: Availability) in
      localities.map { $0.effectiveWeight(availability, overprovisioning: overprovisioning) }
    }
    healthy.rebuild(weights(.healthy), seed: seed)
    degraded.rebuild(weights(.degraded), seed: seed)
  }

  /// The locality whose turn it is, as an index into what was given, or -1 when none has a weight: then the policy
  /// chooses among the whole priority.
  public mutating func next(_ availability: Availability) -> Int32 {
    availability == .healthy ? healthy.next() : degraded.next()
  }

  /// A locality's weight within a subset of its endpoints, with Envoy's `scale_locality_weight`: in proportion to how
  /// many of them are in the subset, rounded, in single precision as Envoy reckons.
  public static func scaled(_ weight: UInt32, members: Int32, of total: Int32) -> UInt32 {
    if total <= 0 || members <= 0 { return 0 }
    let product = UInt64(weight) &* UInt64(members)
    return UInt32(max(0, min(4_294_967_040, (Float(product) / Float(total)).rounded(.toNearestOrAwayFromZero))))
  }
}
