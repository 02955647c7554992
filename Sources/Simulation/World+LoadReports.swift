// What simulated servers say of their load, as real ones do with ORCA's headers and trailers or in answer to a probe.
//
// Utilization counts busy workers against the allocation: what a container has asked for, and may exceed as long as its machine has
// more. Utilization and rates are averages over the recent past in which what is a second old counts e times less: an exponentially
// weighted average over time, brought up to date whenever somebody looks. The expected latency is Prequal's: the median of
// the last answers that had come in while about as many requests were in flight as are now (Wydrowski et al., NSDI 2024,
// section 4).

import DataPlane
import MeshCore

/// What a replica remembers to report its load.
struct LoadMemory: BitwiseCopyable {
  /// When it was brought up to date, and the held area then.
  var touched: Int64
  var heldArea: Int64
  /// Answers and errors since.
  var answers: Int32
  var errors: Int32
  var utilization: Double
  var answerRate: Double
  var errorRate: Double
}

/// How long the last answers took, by how many requests were in flight when each came in.
struct LatencyMemory: ~Copyable {
  static let classes = 40
  static let depth = 8

  /// By replica, class and age.
  var latencies: Pool<Int64>
  /// How many each class has had.
  var counts: Pool<Int32>

  init(replicas: Int) {
    latencies = Pool(repeating: 0, count: replicas * Self.classes * Self.depth)
    counts = Pool(repeating: 0, count: replicas * Self.classes)
  }

  /// The class of a number of requests: each its own up to 16, then in steps of about a fifth.
  static func level(_ inFlight: Int32) -> Int {
    if inFlight < 16 { return Int(max(0, inFlight)) }
    let octave = 31 - inFlight.leadingZeroBitCount
    let quarter = Int((inFlight >> Int32(octave - 2)) & 3)
    return min(classes - 1, 16 + (octave - 4) * 4 + quarter)
  }

  mutating func note(_ latency: Int64, replica: Int32, inFlight: Int32) {
    let place = Int(replica) * Self.classes + Self.level(inFlight)
    latencies[place * Self.depth + Int(counts[place]) % Self.depth] = latency
    counts[place] = counts[place] == .max ? Int32(Self.depth) : counts[place] + 1
  }

  /// The median of the class of `inFlight`, or of the nearest one that has any; 0 without any.
  func expected(replica: Int32, inFlight: Int32) -> Int64 {
    let middle = Self.level(inFlight)
    for distance in 0..<Self.classes {
      for level in [middle - distance, middle + distance] where level >= 0 && level < Self.classes {
        let place = Int(replica) * Self.classes + level
        let count = min(Int(counts[place]), Self.depth)
        if count > 0 { return median(first: place * Self.depth, count: count) }
      }
    }
    return 0
  }

  /// The lower median of at most `depth` latencies, without memory of its own: the one that just half of them lie before.
  private func median(first: Int, count: Int) -> Int64 {
    for candidate in first..<first + count {
      var before = 0
      for other in first..<first + count {
        let isEarlier = latencies[other] == latencies[candidate] && other < candidate
        before += latencies[other] < latencies[candidate] || isEarlier ? 1 : 0
      }
      if before == (count - 1) / 2 { return latencies[candidate] }
    }
    return 0
  }
}

extension World {
  /// How fast the averages forget: nanoseconds.
  private static var memory: Double { 1e9 }

  /// Notes an answer of a replica that reports its load.
  mutating func noteAnswer(_ work: Int32) {
    let (replica, entered, met, status) = works.modify(work) { ($0.replica, $0.entered, $0.met, $0.status) }
    loads[replica].answers &+= 1
    if !SuccessRule.isSuccess(status: status) { loads[replica].errors &+= 1 }
    latencyMemory.note(now &- entered, replica: replica, inFlight: met)
  }

  /// What a replica reports now.
  mutating func loadReport(of replica: Int32) -> LoadReport {
    if loads.count == 0 { return LoadReport() }
    touch(replica)
    let state = replicas[replica]
    let allocation = services[state.service].allocation
    loads.modify(replica) { load in
      let span = Double(now &- load.touched)
      if span > 0 {
        let weight = 1 - Elementary.exponential(-span / Self.memory)
        // Servers without a number of workers have no utilization.
        let held = Double(UInt64(bitPattern: state.heldArea &- load.heldArea))
        let most = Double(allocation > 0 ? allocation : state.workers)
        let busy = state.discipline == 3 ? 0 : held / (span * most)
        load.utilization += weight * (busy - load.utilization)
        load.answerRate += weight * (Double(load.answers) * 1e9 / span - load.answerRate)
        load.errorRate += weight * (Double(load.errors) * 1e9 / span - load.errorRate)
        load.answers = 0
        load.errors = 0
        load.touched = now
        load.heldArea = state.heldArea
      }
    }
    let load = loads[replica]
    let inFlight = state.inService &+ state.waiting
    return LoadReport(
      applicationUtilization: load.utilization, cpuUtilization: load.utilization,
      requestsPerSecond: load.answerRate, errorsPerSecond: load.errorRate, requestsInFlight: inFlight,
      expectedLatency: TimeSpan(nanoseconds: latencyMemory.expected(replica: replica, inFlight: inFlight)))
  }

  /// Puts a replica's report on the answer that leaves it.
  mutating func attachReport(to work: Int32) {
    let replica = works[work].replica
    var report = loadReport(of: replica)
    let (demand, wasServed, rate) = (works[work].demand, works[work].wasServed, replicas[replica].rate)
    if wasServed && demand > 0 {
      let span = rate > 0 ? Double(demand) / rate : Double(demand)
      report.serviceTime = TimeSpan(nanoseconds: span < 9e18 ? Int64(span.rounded()) : .max)
    }
    if Int(work) >= reports.count { reports.resize(to: Int(work) + 1, filling: LoadReport()) }
    reports[work] = report
  }

  /// Remembers from now on what replicas of services need to report whose clusters' balancers go by reports or probes.
  mutating func prepareReports() {
    var isAnyReporting = false
    for cluster in mesh.clusters.indices {
      let wants = (0..<proxyCount).contains { proxies[$0].plane.wantsLoadReports(inCluster: cluster) }
      reportsOfCluster.append(wants)
      saysMore.append(wants || mayRemark(ofService: memberships.services[cluster]))
      let probes = (0..<proxyCount).contains { proxies[$0].plane.mayProbe(inCluster: cluster) }
      if !wants && !probes { continue }
      isAnyReporting = true
      let service = services[memberships.services[cluster]]
      for number in 0..<service.replicaRoom {
        replicas[service.firstReplica &+ number].condition.insert(.reporting)
      }
    }
    if !isAnyReporting { return }
    let fresh = LoadMemory(
      touched: 0, heldArea: 0, answers: 0, errors: 0, utilization: 0, answerRate: 0, errorRate: 0)
    loads = Pool(repeating: fresh, count: replicas.count)
    latencyMemory = LatencyMemory(replicas: replicas.count)
  }
}
