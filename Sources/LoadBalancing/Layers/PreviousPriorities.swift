// Retries at another priority than the ones that a request has tried.
//
// Envoy's retry plug-in `previous_priorities`: every `updateFrequency` attempts the priorities that were tried are left
// out and 100 % is spread over the rest in proportion to what they can take, healthy before degraded; rounding is made
// up for by going round again, so that the remainder goes to the first. When nothing is left, what was tried is
// forgotten; when nothing is available at all, the loads stay as they were.
//
// Needs per attempt: the priority that it went to, kept with the request in 48 bytes. Per change: nothing, it reads the
// `PriorityLoad`. Between two updates Envoy keeps the load of the last one; here it is worked out anew from what is
// available now, which is the same unless endpoints have changed between two attempts of one request.

/// Which priorities a request has tried; lies in its record. Priorities from 128 on, which Envoy does not have, are not
/// kept.
@frozen
public struct AttemptedPriorities: BitwiseCopyable, Sendable {
  var attempted: UInt128 = 0
  var excluded: UInt128 = 0
  var attempts: Int32 = 0

  /// Nothing tried.
  public init() {}

  /// An attempt went to an endpoint of `priority`.
  public mutating func record(priority: Int32) {
    attempts &+= 1
    if (0..<128).contains(priority) { attempted |= 1 << UInt128(priority) }
  }
}

/// Chooses a priority for each attempt of a request.
public struct PreviousPriorities: Sendable {
  /// After how many attempts the choice is reconsidered, at least 1.
  public let updateFrequency: Int32
  /// By priority, the per cent of traffic to its healthy endpoints, after `adjust` has returned true.
  public private(set) var healthy: ContiguousArray<Int32> = []
  /// By priority, the per cent of traffic to its degraded endpoints, after `adjust` has returned true.
  public private(set) var degraded: ContiguousArray<Int32> = []

  /// The plug-in, or `nil` for a frequency below 1, which Envoy rejects too.
  public init?(updateFrequency: Int32) {
    if updateFrequency < 1 { return nil }
    self.updateFrequency = updateFrequency
  }

  /// The priority for the request's next attempt.
  public mutating func choose(
    _ hash: UInt64, _ tried: inout AttemptedPriorities, of load: borrowing PriorityLoad
  ) -> PriorityChoice {
    if !adjust(&tried, of: load) { return load.choose(hash) }
    return PriorityChoice.choose(hash, healthy: healthy, degraded: degraded)
  }

  /// Works out the loads for the request's next attempt. Returns false when `load` itself is to be gone by.
  public mutating func adjust(_ tried: inout AttemptedPriorities, of load: borrowing PriorityLoad) -> Bool {
    if tried.attempts < updateFrequency { return false }
    if tried.attempts % updateFrequency == 0 { tried.excluded |= tried.attempted }
    var total = Self.availability(of: load, without: tried.excluded)
    if total == 0 {
      tried = AttemptedPriorities()
      total = Self.availability(of: load, without: 0)
    }
    if total == 0 { return false }
    spread(load, without: tried.excluded, total)
    return true
  }

  private static func isLeft(_ priority: Int, _ excluded: UInt128) -> Bool {
    priority >= 128 || excluded & (1 << UInt128(priority)) == 0
  }

  private static func availability(of load: borrowing PriorityLoad, without excluded: UInt128) -> Int32 {
    var sum: Int32 = 0
    for priority in 0..<load.count where isLeft(priority, excluded) {
      sum += load.healthyAvailability[priority] + load.degradedAvailability[priority]
    }
    return min(100, sum)
  }

  private mutating func spread(_ load: borrowing PriorityLoad, without excluded: UInt128, _ total: Int32) {
    let count = load.count
    healthy.removeAll(keepingCapacity: true)
    degraded.removeAll(keepingCapacity: true)
    for _ in 0..<count {
      healthy.append(0)
      degraded.append(0)
    }
    // Each round gives away at least 1 % to whoever has any availability.
    var left: Int32 = 100
    while left > 0 {
      for priority in 0..<count where Self.isLeft(priority, excluded) {
        let share = min(left, load.healthyAvailability[priority] * 100 / total)
        healthy[priority] += share
        left -= share
      }
      for priority in 0..<count where Self.isLeft(priority, excluded) {
        let share = min(left, load.degradedAvailability[priority] * 100 / total)
        degraded[priority] += share
        left -= share
      }
    }
  }
}
