// Active health checks of one endpoint: the state machine against an obvious one, pauses, what answers say.

import MeshCore
import Testing

@testable import FaultDetection

@Suite("health checks of one endpoint")
struct HealthCheckTests {
  private func description(_ change: (inout HealthCheckDescription) -> Void = { _ in }) -> HealthCheckDescription {
    var description = HealthCheckDescription(
      .http, interval: .seconds(5), timeout: .seconds(1), unhealthyThreshold: 3, healthyThreshold: 2)
    change(&description)
    return description
  }

  private func transitions(
    _ results: [HealthCheckResult], _ description: HealthCheckDescription
  ) -> (transitions: [HealthTransition], health: HealthCheck) {
    var health = HealthCheck(description)
    return (results.map { health.ended($0, description) }, health)
  }

  // Goal: an endpoint is out at first, the first success is enough, and failures where the network may be at fault count in a row.
  @Test func envoy() {
    let (changes, health) = transitions(
      [.passed, .refused, .timedOut, .passed, .retriable(status: 429), .reset, .timedOut, .refused, .passed, .passed],
      description())
    #expect(
      changes == [
        .changed, .changePending, .changePending, .unchanged, .changePending, .changePending, .changed, .unchanged,
        .changePending, .changed,
      ])
    #expect(!health.hasFailed && !health.isFirst)
  }

  // Goal: an answer that says no is enough at any time, and the first failure leaves an endpoint out; then successes have to come in a row.
  @Test func decisiveAnswers() {
    let (changes, health) = transitions(
      [.timedOut, .passed, .answered(status: 503), .passed, .passed, .answered(status: 500)], description())
    #expect(changes == [.unchanged, .changePending, .unchanged, .changePending, .changed, .changed])
    #expect(health.hasFailed)
  }

  // Goal: with HAProxy's rule an endpoint is in until its first check fails, and later every failure counts alike.
  @Test func haproxy() {
    let haproxy = description { $0.form = .haproxy }
    #expect(!HealthCheck(haproxy).hasFailed)
    #expect(transitions([.refused], haproxy).transitions == [.changed])
    let (changes, _) = transitions(
      [.passed, .answered(status: 500), .timedOut, .answered(status: 500), .passed, .passed], haproxy)
    #expect(changes == [.unchanged, .changePending, .changePending, .changed, .changePending, .changed])
  }

  // Goal: who is not to be counted before its first check is counted after it, whatever it said, and that is a change.
  @Test func pending() {
    let pending = description { $0.ignoresNewHosts = true }
    var health = HealthCheck(pending)
    #expect(health.isExcluded)
    #expect(health.ended(.timedOut, pending) == .changed && !health.isExcluded && health.hasFailed)
    #expect(health.ended(.timedOut, pending) == .unchanged)
  }

  // Goal: who asks to be left alone is out at once and not counted, and is neither again when it is healthy.
  @Test func leftAlone() {
    let description = description()
    var health = HealthCheck(description)
    _ = health.ended(.passed, description)
    health.leaveAlone()
    #expect(health.ended(.toldByAnswer, description) == .changed && health.hasFailed && health.isExcluded)
    #expect(health.ended(.passed, description) == .changePending && health.isExcluded)
    #expect(health.ended(.passed, description) == .changed && !health.hasFailed && !health.isExcluded)
  }

  // Goal: whatever comes, a state never changes but by a row of its length or by a decisive answer, and rows are counted as a plain
  // list of the latest results says.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func againstHistory(_ seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let description = description {
      $0.unhealthyThreshold = UInt32(1 + random.below(5))
      $0.healthyThreshold = UInt32(1 + random.below(5))
    }
    let kinds: [HealthCheckResult] = [.passed, .passed, .passed, .timedOut, .refused, .answered(status: 500)]
    var health = HealthCheck(description)
    var history: [HealthCheckResult] = []
    var hasFailed = true
    for _ in 0..<500 {
      let result = kinds[random.below(kinds.count)]
      history.append(result)
      let row = UInt32(history.reversed().prefix { $0.isPassed == result.isPassed }.count)
      let needed = result.isPassed ? description.healthyThreshold : description.unhealthyThreshold
      var expected = HealthTransition.unchanged
      if result.isPassed == hasFailed {
        let isEnough = history.count == 1 || row >= needed || result.isDecisive
        expected = isEnough ? .changed : .changePending
        if isEnough { hasFailed.toggle() }
      }
      #expect(health.ended(result, description) == expected)
      #expect(health.hasFailed == hasFailed)
    }
  }

  // Goal: each case has its pause, and without traffic there are two others.
  @Test func pauses() {
    let description = description {
      $0.unhealthyInterval = .seconds(2)
      $0.unhealthyEdgeInterval = .seconds(3)
      $0.healthyEdgeInterval = .seconds(4)
      $0.noTrafficInterval = .seconds(60)
      $0.noTrafficHealthyInterval = .seconds(50)
    }
    var random = RandomStream(state: 1)
    func seconds(_ result: HealthCheckResult, _ transition: HealthTransition, _ hasTraffic: Bool) -> Double {
      description.pause(after: result, transition, hasTraffic: hasTraffic, &random).seconds
    }
    #expect(seconds(.passed, .unchanged, true) == 5)
    #expect(seconds(.passed, .changed, true) == 5)
    #expect(seconds(.passed, .changePending, true) == 4)
    #expect(seconds(.timedOut, .changed, true) == 2)
    #expect(seconds(.timedOut, .changePending, true) == 3)
    #expect(seconds(.passed, .changed, false) == 50)
    #expect(seconds(.passed, .changePending, false) == 60)
    #expect(seconds(.timedOut, .unchanged, false) == 60)
  }

  // Goal: jitters are whole milliseconds below their bounds, one number a jitter; no pause is shorter than a millisecond or overflows.
  @Test func jitters() {
    let description = description {
      $0.intervalJitterPercent = 40
      $0.intervalJitter = .milliseconds(1000)
      $0.initialJitter = .milliseconds(700)
    }
    func pause(_ numbers: [UInt64], _ body: (inout RandomStream) -> TimeSpan) -> (Double, Int) {
      numbers.withUnsafeBufferPointer { script in
        var random = RandomStream(script: script)
        let span = body(&random)
        return (span.milliseconds, random.drawnFromScript)
      }
    }
    #expect(pause([2345, 1111]) { description.jittered(.seconds(5), by: .seconds(1), &$0) } == (5456, 2))
    #expect(pause([1234]) { description.firstPause(&$0) } == (534, 1))
    #expect(pause([700]) { description.firstPause(&$0) } == (1, 1))
    let plain = self.description()
    #expect(pause([7]) { plain.firstPause(&$0) } == (0, 0))
    #expect(pause([7]) { plain.jittered(TimeSpan(nanoseconds: 5), by: .zero, &$0) } == (1, 0))
    var random = RandomStream(state: 3)
    let endless = TimeSpan(nanoseconds: .max)
    #expect(description.jittered(endless, by: endless, &random) == endless)
  }

  // Goal: what an answer says depends on what was asked; expected statuses go before retriable ones, and the end of a range is out.
  @Test func answers() {
    let http = description {
      $0.expectedStatuses = [200..<300, 418..<419]
      $0.retriableStatuses = [204..<206, 429..<430, 503..<504]
    }
    func result(_ status: Int16, _ description: HealthCheckDescription) -> HealthCheckResult? {
      description.result(HealthAnswer(status: status))
    }
    #expect(result(204, http) == .passed && result(418, http) == .passed)
    #expect(result(300, http) == .answered(status: 300) && result(429, http) == .retriable(status: 429))
    #expect(result(201, description()) == .answered(status: 201))
    let grpc = description { $0.question = .grpc }
    #expect(result(200, grpc) == .passed && result(503, grpc) == .answered(status: 503))
    let tcp = description { $0.question = .tcp(awaitsAnswer: true) }
    #expect(result(200, tcp) == .passed && result(500, tcp) == nil)
  }
}
