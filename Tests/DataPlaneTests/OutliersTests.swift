// Outlier detection through a whole data plane: what attempts report, who hears of ejections and when, timers.

import FaultDetection
import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("outliers in a data plane")
struct OutliersTests {
  private func harness(
    _ numbers: [Int32], timeout: TimeSpan? = nil, mergeWindow: TimeSpan = .zero, layers: LayersDescription? = nil,
    balancer: String = "roundRobin", accrual: ConsecutiveAccrualDescription? = nil,
    _ change: (inout OutlierDetectionDescription) -> Void = { _ in }
  ) -> Harness {
    var description = OutlierDetectionDescription()
    description.maxEjectionPercent = 100
    change(&description)
    var harness = Harness(
      timeout: timeout, accrual: accrual, balancer: balancer, layers: layers, mergeWindow: mergeWindow,
      outlierDetection: description)
    harness.list(numbers)
    return harness
  }

  /// Sends requests until `count` of them have met `endpoint`, which answers `status`; the others answer 200.
  private func answer(_ harness: inout Harness, _ status: Int16, _ count: Int, from endpoint: Int32) {
    var met = 0
    for _ in 0..<1000 where met < count {
      harness.request()
      let isMet = harness.lastEndpoint == endpoint
      harness.answer(isMet ? status : 200)
      met += isMet ? 1 : 0
    }
    #expect(met == count)
  }

  // Goal: the fifth 5xx in a row puts an endpoint out until the first sweep after its time, and both are told with their reasons.
  @Test func consecutive() {
    var harness = harness([0, 1])
    harness.advance(by: .seconds(3))
    answer(&harness, 500, 5, from: 0)
    #expect(harness.available == 1)
    harness.advance(to: .zero + .seconds(39))
    #expect(harness.available == 1)
    harness.advance(to: .zero + .seconds(40))
    #expect(harness.available == 2)
    #expect(harness.notices.map(\.kind) == [.ejected, .returned])
    #expect(
      harness.notices.map(\.reason.words) == [
        "5 consecutive 5xx; returns in 37 s", "out for 37 s: the ejection is over",
      ])
    #expect(harness.notices.map(\.exclusions) == [.outlierDetection, []])
    #expect(harness.complaints == [])
  }

  // Goal: where origins are told apart, an answer says that its connection stood, so only refusals in a row count; a 500 is no failure
  // to connect, and a connection that breaks later is one after a success.
  @Test func standingConnections() {
    var harness = harness([0]) {
      $0.splitExternalLocalOriginErrors = true
      $0.consecutive5xx = 100
    }
    func refuse(_ times: Int) {
      for _ in 0..<times {
        harness.request()
        harness.breakAttempt(.refused)
      }
    }
    for ending in 0..<3 {
      refuse(4)
      harness.request()
      switch ending {
      case 0: harness.answer(200)
      case 1: harness.answer(500)
      default: harness.breakAttempt(.reset)
      }
    }
    #expect(harness.available == 1)
    refuse(4)
    #expect(harness.available == 0 && harness.notices.map(\.kind) == [.ejected])
    #expect(harness.complaints == [])
  }

  // Goal: a timeout counts as 504, a refused or broken connection as 503, both as failures of a gateway; a request that is given up
  // counts as nothing.
  @Test func transport() {
    var harness = harness([0], timeout: .seconds(1)) {
      $0.consecutive5xx = 100
      $0.consecutiveGatewayFailure = 4
      $0.enforcingConsecutiveGatewayFailure = 100
    }
    harness.request()
    harness.advance(by: .seconds(1))
    for failure in [TransportFailure.refused, .connectTimeout] {
      harness.request()
      harness.breakAttempt(failure)
    }
    harness.abandon(harness.request())
    #expect(harness.available == 1)
    harness.request()
    harness.breakAttempt(.reset)
    #expect(harness.available == 0)
    #expect(harness.notices.first?.reason.words.hasPrefix("4 consecutive gateway failures") == true)
    #expect(harness.complaints == [])
  }

  // Goal: without traffic, and with nobody out, no timer is set; one is while an endpoint is out or its multiplier has to shrink.
  @Test func timers() {
    var harness = harness([0, 1])
    #expect(harness.timers.isEmpty)
    answer(&harness, 200, 1, from: 0)
    #expect(harness.timers.map(\.deadline) == [.zero + .seconds(10)])
    harness.advance(by: .seconds(10))
    #expect(harness.timers.isEmpty)
    answer(&harness, 500, 5, from: 0)
    harness.advance(by: .seconds(30))
    #expect(harness.available == 2)
    #expect(harness.timers.count == 1)
    harness.advance(by: .seconds(10))
    #expect(harness.timers.isEmpty)
  }

  // Goal: with a merge window balancers hear of the first ejection at once and of the next one when a window is over, while both are
  // told when they are decided; so it is where both come of one sweep.
  @Test func mergeWindow() {
    var harness = harness([0, 1, 2], mergeWindow: .seconds(1))
    answer(&harness, 500, 5, from: 0)
    #expect(harness.available == 2)
    answer(&harness, 500, 5, from: 1)
    #expect(harness.notices.map(\.kind) == [.ejected, .ejected])
    #expect(harness.available == 2)
    harness.advance(by: .milliseconds(999))
    #expect(harness.available == 2)
    harness.advance(by: .milliseconds(1))
    #expect(harness.available == 1)
    harness.advance(to: .zero + .seconds(30))
    #expect(harness.notices.suffix(2).map(\.kind) == [.returned, .returned])
    #expect(harness.available == 2)
    harness.advance(by: .seconds(1))
    #expect(harness.available == 3)
    #expect(harness.complaints == [])
  }

  // Goal: an endpoint that comes or goes brings all that waits along, and who has left is out no more when it comes back.
  @Test func listingBringsNews() {
    var harness = harness([0, 1, 2], mergeWindow: .seconds(1))
    answer(&harness, 500, 5, from: 0)
    answer(&harness, 500, 5, from: 1)
    #expect(harness.available == 2)
    harness.list([0, 1, 2, 3])
    #expect(harness.available == 2)
    harness.list([1, 2, 3])
    harness.list([0, 1, 2, 3])
    #expect(harness.available == 3)
    #expect(harness.complaints == [])
  }

  // Goal: ejections are unhealthy for panic: below the threshold all are used, and the fact is told.
  @Test func panic() {
    var layers = LayersDescription()
    layers.panicThreshold = 50
    var harness = harness([0, 1, 2], layers: layers) { $0.consecutive5xx = 2 }
    for endpoint in 0..<2 as Range<Int32> { answer(&harness, 503, 2, from: endpoint) }
    #expect(harness.notices.map(\.kind) == [.ejected, .ejected, .panicBegan])
    var met: Set<Int32> = []
    for _ in 0..<6 {
      harness.request()
      met.insert(harness.lastEndpoint)
      harness.answer(200)
    }
    #expect(met == [0, 1, 2])
    harness.advance(to: .zero + .seconds(30))
    #expect(harness.notices.suffix(3).map(\.kind) == [.returned, .returned, .panicEnded])
  }

  // Goal: beside failure accrual the return by one detector says that the other one still keeps the endpoint out.
  @Test func besideAccrual() {
    let accrual = ConsecutiveAccrualDescription(
      maxFailures: 5, minPenalty: .seconds(60), maxPenalty: .seconds(60), jitterRatio: 0)
    var harness = harness([0, 1], accrual: accrual)
    answer(&harness, 500, 5, from: 0)
    #expect(harness.notices.map(\.kind) == [.ejected, .ejected])
    harness.advance(to: .zero + .seconds(30))
    #expect(harness.notices.last?.kind == .returned)
    #expect(harness.notices.last?.exclusions == .failureAccrual)
    #expect(harness.available == 1)
    harness.advance(to: .zero + .seconds(60))
    #expect(harness.available == 2)
  }

  // Goal: whatever happens in whatever order, no timer is left when all is quiet, nobody stays out, and what balancers know is what was
  // decided once the windows are over.
  @Test(arguments: 0..<24 as Range<UInt64>)
  func chaos(_ seed: UInt64) {
    var random = RandomStream(state: mix64(seed &+ 77))
    let isLayered = random.below(2) == 0
    var layers = LayersDescription()
    layers.panicThreshold = 50
    var members = (0..<Int32(1 + random.below(6))).map { $0 }
    var harness = harness(
      members, timeout: .milliseconds(200), mergeWindow: random.below(2) == 0 ? .seconds(1) : .zero,
      layers: isLayered ? layers : nil, balancer: ["roundRobin", "leastRequest", "ringHash"][random.below(3)]
    ) {
      $0.form = random.below(3) == 0 ? .grpc : .envoy
      $0.interval = .milliseconds(500)
      $0.baseEjectionTime = .milliseconds(Int64(100 + random.below(2000)))
      $0.maxEjectionTime = .seconds(5)
      $0.consecutive5xx = UInt32(1 + random.below(4))
      $0.enforcingFailurePercentage = 100
      $0.failurePercentageMinimumHosts = 1
      $0.failurePercentageRequestVolume = 5
      $0.failurePercentageThreshold = 30
      $0.splitExternalLocalOriginErrors = random.below(2) == 0
    }
    var next: Int32 = 50
    for _ in 0..<1500 {
      switch random.below(20) {
      case 0 where random.below(10) == 0:
        if random.below(2) == 0 || members.count < 2 {
          members.append(next)
          next += 1
        } else {
          members.remove(at: random.below(members.count))
        }
        harness.list(members)
      case 0..<9: harness.request(key: random.next())
      case 9..<14:
        if !harness.attempts.isEmpty { harness.answer([200, 200, 500, 503][random.below(4)]) }
      case 14: harness.breakAttempt([.refused, .reset, .connectTimeout][random.below(3)])
      case 15: if let caller = harness.open.keys.min() { harness.abandon(caller) }
      default: harness.advance(by: .milliseconds(Int64(random.below(60))))
      }
      let held = harness.plane.clusters[0].merging?.isWaiting(priority: 0) ?? false
      for place in 0..<harness.plane.clusters[0].endpoints.listed.count where !held {
        let slot = harness.plane.clusters[0].endpoints.listed[place]
        let isOut = harness.plane.clusters[0].outliers.isEjected(slot: slot)
        let state = harness.plane.clusters[0].endpoints.states[slot]
        #expect(state.exclusions.contains(.outlierDetection) == isOut)
      }
    }
    harness.advance(by: .seconds(120))
    #expect(harness.timers.isEmpty)
    #expect(harness.available == members.count)
    #expect(harness.complaints == [])
  }

  // Goal: a try that goes on beyond its own time counts as a timeout then (Envoy's soft timeout), and its late success does not count.
  @Test func slowTriesCountOnce() {
    var description = OutlierDetectionDescription()
    description.maxEjectionPercent = 100
    description.consecutive5xx = 3
    var harness = Harness(
      profile: .envoy,
      retry: RetryDescription(
        on: ["5xx"], attempts: 1, perTryTimeout: .milliseconds(20), backoff: RetryBackoffDescription(base: .zero)),
      hedge: HedgeDescription(after: .perTryTimeout), outlierDetection: description)
    harness.list([0])
    for request in 1...3 {
      harness.request()
      harness.advance(by: .milliseconds(20))
      #expect(harness.available == (request < 3 ? 1 : 0))
      // The slow first one answers well; the retry is given up.
      harness.answer(200)
    }
    #expect(harness.notices.map(\.kind) == [.ejected] && harness.complaints == [])
  }
}
