// What is counted while a run goes on. Memory does not grow with requests: histograms, sums, one row a window.

import DataPlane
import MeshCore

/// The window of the time line that is open.
struct WindowCounters: BitwiseCopyable {
  var start: Int64
  var requests: Int64
  var successes: Int64
  var failures: Int64
}

/// Everything a run measures of its clients' requests, and the lists people read.
struct Measurement: ~Copyable {
  /// Requests wanted now are counted, answers given now count for the throughput.
  var isCounting = false
  /// Client requests without an answer.
  var open: Int64 = 0
  /// Client requests answered.
  var answered: Int64 = 0
  /// Client requests wanted.
  var wantedCount: Int64 = 0
  /// Open requests times nanoseconds, up to `touched`: the left side of Little's law.
  var area: Int64 = 0
  var touched: Int64 = 0
  /// Nanoseconds between wish and answer of all requests together: its right side.
  var sojourn: Int64 = 0

  /// Latencies of what was answered before the open window, and latencies of failures, by client.
  var latencies: HistogramBank
  var failureLatencies: HistogramBank
  /// Attempts' latencies, by row, to 0.8 %: many rows that stay in the cache; their totals are the rows' own.
  var attemptLatencies: HistogramBank
  /// Latencies of what was answered in the open window: two rows a client, first the counted requests', then the others'. They
  /// are poured into `latencies` when the window closes, so that an answer is recorded once.
  var windowLatencies: HistogramBank
  var window = WindowCounters(start: 0, requests: 0, successes: 0, failures: 0)

  var timeline: [TimelineRow] = []
  var events: [EventRow] = []
  /// Ejections, the warm-up left out.
  var ejections: Int64 = 0
  /// When the first fault began, and the first ejection, or failed health check that counts, after it.
  var firstFault: Int64?
  var detection: Int64?
  /// By data plane and row: since when the endpoint is ejected, or -1. Empty without fault detection.
  var ejectedSince = Pool<Int64>()

  let clientCount: Int

  init(clients: Int, rows: Int, maximum: Int64) {
    clientCount = clients
    latencies = HistogramBank(rows: clients, precision: 11, maximum: maximum)
    failureLatencies = HistogramBank(rows: clients, precision: 11, maximum: maximum)
    attemptLatencies = HistogramBank(rows: rows, precision: 7, maximum: maximum)
    windowLatencies = HistogramBank(rows: 2 * clients, precision: 11, maximum: maximum)
  }

  /// A client wants an answer.
  @inline(__always)
  mutating func wanted(at now: Int64) {
    area &+= open &* (now &- touched)
    touched = now
    open &+= 1
    wantedCount &+= 1
    window.requests &+= 1
  }

  /// A client has its answer.
  @inline(__always)
  mutating func ended(wanted: Int64, at now: Int64) {
    area &+= open &* (now &- touched)
    touched = now
    open &-= 1
    answered &+= 1
    sojourn &+= now &- wanted
  }

  /// Counts an answer.
  @inline(__always)
  mutating func record(_ latency: Int64, client: Int, isSuccess: Bool, isCounted: Bool) {
    windowLatencies.record(latency, row: 2 &* client &+ (isCounted ? 0 : 1))
    if isSuccess {
      window.successes &+= 1
    } else {
      window.failures &+= 1
      if isCounted { failureLatencies.record(latency, row: client) }
    }
  }

  /// Closes the open window at `end`.
  mutating func closeWindow(at end: Int64, healthyEndpoints: Int) {
    var row = TimelineRow(time: Timestamp(nanoseconds: window.start))
    row.requests = window.requests
    row.successes = window.successes
    row.failures = window.failures
    row.latencyMean = windowMean
    let quantiles = pour()
    row.latencyP50 = quantiles.p50
    row.latencyP99 = quantiles.p99
    row.inFlight = open
    row.healthyEndpoints = Int64(healthyEndpoints)
    timeline.append(row)
    window = WindowCounters(start: end, requests: 0, successes: 0, failures: 0)
  }
}

extension Measurement {
  /// The mean latency of what was answered in the open window.
  private var windowMean: Double? {
    var (sum, count) = (Int128(0), Int64(0))
    for row in 0..<(2 * clientCount) {
      sum += windowLatencies.sum(row: row)
      count += windowLatencies.count(row: row)
    }
    return count == 0 ? nil : Double(sum) / Double(count)
  }

  /// Moves the open window's latencies to where they are kept, and gives the window's quantiles.
  mutating func pour() -> (p50: Double?, p99: Double?) {
    if clientCount == 1 && windowLatencies.count(row: 1) == 0 {
      let quantiles = latencies.pour(from: &windowLatencies, row: 0, to: 0)
      return (quantiles?.p50, quantiles?.p99)
    }
    var all = LatencyHistogram()
    for client in 0..<clientCount {
      for row in [2 * client, 2 * client + 1] where windowLatencies.count(row: row) > 0 {
        all.add(windowLatencies.histogram(row: row))
      }
      _ = latencies.pour(from: &windowLatencies, row: 2 * client, to: client)
      windowLatencies.clear(row: 2 * client + 1)
    }
    return (all.quantile(0.5), all.quantile(0.99))
  }
}

extension World {
  /// Writes a line into the event list.
  mutating func note(_ event: String, _ detail: String) {
    measurement.events.append(EventRow(time: Timestamp(nanoseconds: now), event: event, detail: detail))
    if event == "faultBegan" && measurement.firstFault == nil { measurement.firstFault = now }
  }

  /// A data plane's fault detection has something to say.
  mutating func report(_ notice: DetectionNotice, proxy: Int) {
    let cluster = Int(notice.cluster)
    let replica = notice.endpoint.number
    let name: String
    switch notice.kind {
    case .ejected:
      name = "ejected"
      if measurement.isCounting {
        measurement.ejections &+= 1
        if proxies[proxy].client >= 0 { clients[proxies[proxy].client].ejections &+= 1 }
      }
      if let first = measurement.firstFault, measurement.detection == nil { measurement.detection = now &- first }
      let place = proxy * rows.count + Int(rowOfReplicaZero[cluster] &+ replica)
      if measurement.ejectedSince[place] < 0 { measurement.ejectedSince[place] = now }
    case .probation, .probeFailed:
      name = "probation"
    case .returned:
      name = "returned"
      // Another detector may still keep it out.
      if notice.exclusions.isDisjoint(with: [.failureAccrual, .failFast, .outlierDetection]) {
        let row = Int(rowOfReplicaZero[cluster] &+ replica)
        closeEjection(place: proxy * rows.count + row, row: row)
      }
    case .unhealthy:
      name = "unhealthy"
      if let first = measurement.firstFault, measurement.detection == nil { measurement.detection = now &- first }
    case .healthy: name = "healthy"
    case .panicBegan: name = "panicBegan"
    case .panicEnded: name = "panicEnded"
    case .breakerOpened: name = "breakerOpened"
    case .breakerClosed: name = "breakerClosed"
    }
    measurement.events.append(
      EventRow(
        time: Timestamp(nanoseconds: now), event: name, cluster: mesh.clusters[cluster].name,
        endpoint: replica < 0 ? "" : replicaName(replica), detail: notice.reason.words, proxy: proxyName(proxy)))
  }

  /// Adds an ejection that is over, or that the run's end cuts off, to its endpoint; only what lies in [warm-up, stop) counts.
  mutating func closeEjection(place: Int, row: Int) {
    let since = measurement.ejectedSince[place]
    if since < 0 { return }
    measurement.ejectedSince[place] = -1
    let from = max(since, settings.warmUp.nanoseconds)
    let to = min(now, stop)
    if to > from { rows[row].ejected &+= to &- from }
  }

  /// A replica's name.
  func replicaName(_ replica: Int32) -> String {
    let service = description.services[Int(replicas[replica].service)]
    let number = Int(replicas[replica].number)
    return number < service.replicas.count ? service.replicas[number].name : "\(service.name)-\(number)"
  }

  /// A data plane's name: `users/0`, or the calling replica's.
  func proxyName(_ proxy: Int) -> String {
    if proxies[proxy].client >= 0 {
      return "\(description.clients[Int(proxies[proxy].client)].name)/\(proxies[proxy].number)"
    }
    if proxies[proxy].replica >= 0 { return replicaName(proxies[proxy].replica) }
    return description.services[Int(proxies[proxy].service)].name
  }

  // MARK: - Windows and spans

  /// Endpoints of the first client's target that its first data plane may choose now.
  var healthyEndpoints: Int {
    if clients.count == 0 || clients[0].route == -1 { return 0 }
    return proxies[Int(clients[0].firstPlane)].plane.availableEndpoints(inCluster: firstTargetCluster)
  }

  mutating func windowEnds() {
    measurement.closeWindow(at: now, healthyEndpoints: healthyEndpoints)
    watchSaturation()
    scheduleWindow(inWindows: Self.windowsAhead)
  }

  /// How many windows' ends are on the wheel: what is planned less far ahead for the very instant in which a window ends falls into
  /// the next one, as it should.
  static var windowsAhead: Int { 64 }

  mutating func scheduleWindow(inWindows number: Int) {
    let (ahead, overflow) = settings.window.nanoseconds.multipliedReportingOverflow(by: Int64(number))
    let next = overflow ? .max : now.addingClamped(ahead)
    if next <= horizon && next < .max { _ = wheel.schedule(at: next, .windowEnds, 0) }
  }

  mutating func warmUpEnds() {
    if hasStopped { return }
    measurement.isCounting = true
    for replica in 0..<Int32(replicas.count) {
      touch(replica)
      _ = replicas[replica].foldAreas(isCounting: false)
    }
  }

  mutating func arrivalsStop() {
    if hasStopped { return }
    // Without a single counted request there is no span to speak of.
    if !measurement.isCounting { warmUpEnds() }
    hasStopped = true
    measurement.isCounting = false
    for replica in 0..<Int32(replicas.count) {
      touch(replica)
      _ = replicas[replica].foldAreas(isCounting: true)
    }
    judgeSaturation()
  }

  /// Looks which replicas had no rest in the window that ends.
  private mutating func watchSaturation() {
    if hasStopped { return }
    let window = settings.window.nanoseconds
    for replica in 0..<Int32(replicas.count) {
      touch(replica)
      let held = Int64(clamping: replicas[replica].foldAreas(isCounting: measurement.isCounting))
      if replicas[replica].discipline == 3 { continue }
      let capacity = Double(replicas[replica].workers) * Double(window)
      let backlog = replicas[replica].waiting &+ replicas[replica].inService
      if Double(held) < 0.995 * capacity {
        replicas[replica].saturatedSince = -1 &- held
        replicas[replica].backlogWhenSaturated = backlog
      } else if replicas[replica].saturatedSince < 0 {
        // The window in which the load became too much still had rests, but few, or it left a queue like the one that this window
        // added.
        let before = replicas[replica].backlogWhenSaturated
        let heldBefore = -1 &- replicas[replica].saturatedSince
        let isLate =
          before > replicas[replica].workers && backlog > before
          && (before >= (backlog &- before) / 2 || Double(heldBefore) >= 0.9 * capacity)
        replicas[replica].saturatedSince = max(0, now &- (isLate ? 2 &* window : window))
        replicas[replica].backlogWhenSaturated = backlog
      }
    }
  }

  /// At the end of arrivals: whose queue grew without rest, so that the figures depend on when the run was stopped.
  private mutating func judgeSaturation() {
    for service in 0..<services.count {
      var saturated: [(name: String, since: Int64)] = []
      for number in 0..<services[service].replicaCount {
        let replica = services[service].firstReplica &+ number
        let state = replicas[replica]
        let backlog = state.waiting &+ state.inService
        let span = stop &- state.saturatedSince
        let isLong = span >= 3 &* settings.window.nanoseconds && span >= stop / 5
        let grows = backlog >= state.backlogWhenSaturated &+ max(10, state.workers)
        // A queue with a limit that it has reached holds the figures still: what is too much is turned away.
        let hasRoom = state.waiting <= state.queueLimit / 2
        if state.saturatedSince >= 0 && hasRoom && isLong && grows {
          saturated.append((replicaName(replica), state.saturatedSince))
        }
      }
      guard let since = saturated.map(\.since).min() else { continue }
      let isWhole = saturated.count == Int(services[service].replicaCount)
      let names = isWhole ? description.services[service].name : listing(saturated.map(\.name))
      saturationNotes.append("load ≥ 1 at \(names) from \(since / 1_000_000_000) s: figures depend on the duration")
    }
  }

  private func listing(_ names: [String]) -> String {
    names.count <= 3 ? names.joined(separator: ", ") : "\(names.count) replicas (\(names[0]), \(names[1]), …)"
  }
}
