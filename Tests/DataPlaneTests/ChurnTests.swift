// Everything that can befall a data plane at once, at random: nothing is lost, answered twice or left behind.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// A script of changes and faults for one data plane.
private struct Churn: ~Copyable {
  var random: RandomStream
  var harness: Harness
  var listed: [EndpointDescription] = []
  /// Endpoints that answer nobody.
  var silent: Set<Int32> = []
  var abandoned: Set<UInt64> = []

  init(seed: UInt64, ledger: Ledger) {
    var random = RandomStream(state: mix64(seed))
    var layers = LayersDescription(
      panicThreshold: Int32(random.below(101)), failTrafficOnPanic: random.below(4) == 0)
    switch seed % 4 {
    case 0, 1:
      layers.tokenAware = TokenAwareDescription(
        replicationFactor: 1 + random.below(4), readRepairChance: [0.3, 1][random.below(2)])
    case 2: layers.subsetting = SubsettingDescription(size: 1 + random.below(8))
    default:
      layers.subsets = SubsetsDescription(selectors: [SubsetSelectorDescription(keys: ["a"])], fallback: .anyEndpoint)
    }
    switch random.below(4) {
    case 0: layers.zoneAware = ZoneAwareDescription(minClusterSize: Int32(random.below(6)))
    case 1: layers.localityWeights = (0..<3).map { LocalityShare(zone: $0, weight: UInt32(random.below(4))) }
    case 2: layers.loadAwareLocality = LoadAwareLocalityDescription()
    default: break
    }
    let policies = [
      "counting", "roundRobin", "leastRequest", "peakEwma", "joinIdleQueue", "leastConnections", "prequal", "c3",
      "aperture", "ringHash",
    ]
    let counting = PolicyDescriptor(name: "counting", summary: "", origin: "") { _, _ in CountingPolicy(ledger: ledger)
    }
    harness = Harness(
      timeout: random.below(3) == 0 ? nil : .milliseconds(300),
      accrual: random.below(3) == 0
        ? nil
        : ConsecutiveAccrualDescription(maxFailures: 2, minPenalty: .milliseconds(200), maxPenalty: .seconds(1)),
      balancer: policies[Int(seed / 2) % policies.count], layers: layers, metadataMatch: [NamedValue("a", "1")],
      place: BalancerContext(planeNumber: 1, planeCount: 3, zone: 0, peerZones: [0, 1, 2]), seed: seed,
      mergeWindow: random.below(4) == 0 ? .milliseconds(100) : .zero,
      policies: PolicyRegistry.policies + [counting],
      failover: [.spillOver, .spillOver, .firstUsable, .allBackups][random.below(4)])
    self.random = random
  }

  /// Discovery says who is there.
  mutating func list() {
    let count = Int32(random.below(14))
    let first = Int32(random.below(6))
    listed = (first..<first + count).map { number in
      EndpointDescription(
        identity: EndpointIdentity(number), weight: UInt32(1 + random.below(3)), zone: Int32(random.below(3)),
        address: "10.0.0.\(number):80", priority: Int32(random.below(3)),
        health: [.healthy, .healthy, .healthy, .degraded, .unhealthy][random.below(5)],
        metadata: ["a": "\(random.below(3))"])
    }
    harness.listAs(listed)
  }

  /// Ends an attempt that is not at a silent endpoint.
  mutating func end() {
    let open = harness.attempts.filter { !silent.contains($0.start.endpoint.number) }
    if open.isEmpty { return }
    let attempt = open[random.below(open.count)].start.attempt
    let breaks = random.below(8) == 0
    if !breaks {
      let inFlight = Int32(random.below(5))
      harness.tell(
        .loadReported(
          attempt, LoadReport(applicationUtilization: random.unit(), requestsPerSecond: 10, requestsInFlight: inFlight))
      )
    }
    harness.attempts.removeAll { $0.start.attempt == attempt }
    harness.pastAttempts.append(attempt)
    if breaks {
      harness.tell(.attemptFailed(attempt, [.refused, .reset, .connectTimeout][random.below(3)]))
      return
    }
    harness.tell(.attemptAnswered(attempt, status: [200, 200, 200, 500, 503, 429][random.below(6)]))
  }

  /// An endpoint crashes: whatever is under way to it breaks.
  mutating func crash(_ endpoint: Int32) {
    silent.remove(endpoint)
    while let place = harness.attempts.firstIndex(where: { $0.start.endpoint.number == endpoint }) {
      let attempt = harness.attempts.remove(at: place).start.attempt
      harness.tell(.attemptFailed(attempt, .reset))
    }
  }

  mutating func step() {
    switch random.below(40) {
    case 0..<14: harness.request(key: random.below(2) == 0 ? nil : random.next())
    case 14..<26: end()
    case 26..<30:
      let callers = harness.open.keys.sorted()
      if callers.isEmpty || random.below(3) > 0 { return }
      let caller = callers[random.below(callers.count)]
      abandoned.insert(caller)
      harness.abandon(caller)
    case 30..<34: harness.advance(by: .milliseconds(Int64(random.below(90))))
    case 34, 35: list()
    case 36: silent.insert(Int32(random.below(18)))
    case 37: silent = []
    case 38: crash(Int32(random.below(18)))
    default:
      if harness.probes.isEmpty { return }
      let probe = harness.probes.remove(at: random.below(harness.probes.count)).probe
      harness.tell(
        random.below(3) == 0 ? .probeFailed(probe, .refused) : .probeAnswered(probe, LoadReport(requestsInFlight: 1)))
    }
  }

  /// Everybody goes: what is not silent ends, timeouts strike, and who waits without one gives up.
  mutating func finish() {
    harness.listAs([])
    harness.advance(by: .seconds(1))
    for caller in harness.open.keys.sorted() {
      abandoned.insert(caller)
      harness.abandon(caller)
    }
    harness.advance(by: .seconds(1000))
  }
}

@Suite("churn")
struct ChurnTests {
  /// Goal: every request is answered once or given up, whatever endpoints, health, layers, copies and faults; at the end nothing is
  /// in flight, no record, probe or timer is left, and balancers have heard the end of all that they heard begin. Method: random
  /// scripts against accounts kept outside.
  @Test(arguments: 1...24 as ClosedRange<UInt64>) func leavesNothingBehind(_ seed: UInt64) {
    let ledger = Ledger()
    var churn = Churn(seed: seed, ledger: ledger)
    churn.list()
    for _ in 0..<1000 {
      churn.step()
      if !churn.harness.complaints.isEmpty { break }
    }
    churn.finish()
    #expect(churn.harness.complaints == [], "seed \(seed)")
    let plane = churn.harness.attempts.count + churn.harness.plane.openRequests + churn.harness.plane.openAttempts
    #expect(plane == 0 && churn.harness.plane.openProbes == 0 && churn.harness.plane.openTimers == 0)
    for slot in 0..<churn.harness.plane.clusters[0].endpoints.states.count {
      #expect(churn.harness.plane.clusters[0].endpoints.states[slot].inFlight == 0)
    }
    #expect(ledger.begun == ledger.ended && ledger.isBalanced)
    let answered = churn.harness.answers.map(\.caller)
    #expect(Set(answered).count == answered.count && churn.abandoned.isDisjoint(with: answered))
    #expect(answered.count + churn.abandoned.count == Int(churn.harness.wanted) && answered.count > 100)
    // Lists of groups are swept when endpoints change, and a merge window keeps what is no change.
    churn.harness.list([0])
    churn.harness.listAs([])
    #expect(churn.harness.plane.clusters[0].groupLists.count == 1)
  }
}
