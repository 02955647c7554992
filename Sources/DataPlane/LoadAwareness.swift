// What a cluster knows of its endpoints' utilization, for load-aware localities: the latest report of each, and when localities are
// weighed next.
//
// Envoy weighs them by a timer. Between two of its ticks nothing changes but reports and members, so the ticks that are due are
// caught up with before anything is looked at, reported or changed: the weights are the same, and no timer is needed. Who is there
// when a tick falls due is written down when endpoints are sorted into groups; a change weighs nothing by itself.
//
// As in Envoy there are weights of their own for the healthy, the degraded and, in a panic, all endpoints of a priority.

import LoadBalancing
import MeshCore

/// The latest report of an endpoint.
struct UtilizationReport: BitwiseCopyable {
  var utilization: Double
  var received: Timestamp
  /// Whose it is.
  var incarnation: UInt32
}

/// An endpoint that may report, as it was when endpoints were sorted into groups last.
struct LoadReporter: BitwiseCopyable {
  var slot: Int32
  var incarnation: UInt32
  var isHealthy: Bool
  var isDegraded: Bool

  /// Whether it may be chosen when these are.
  func belongs(to source: EndpointSource) -> Bool {
    switch source {
    case .none: false
    case .healthy: isHealthy
    case .degraded: isDegraded
    case .all: true
    }
  }
}

/// One locality's endpoints.
struct LocalityReporters {
  var zone: Int32
  var members: [LoadReporter]
}

/// One priority's localities, and who chooses among them for each kind of health.
struct PriorityLoads {
  var localities: [LocalityReporters] = []
  private(set) var healthy: LoadAwareLocality
  private(set) var degraded: LoadAwareLocality
  private(set) var all: LoadAwareLocality

  init(_ chooser: LoadAwareLocality) {
    healthy = chooser
    degraded = chooser
    all = chooser
  }

  /// Other members, with the weights of before.
  mutating func arrange(_ localities: [LocalityReporters]) {
    self.localities = localities
    let zones = localities.map(\.zone)
    healthy.arrange(zones)
    degraded.arrange(zones)
    all.arrange(zones)
  }

  /// A tick.
  mutating func weigh(_ awareness: borrowing LoadAwareness, own zone: Int32, at now: Timestamp) {
    let hasLocal = zone >= 0 && localities.first?.zone == zone
    healthy.weigh(utilization(of: .healthy, awareness, at: now), hasLocal: hasLocal)
    degraded.weigh(utilization(of: .degraded, awareness, at: now), hasLocal: hasLocal)
    all.weigh(utilization(of: .all, awareness, at: now), hasLocal: hasLocal)
  }

  /// The place of the locality for a request.
  func choose(_ source: EndpointSource, _ number: UInt64) -> Int {
    switch source {
    case .none, .healthy: Int(healthy.choose(number))
    case .degraded: Int(degraded.choose(number))
    case .all: Int(all.choose(number))
    }
  }

  private func utilization(
    of source: EndpointSource, _ awareness: borrowing LoadAwareness, at now: Timestamp
  ) -> [LocalityUtilization] {
    var found: [LocalityUtilization] = []
    for locality in localities {
      var count: Int32 = 0
      var sum = 0.0
      var known = 0
      for member in locality.members where member.belongs(to: source) {
        count += 1
        guard let utilization = awareness.utilization(slot: member.slot, incarnation: member.incarnation, at: now)
        else { continue }
        sum += utilization
        known += 1
      }
      found.append(
        LocalityUtilization(
          locality: locality.zone, endpoints: count, utilization: known > 0 ? sum / Double(known) : 0,
          isKnown: known > 0))
    }
    return found
  }
}

/// Reports by slot, and the next tick.
struct LoadAwareness {
  let settings: LoadAwareLocalityDescription
  private var reports: [UtilizationReport] = []
  /// When the youngest report came.
  private var latest: Timestamp?
  /// When localities are weighed next; nil before endpoints are known.
  private(set) var due: Timestamp?

  init(_ settings: LoadAwareLocalityDescription) { self.settings = settings }

  /// Ticks come from now on, once a period.
  mutating func start(at now: Timestamp) { due = now + settings.weightUpdatePeriod }

  /// The tick that is due by `now`, if one is; the next one is a period later. Ticks that find all reports expired are alike: of
  /// these the last stands for all.
  mutating func takeTick(by now: Timestamp) -> Timestamp? {
    guard var tick = due, tick <= now else { return nil }
    let hasNews = latest.map { tick - $0 <= settings.weightExpirationPeriod } ?? false
    if !hasNews {
      let period = settings.weightUpdatePeriod.nanoseconds
      tick = tick + TimeSpan(nanoseconds: (now - tick).nanoseconds / period * period)
    }
    due = tick + settings.weightUpdatePeriod
    return tick
  }

  mutating func report(_ utilization: Double, slot: Int32, incarnation: UInt32, at now: Timestamp) {
    while reports.count <= Int(slot) {
      reports.append(UtilizationReport(utilization: 0, received: .distantPast, incarnation: 0))
    }
    reports[Int(slot)] = UtilizationReport(utilization: utilization, received: now, incarnation: incarnation)
    latest = now
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

extension ClusterLayers {
  /// Weighs the localities of all priorities by what their endpoints have reported.
  mutating func weighByLoad(at now: Timestamp) {
    guard let awareness else { return }
    for subset in parts.indices {
      for priority in parts[subset].loads.indices {
        parts[subset].loads[priority].weigh(awareness, own: place.zone, at: now)
      }
    }
  }

  /// Notes who is in a subset's priorities now.
  mutating func arrangeByLoad(_ localities: [[LocalityReporters]], subset: Int) {
    guard let awareness else { return }
    for (priority, members) in localities.enumerated() {
      if parts[subset].loads.count <= priority { parts[subset].loads.append(PriorityLoads(awareness.chooser)) }
      parts[subset].loads[priority].arrange(members)
    }
    parts[subset].loads.removeLast(max(0, parts[subset].loads.count - localities.count))
  }

  /// The group for a request in a priority's locality, or in the first that has anybody; -1 when none has.
  func groupByLoad(subset: Int, priority: Int, _ source: EndpointSource, _ number: UInt64) -> Int32 {
    let zones = parts[subset].priorities[priority].zones
    if priority >= parts[subset].loads.count { return -1 }
    let place = parts[subset].loads[priority].choose(source, number)
    if place < zones.count && zones[place].group(of: source) >= 0 { return zones[place].group(of: source) }
    return zones.first { $0.group(of: source) >= 0 }?.group(of: source) ?? -1
  }
}

extension ClusterState {
  /// Weighs localities at each tick that is due.
  @inline(never)
  mutating func catchUpWithLoads(at now: Timestamp) {
    while let tick = layers?.awareness?.takeTick(by: now) { layers?.weighByLoad(at: tick) }
  }

  /// Takes in what an endpoint says of its utilization.
  mutating func reportedUtilization(_ report: LoadReport, slot: Int32, at now: Timestamp) {
    if layers?.awareness == nil || report.utilization <= 0 { return }
    catchUpWithLoads(at: now)
    let incarnation = endpoints.states[slot].incarnation
    layers?.awareness?.report(report.utilization, slot: slot, incarnation: incarnation, at: now)
  }
}
