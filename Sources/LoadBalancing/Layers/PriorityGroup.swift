// The endpoints of one priority, counted by health: what Envoy's priorities, panic and zone-aware routing go by.
//
// A priority is available as far as its healthy endpoints go, times an overprovisioning factor: with 1.4 a group that
// has lost a quarter of its endpoints still counts as whole. Degraded endpoints are counted alike and used after all
// healthy ones. Endpoints that are excluded (waiting for their first health check, draining) leave the denominators.
//
// Needs per change: the counts, and the summed weights when `weighted_priority_health` is on. Per request: nothing.

/// One priority's endpoints, counted.
@frozen
public struct PriorityGroup: BitwiseCopyable, Hashable, Sendable {
  /// All endpoints, excluded ones too.
  public var total: Int32
  /// Those that are healthy.
  public var healthy: Int32
  /// Those that are degraded, which are not among the healthy ones.
  public var degraded: Int32
  /// Those that do not count for availability.
  public var excluded: Int32
  /// Per cent, above 0 (Envoy's `overprovisioning_factor`, 140).
  public var overprovisioning: Int32
  /// Summed weights of the healthy, the degraded and all but the excluded endpoints; the last is 0 when endpoints are
  /// counted alike (Envoy's `weighted_priority_health` off).
  private var healthyWeight: UInt64 = 0
  private var degradedWeight: UInt64 = 0
  private var eligibleWeight: UInt64 = 0

  /// A group whose endpoints count alike.
  public init(
    total: Int32, healthy: Int32, degraded: Int32 = 0, excluded: Int32 = 0, overprovisioning: Int32 = 140
  ) {
    self.total = total
    self.healthy = healthy
    self.degraded = degraded
    self.excluded = excluded
    self.overprovisioning = overprovisioning
  }

  /// Makes endpoints count by weight: the summed weights of the healthy, of the degraded, and of all but the excluded
  /// ones.
  public mutating func weigh(healthy: UInt64, degraded: UInt64, eligible: UInt64) {
    healthyWeight = healthy
    degradedWeight = degraded
    eligibleWeight = eligible
  }

  /// How many endpoints count.
  public var eligible: Int32 { total - excluded }

  /// The share of traffic that the healthy endpoints can take, per cent, 0 ... 100.
  public var healthyAvailability: Int32 { availability(healthyWeight, healthy) }

  /// The share of traffic that the degraded endpoints could take, per cent, 0 ... 100.
  public var degradedAvailability: Int32 { availability(degradedWeight, degraded) }

  private func availability(_ weight: UInt64, _ count: Int32) -> Int32 {
    if eligible <= 0 { return 0 }
    let isWeighted = eligibleWeight > 0
    let part = isWeighted ? weight : UInt64(max(0, count))
    let whole = isWeighted ? eligibleWeight : UInt64(eligible)
    let (product, hasOverflown) = part.multipliedReportingOverflow(by: UInt64(max(0, overprovisioning)))
    return hasOverflown ? 100 : Int32(min(100, product / whole))
  }

  /// Whether fewer than `threshold` per cent of the endpoints can serve. Weights and overprovisioning do not count
  /// here.
  public func isBelow(panicThreshold threshold: Int32) -> Bool {
    // Envoy divides in doubles; so does this, that the last bit falls alike.
    let count = Double(eligible)
    let healthyShare = eligible == 0 ? 0 : 100 * Double(healthy) / count
    let degradedShare = eligible == 0 ? 0 : 100 * Double(degraded) / count
    return healthyShare + degradedShare < Double(min(100, threshold))
  }
}
