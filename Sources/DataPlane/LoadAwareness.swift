// What a cluster knows of its endpoints' utilization, for load-aware localities: the latest report of each, and when localities are
// weighed next.
//
// Envoy weighs them by a timer. Between two of its ticks nothing changes but reports, so the ticks that are due are caught up with
// before anything is looked at or reported: the weights are the same, and no timer is needed.

import LoadBalancing
import MeshCore

/// The latest report of an endpoint.
struct UtilizationReport: BitwiseCopyable {
  var utilization: Double
  var received: Timestamp
  /// Whose it is.
  var incarnation: UInt32
}

/// Reports by slot, and the next tick.
struct LoadAwareness {
  let settings: LoadAwareLocalityDescription
  var reports: [UtilizationReport] = []
  /// When localities are weighed next; nil before endpoints are known.
  private(set) var due: Timestamp?

  /// With nothing new for so many ticks averages do not change any more.
  private static let ticksThatMatter: Int64 = 200

  init(_ settings: LoadAwareLocalityDescription) { self.settings = settings }

  /// The tick that is due by `now`, if one is; the next one is a period later.
  mutating func takeTick(by now: Timestamp) -> Timestamp? {
    let period = settings.weightUpdatePeriod.nanoseconds
    guard var tick = due else {
      due = now + settings.weightUpdatePeriod
      return nil
    }
    if tick > now { return nil }
    let late = (now - tick).nanoseconds / period
    if late > Self.ticksThatMatter { tick = tick + TimeSpan(nanoseconds: (late - Self.ticksThatMatter) * period) }
    due = tick + settings.weightUpdatePeriod
    return tick
  }

  mutating func report(_ utilization: Double, slot: Int32, incarnation: UInt32, at now: Timestamp) {
    while reports.count <= Int(slot) {
      reports.append(UtilizationReport(utilization: 0, received: .distantPast, incarnation: 0))
    }
    reports[Int(slot)] = UtilizationReport(utilization: utilization, received: now, incarnation: incarnation)
  }

  /// What an endpoint reports, unless that has expired.
  func utilization(slot: Int32, incarnation: UInt32, at now: Timestamp) -> Double? {
    guard Int(slot) < reports.count else { return nil }
    let report = reports[Int(slot)]
    if report.incarnation != incarnation || now - report.received > settings.weightExpirationPeriod { return nil }
    return report.utilization
  }

  /// A chooser of localities that knows nothing yet.
  var chooser: LoadAwareLocality {
    var chooser = LoadAwareLocality()
    chooser.utilizationVarianceThreshold = settings.utilizationVarianceThreshold
    chooser.smoothing = settings.ewmaAlpha
    chooser.probeFraction = settings.remoteProbeFraction
    return chooser
  }
}

extension ClusterState {
  /// Weighs localities at each tick that is due.
  @inline(never)
  mutating func catchUpWithLoads(at now: Timestamp) {
    while let tick = layers?.awareness?.takeTick(by: now) { weighByLoad(at: tick) }
  }

  /// Takes in what an endpoint says of its utilization.
  mutating func reportedUtilization(_ report: LoadReport, slot: Int32, at now: Timestamp) {
    if layers?.awareness == nil || report.utilization <= 0 { return }
    catchUpWithLoads(at: now)
    let incarnation = endpoints.states[slot].incarnation
    layers?.awareness?.report(report.utilization, slot: slot, incarnation: incarnation, at: now)
  }

  /// Weighs the localities of all priorities by what their endpoints have reported.
  mutating func weighByLoad(at now: Timestamp) {
    guard var layers, let awareness = layers.awareness else { return }
    // Taken out meanwhile, so that its arrays are not copied.
    self.layers = nil
    for subset in layers.parts.indices {
      for (priority, part) in layers.parts[subset].priorities.enumerated() {
        while layers.parts[subset].choosers.count <= priority {
          layers.parts[subset].choosers.append(awareness.chooser)
        }
        layers.parts[subset].choosers[priority].update(
          part.zones.map { utilization(of: $0, awareness, at: now) },
          hasLocal: part.zones.first.map { $0.zone == layers.place.zone && layers.place.zone >= 0 } ?? false)
      }
    }
    self.layers = layers
  }

  private func utilization(
    of zone: ZonePart, _ awareness: borrowing LoadAwareness, at now: Timestamp
  ) -> LocalityUtilization {
    if zone.healthy < 0 { return LocalityUtilization(healthy: 0, utilization: 0, isKnown: false) }
    let group = Int(zone.healthy)
    let count = groups[group].members.count
    var sum = 0.0
    var known = 0
    for place in 0..<count {
      let slot = groups[group].members[place]
      let incarnation = endpoints.states[slot].incarnation
      guard let utilization = awareness.utilization(slot: slot, incarnation: incarnation, at: now) else { continue }
      sum += utilization
      known += 1
    }
    return LocalityUtilization(
      healthy: Int32(truncatingIfNeeded: count), utilization: known > 0 ? sum / Double(known) : 0, isKnown: known > 0)
  }
}
