// Active health checks through a whole data plane: who is asked when, what results do, who hears of it.

import FaultDetection
import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("health checks in a data plane")
struct HealthChecksTests {
  private func harness(
    _ numbers: [Int32], mergeWindow: TimeSpan = .zero, layers: LayersDescription? = nil,
    balancer: String = "roundRobin",
    outliers: OutlierDetectionDescription? = nil, timeout: TimeSpan? = nil, queue: QueueDescription? = nil,
    _ change: (inout HealthCheckDescription) -> Void = { _ in }
  ) -> Harness {
    var check = HealthCheckDescription(
      .http, interval: .seconds(5), timeout: .seconds(1), unhealthyThreshold: 3, healthyThreshold: 2)
    change(&check)
    var harness = Harness(
      timeout: timeout, balancer: balancer, layers: layers, mergeWindow: mergeWindow, queue: queue,
      outlierDetection: outliers, healthCheck: check)
    harness.list(numbers)
    return harness
  }

  /// Ends the check of an endpoint that is under way; nil for a refusal.
  private func answer(_ harness: inout Harness, _ endpoint: Int32, _ status: Int16? = 200, asksToBeLeft: Bool = false) {
    guard let place = harness.probes.firstIndex(where: { $0.endpoint.number == endpoint }) else {
      Issue.record("endpoint \(endpoint) is not asked")
      return
    }
    let probe = harness.probes.remove(at: place).probe
    if let status {
      harness.tell(.healthAnswered(probe, HealthAnswer(status: status, asksToBeLeft: asksToBeLeft)))
    } else {
      harness.tell(.probeFailed(probe, .refused))
    }
  }

  private func isWarming(_ harness: borrowing Harness) -> Bool { harness.plane.clusters[0].health.isWarming }

  private func answerAll(_ harness: inout Harness, _ status: Int16? = 200) {
    for endpoint in harness.probes.map(\.endpoint.number) { answer(&harness, endpoint, status) }
  }

  // Goal: each endpoint is asked at once, then a pause after each result; a timeout ends a check; there is one probe or one pause
  // an endpoint at any time.
  @Test func rhythm() {
    var harness = harness([0, 1])
    #expect(harness.probes.map(\.endpoint.number) == [0, 1])
    #expect(harness.probes.allSatisfy { $0.kind == .health })
    answer(&harness, 0)
    #expect(harness.timers.count == 2)
    harness.advance(to: .zero + .seconds(1))
    #expect(harness.probes.isEmpty)
    harness.advance(to: .zero + .seconds(5))
    #expect(harness.probes.map(\.endpoint.number) == [0])
    harness.advance(to: .zero + .seconds(6))
    #expect(harness.probes.map(\.endpoint.number) == [1])
    #expect(harness.complaints == [])
  }

  // Goal: nobody may be chosen before its first check has passed; then an answer that says no is enough, refusals and timeouts only
  // three in a row; back it comes after two successes. Each verdict is told in words.
  @Test func verdicts() {
    var harness = harness([0, 1, 2])
    #expect(harness.available == 0)
    answer(&harness, 0)
    answer(&harness, 1)
    answer(&harness, 2, nil)
    #expect(harness.available == 2)
    for _ in 0..<2 {
      harness.advance(by: .seconds(5))
      answer(&harness, 0, nil)
      answer(&harness, 1)
      answer(&harness, 2)
    }
    #expect(harness.available == 3)
    harness.advance(by: .seconds(5))
    answer(&harness, 0, nil)
    answer(&harness, 1, 503)
    #expect(harness.available == 1)
    #expect(
      harness.notices.map { "\($0.endpoint.number) \($0.kind): \($0.reason.words)" } == [
        "0 healthy: passed: the first check", "1 healthy: passed: the first check",
        "2 unhealthy: failed: the first check: connection refused", "2 healthy: passed: 2 checks in a row",
        "0 unhealthy: failed: 3 checks in a row, last: connection refused",
        "1 unhealthy: failed: 503, which is enough at once",
      ])
    #expect(harness.notices.last?.exclusions == .healthCheck)
    let standings = harness.plane.standings(inCluster: 0, at: harness.now)
    #expect(
      standings.map(\.exclusions) == [
        ["fails its health checks, last: connection refused"], ["fails its health checks, last: 503"], [],
      ])
    #expect(harness.complaints == [])
  }

  // Goal: a newcomer is out until its first check has passed, and one is enough; who leaves is asked no more, whatever was under way,
  // and comes back as new.
  @Test func comingAndGoing() {
    var harness = harness([0])
    answer(&harness, 0)
    harness.list([0, 1])
    #expect(harness.available == 1)
    #expect(
      harness.plane.standings(inCluster: 0, at: harness.now)[1].exclusions == ["no health check has ended yet"])
    answer(&harness, 1)
    #expect(harness.available == 2)
    harness.list([0])
    #expect(harness.timers.count == 1)
    harness.list([0, 1])
    #expect(harness.available == 1 && harness.probes.count == 1)
    let late = harness.probes[0].probe
    harness.list([0])
    #expect(harness.probes.isEmpty && harness.timers.count == 1)
    harness.tell(.healthAnswered(late, HealthAnswer(status: 200)))
    #expect(harness.available == 1 && harness.timers.count == 1)
    harness.list([])
    #expect(harness.timers.isEmpty && harness.probes.isEmpty)
    #expect(harness.complaints == [])
  }

  // Goal: before the cluster's first request checks are rare, after it they are not: while the request is under way, and when it is over.
  @Test(arguments: [0, 1, 2]) func traffic(_ ending: Int) {
    var harness = harness([0]) {
      $0.noTrafficInterval = .seconds(60)
      $0.noTrafficHealthyInterval = .seconds(60)
    }
    answer(&harness, 0)
    #expect(harness.timers.map(\.deadline) == [.zero + .seconds(60)])
    let caller = harness.request()
    if ending == 1 { harness.answer(200) }
    if ending == 2 { harness.abandon(caller) }
    harness.advance(to: .zero + .seconds(60))
    answer(&harness, 0)
    #expect(harness.timers.map(\.deadline) == [.zero + .seconds(65)])
    #expect(!harness.plane.clusters[0].detects || ending != 1)
  }

  // Goal: a check that passes ends an ejection, unless that is switched off.
  @Test(arguments: [true, false]) func unejects(_ isOn: Bool) {
    var outliers = OutlierDetectionDescription()
    outliers.maxEjectionPercent = 100
    outliers.consecutive5xx = 2
    outliers.successfulActiveHealthCheckUnejectHost = isOn
    var harness = harness([0], outliers: outliers)
    answer(&harness, 0)
    for _ in 0..<2 {
      harness.request()
      harness.answer(500)
    }
    #expect(harness.available == 0)
    harness.advance(to: .zero + .seconds(5))
    answer(&harness, 0)
    #expect(harness.available == (isOn ? 1 : 0))
    #expect(harness.notices.last?.kind == (isOn ? .returned : .ejected))
    if isOn { #expect(harness.notices.last?.reason.words == "out for 5 s: a health check passed") }
  }

  // Goal: ejection and failed checks keep an endpoint out each on its own: it is back when both have ended.
  @Test func besideOutliers() {
    var outliers = OutlierDetectionDescription()
    outliers.maxEjectionPercent = 100
    outliers.consecutive5xx = 2
    var harness = harness([0], outliers: outliers)
    answer(&harness, 0)
    for _ in 0..<2 {
      harness.request()
      harness.answer(500)
    }
    harness.advance(to: .zero + .seconds(5))
    answer(&harness, 0, 500)
    #expect(harness.notices.last?.exclusions == [.healthCheck, .outlierDetection])
    for second in [30, 31, 32] as [Int64] { harness.advance(to: .zero + .seconds(second)) }
    #expect(harness.notices.last?.kind == .returned && harness.notices.last?.exclusions == .healthCheck)
    #expect(harness.available == 0)
  }

  // Goal: what is asked: TCP a connection for each check, alone or with an answer; HTTP over one that is kept, unless it is not to be.
  // Other bytes than those awaited are no answer: the check runs into its timeout.
  @Test func questions() {
    #expect(harness([0]) { $0.question = .tcp(awaitsAnswer: false) }.probes.map(\.kind) == [.connection])
    #expect(harness([0]) { $0.reusesConnection = false }.probes.map(\.kind) == [.healthAlone])
    #expect(harness([0]) { $0.question = .grpc }.probes.map(\.kind) == [.health])
    var harness = harness([0]) { $0.question = .tcp(awaitsAnswer: true) }
    #expect(harness.probes.map(\.kind) == [.healthAlone])
    let probe = harness.probes[0].probe
    harness.tell(.healthAnswered(probe, HealthAnswer(status: 500)))
    #expect(harness.probes.count == 1 && harness.notices.isEmpty)
    harness.advance(by: .seconds(1))
    #expect(harness.notices.map(\.reason.words) == ["failed: the first check: timeout"])
    #expect(harness.complaints == [])
  }

  // Goal: with jitter first checks do not all come at once.
  @Test func initialJitter() {
    let harness = harness(Array(0..<20)) { $0.initialJitter = .seconds(2) }
    #expect(Set(harness.timers.map(\.deadline)).count > 10)
    #expect(harness.timers.allSatisfy { $0.deadline < .zero + .seconds(2) })
  }

  // Goal: while a cluster warms, changes reach balancers at once and begin no window, and nobody hears of a panic; later ones wait.
  @Test func mergeWindow() {
    var layers = LayersDescription()
    layers.panicThreshold = 50
    var harness = harness([0, 1, 2], mergeWindow: .seconds(1), layers: layers)
    let isCold = isWarming(harness)
    answerAll(&harness)
    let isStillCold = isWarming(harness)
    #expect(isCold && !isStillCold && harness.available == 3)
    #expect(harness.notices.allSatisfy { $0.kind == .healthy })
    harness.advance(by: .seconds(5))
    answerAll(&harness, 500)
    #expect(harness.available == 2)
    let known = harness.plane.clusters[0].exclusions(slot: 2)
    #expect(known == .healthCheck)
    harness.advance(by: .seconds(1))
    #expect(harness.available == 0 && harness.notices.last?.kind == .panicBegan)
    #expect(harness.complaints == [])
  }

  // Goal: whoever waits for an endpoint goes when one is healthy.
  @Test func releasesTheQueue() {
    var harness = harness([0], queue: QueueDescription())
    harness.request()
    #expect(harness.attempts.isEmpty && harness.answers.isEmpty)
    answer(&harness, 0)
    #expect(harness.attempts.count == 1)
    #expect(harness.complaints == [])
  }

  // Goal: endpoints that nobody has checked yet leave the denominators where that is said, so that a scaling out makes no panic.
  @Test(arguments: [true, false]) func ignoresNewHosts(_ isOn: Bool) {
    var layers = LayersDescription()
    layers.panicThreshold = 50
    var harness = harness([0, 1], layers: layers) { $0.ignoresNewHosts = isOn }
    answerAll(&harness)
    harness.list([0, 1, 2, 3, 4])
    #expect(harness.notices.contains { $0.kind == .panicBegan } != isOn)
    answerAll(&harness, nil)
    #expect(harness.notices.last { $0.kind != .unhealthy && $0.kind != .healthy }?.kind == .panicBegan)
    #expect(harness.complaints == [])
  }

  // Goal: an answer that asks for it takes its endpoint out at once, and out of all counts; without health checks nobody listens.
  @Test func leaveRequested() {
    var layers = LayersDescription()
    layers.panicThreshold = 60
    var harness = harness([0, 1], layers: layers)
    answerAll(&harness)
    harness.request()
    let endpoint = harness.lastEndpoint
    harness.tell(.leaveRequested(harness.attempts[0].start.attempt))
    #expect(harness.available == 1 && !harness.notices.contains { $0.kind == .panicBegan })
    #expect(harness.notices.last?.reason.words == "failed: an answer asked for it, which is enough at once")
    harness.answer(503)
    for _ in 0..<2 {
      harness.advance(by: .seconds(5))
      answer(&harness, endpoint)
      answer(&harness, 1 - endpoint)
    }
    #expect(harness.available == 2)
    harness.advance(by: .seconds(5))
    answer(&harness, endpoint, 503, asksToBeLeft: true)
    #expect(harness.available == 1 && !harness.notices.contains { $0.kind == .panicBegan })
    #expect(harness.complaints == [])
    var other = Harness()
    other.list([0])
    other.request()
    other.tell(.leaveRequested(other.attempts[0].start.attempt))
    #expect(other.available == 1)
  }

  // Goal: where endpoints stay while they pass, discovery's word alone takes nobody away who passes; the failure does.
  @Test(arguments: [true, false]) func keepsRemovedHosts(_ isOn: Bool) {
    var harness = harness([0, 1]) { $0.keepsRemovedHosts = isOn }
    answerAll(&harness)
    harness.list([0])
    #expect(harness.available == (isOn ? 2 : 1))
    harness.advance(by: .seconds(5))
    if isOn {
      answer(&harness, 1, 503)
      #expect(harness.available == 1 && harness.timers.count == 1)
      #expect(harness.plane.standings(inCluster: 0, at: harness.now).map(\.identity.number) == [0])
    }
    harness.list([0, 1])
    #expect(harness.available == 1 && harness.probes.contains { $0.endpoint.number == 1 })
    answer(&harness, 1)
    #expect(harness.available == 2)
    #expect(harness.complaints == [])
  }

  // Goal: slow start counts from the check that let an endpoint in, not from its listing.
  @Test func youth() {
    var harness = harness([0])
    harness.advance(by: .milliseconds(300))
    answer(&harness, 0)
    #expect(harness.plane.clusters[0].endpoints.states[0].since == .zero + .milliseconds(300))
  }

  // Goal: whatever happens in whatever order, each endpoint that is listed has exactly one pause or one check, nobody else has any,
  // what balancers know is what checks say once the windows are over, and who passes again returns.
  @Test(arguments: 0..<24 as Range<UInt64>)
  func chaos(_ seed: UInt64) {
    var random = RandomStream(state: mix64(seed &+ 771))
    var layers = LayersDescription()
    layers.panicThreshold = 50
    var outliers = OutlierDetectionDescription()
    outliers.maxEjectionPercent = 100
    outliers.consecutive5xx = 3
    outliers.interval = .milliseconds(500)
    outliers.baseEjectionTime = .milliseconds(800)
    var members = (0..<Int32(1 + random.below(6))).map { $0 }
    var harness = harness(
      members, mergeWindow: random.below(2) == 0 ? .seconds(1) : .zero, layers: random.below(2) == 0 ? layers : nil,
      balancer: ["roundRobin", "leastRequest", "ringHash"][random.below(3)],
      outliers: random.below(2) == 0 ? outliers : nil, timeout: .milliseconds(200)
    ) {
      $0.form = random.below(4) == 0 ? .haproxy : .envoy
      $0.interval = .milliseconds(100)
      $0.unhealthyInterval = .milliseconds(Int64(20 + random.below(100)))
      $0.noTrafficInterval = .milliseconds(150)
      $0.timeout = .milliseconds(Int64(20 + random.below(100)))
      $0.initialJitter = random.below(2) == 0 ? .milliseconds(50) : .zero
      $0.intervalJitterPercent = 20
      $0.unhealthyThreshold = UInt32(1 + random.below(4))
      $0.healthyThreshold = UInt32(1 + random.below(4))
      $0.ignoresNewHosts = random.below(3) == 0
      $0.keepsRemovedHosts = random.below(3) == 0
      $0.retriableStatuses = [429..<430]
    }
    var next: Int32 = 50
    for _ in 0..<2000 {
      switch random.below(24) {
      case 0 where random.below(6) == 0:
        if random.below(2) == 0 || members.count < 2 {
          members.append(next)
          next += 1
        } else {
          members.remove(at: random.below(members.count))
        }
        harness.list(members)
      case 0..<6: harness.request(key: random.next())
      case 6..<9: if !harness.attempts.isEmpty { harness.answer([200, 200, 500, 503][random.below(4)]) }
      case 9:
        if !harness.attempts.isEmpty { harness.tell(.leaveRequested(harness.attempts[0].start.attempt)) }
      case 10: if let caller = harness.open.keys.min() { harness.abandon(caller) }
      case 11..<18:
        if harness.probes.isEmpty { continue }
        let endpoint = harness.probes[random.below(harness.probes.count)].endpoint.number
        answer(&harness, endpoint, [200, 200, 200, 429, 503, nil][random.below(6)])
      default: harness.advance(by: .milliseconds(Int64(random.below(40))))
      }
      check(harness)
    }
    // Everybody is well again: everybody returns, and only pauses are left.
    for _ in 0..<4000 {
      while !harness.attempts.isEmpty { harness.answer(200) }
      answerAll(&harness)
      harness.advance(by: .milliseconds(10))
    }
    #expect(harness.plane.clusters[0].endpoints.listed.count >= members.count)
    #expect(harness.available == harness.plane.clusters[0].endpoints.listed.count)
    harness.list([])
    if harness.plane.clusters[0].health.description?.keepsRemovedHosts == true {
      for _ in 0..<1000 {
        answerAll(&harness, 503)
        harness.advance(by: .milliseconds(10))
      }
    }
    harness.advance(by: .seconds(60))
    #expect(harness.timers.isEmpty && harness.probes.isEmpty)
    #expect(harness.complaints == [])
  }

  private func check(_ harness: borrowing Harness) {
    let waits = harness.plane.clusters[0].merging?.isWaiting(priority: 0) ?? false
    var listed: Set<Int32> = []
    for slot in 0..<Int32(harness.plane.clusters[0].endpoints.states.count) {
      let state = harness.plane.clusters[0].endpoints.states[slot]
      let record = harness.plane.clusters[0].health.records[slot]
      if !state.isListed {
        #expect(record.incarnation == 0 && record.timer.index < 0 && record.probe.index < 0)
        continue
      }
      listed.insert(state.identity.number)
      #expect(record.incarnation == state.incarnation)
      #expect((record.timer.index >= 0) != (record.probe.index >= 0))
      if !waits {
        #expect(state.exclusions.contains(.healthCheck) == record.machine.hasFailed)
        #expect(state.exclusions.contains(.uncounted) == record.machine.isExcluded)
      }
    }
    #expect(harness.probes.allSatisfy { listed.contains($0.endpoint.number) })
  }
}
