// What stands before a route, event by event, and a crowd before everything at once.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("gates")
struct RouteGatesTests {
  private func harness(
    retry: RetryDescription? = nil, timeout: TimeSpan? = nil, _ change: (inout GatesDescription) -> Void
  ) -> Harness {
    var gates = GatesDescription()
    change(&gates)
    var harness = Harness(timeout: timeout, retry: retry, gates: gates)
    harness.list([0, 1, 2])
    return harness
  }

  private func always<Value>(_ value: Value) -> FaultPart<Value> { FaultPart(value) }

  // Goal: a delayed request has a name and no attempt; its route's timeout begins when the delay is over.
  @Test func delay() {
    var harness = harness(timeout: .milliseconds(10)) {
      $0.fault = InjectedFaultDescription()
      $0.fault?.delay = always(.milliseconds(50))
    }
    harness.request()
    #expect(harness.attempts.isEmpty && harness.held.count == 1)
    harness.advance(by: .milliseconds(50))
    #expect(harness.attempts.count == 1 && harness.timers.count == 1)
    harness.advance(by: .milliseconds(10))
    #expect(harness.answers.map(\.status) == [504] && harness.complaints == [])
    #expect(harness.plane.gateAccounts == (0, 0))
  }

  // Goal: who gives up while it is delayed leaves nothing behind.
  @Test func delayAbandoned() {
    var harness = harness {
      $0.fault = InjectedFaultDescription()
      $0.fault?.delay = always(.milliseconds(50))
    }
    let caller = harness.request()
    harness.abandon(caller)
    #expect(harness.timers.isEmpty && harness.plane.openRequests == 0 && harness.plane.gateAccounts == (0, 0))
    #expect(harness.complaints == [])
  }

  // Goal: delay and abort can both strike; no endpoint hears of it, and nobody tries again.
  @Test func delayThenAbort() {
    var harness = harness(retry: RetryDescription(on: ["5xx"], attempts: 3)) {
      $0.fault = InjectedFaultDescription()
      $0.fault?.delay = always(.milliseconds(50))
      $0.fault?.abort = always(503)
      $0.fault?.maxActiveFaults = 1
    }
    harness.request()
    // One too many for a fault: it passes.
    harness.request()
    #expect(harness.attempts.count == 1)
    harness.answer()
    harness.advance(by: .milliseconds(50))
    #expect(harness.answers.map(\.status) == [200, 503])
    #expect(harness.answers.map(\.cause) == [.endpoint, .faultAborted] && harness.complaints == [])
  }

  // Goal: a slow answer is told to the world with its pace, and only that of an endpoint.
  @Test func slowAnswer() {
    var harness = harness {
      $0.fault = InjectedFaultDescription()
      $0.fault?.responseRate = always(64)
    }
    harness.request()
    harness.answer(500)
    harness.request()
    harness.breakAttempt(.reset)
    #expect(harness.slowAnswers == [64] && harness.answers.map(\.cause) == [.endpoint, .transport])
    #expect(harness.plane.gateAccounts == (0, 0) && harness.complaints == [])
  }

  // Goal: beyond its bucket a route answers 429 itself, and again when tokens have come.
  @Test func rateLimit() {
    var harness = harness { $0.rateLimit = RateLimitDescription(tokensPerSecond: 10, maxTokens: 2) }
    for _ in 0..<3 { harness.request() }
    #expect(harness.answers.map(\.status) == [429] && harness.answers.map(\.cause) == [.rateLimited])
    harness.advance(by: .milliseconds(100))
    harness.request()
    #expect(harness.attempts.count == 3 && harness.complaints == [])
  }

  // Goal: adaptive concurrency counts a request until its last try has ended, and answers 503 beyond its limit.
  @Test func concurrency() {
    let atOnce = RetryBackoffDescription(base: .zero, maximum: .zero)
    var harness = harness(retry: RetryDescription(on: ["5xx"], backoff: atOnce)) {
      $0.adaptiveConcurrency = AdaptiveConcurrencyDescription()
    }
    for _ in 0..<3 { harness.request() }
    let last = harness.request()
    #expect(harness.answers.map(\.cause) == [.concurrencyLimited] && harness.answers.map(\.caller) == [last])
    harness.answer(500)
    #expect(harness.plane.gateAccounts.inFlight == 3)
    harness.answer(200)
    harness.answer(200)
    harness.answer(500)
    #expect(harness.plane.gateAccounts.inFlight == 0 + harness.open.count && harness.complaints == [])
    if let caller = harness.open.keys.min() { harness.abandon(caller) }
    #expect(harness.plane.gateAccounts.inFlight == harness.open.count)
  }

  // Goal: who waits for an endpoint behind its gates is still counted, and counted out when it fails there.
  @Test func queueBehind() {
    var gates = GatesDescription()
    gates.adaptiveConcurrency = AdaptiveConcurrencyDescription()
    var harness = Harness(queue: QueueDescription(capacity: 10, failfastTimeout: .seconds(1)), gates: gates)
    for _ in 0..<3 { harness.request() }
    #expect(harness.held.count == 3 && harness.plane.gateAccounts.inFlight == 3)
    if let caller = harness.open.keys.min() { harness.abandon(caller) }
    #expect(harness.plane.gateAccounts.inFlight == 2)
    harness.advance(by: .seconds(2))
    #expect(harness.plane.gateAccounts.inFlight == 0 && harness.open.isEmpty && harness.complaints == [])
  }

  // Goal: what an earlier gate refuses is no failure for admission control, and what a later one refuses is.
  @Test func whoHears() {
    var harness = harness {
      $0.rateLimit = RateLimitDescription(tokensPerSecond: 0.001, maxTokens: 200)
      $0.admissionControl = AdmissionControlDescription()
    }
    for _ in 0..<200 {
      harness.request()
      harness.answer(200)
    }
    for _ in 0..<2000 { harness.request() }
    #expect(harness.answers.count { $0.cause == .rateLimited } == 2000)
    #expect(!harness.answers.contains { $0.cause == .admissionRejected } && harness.complaints == [])
  }

  // Goal: with a service that answers 503 alone, each of the throttles refuses, and endpoints hear less.
  @Test(arguments: 0..<3) func throttles(kind: Int) {
    var harness = harness {
      switch kind {
      case 0: $0.admissionControl = AdmissionControlDescription()
      case 1: $0.adaptiveThrottling = AdaptiveThrottlingDescription()
      default:
        $0.nackAdmission = NackAdmissionDescription()
        $0.nackAdmission?.window = .seconds(1)
      }
    }
    for _ in 0..<2000 {
      harness.request()
      if !harness.attempts.isEmpty { harness.answer(503) }
      harness.advance(by: .milliseconds(1))
    }
    let refused = harness.answers.count { $0.cause == [.admissionRejected, .throttled, .throttled][kind] }
    #expect(refused > [1400, 1800, 500][kind] && harness.complaints == [])
  }

  // Goal: whatever stands there and whatever happens in whatever order, requests are answered once, limits hold, and nothing is left.
  @Test(arguments: 0..<30 as Range<UInt64>) func crowd(seed: UInt64) {
    var random = RandomStream(state: mix64(seed ^ 0x6a7e))
    var gates = GatesDescription()
    if random.below(2) == 0 {
      var fault = InjectedFaultDescription()
      if random.below(2) == 0 { fault.delay = FaultPart(.milliseconds(20), share: RuntimeFraction(30)) }
      if random.below(2) == 0 { fault.abort = FaultPart(503, share: RuntimeFraction(10)) }
      if random.below(2) == 0 { fault.responseRate = FaultPart(10, share: RuntimeFraction(20)) }
      if random.below(2) == 0 { fault.maxActiveFaults = Int32(random.below(4)) }
      gates.fault = fault
    }
    if random.below(2) == 0 { gates.rateLimit = RateLimitDescription(tokensPerSecond: 300, maxTokens: 9) }
    if random.below(2) == 0 { gates.admissionControl = AdmissionControlDescription() }
    if random.below(2) == 0 { gates.adaptiveThrottling = AdaptiveThrottlingDescription() }
    if random.below(2) == 0 { gates.nackAdmission = NackAdmissionDescription() }
    if random.below(2) == 0 { gates.adaptiveConcurrency = AdaptiveConcurrencyDescription() }
    var harness = Harness(
      timeout: random.below(2) == 0 ? nil : .milliseconds(80), seed: seed,
      retry: random.below(2) == 0 ? nil : RetryDescription(on: ["5xx"], attempts: 2), gates: gates)
    harness.list([0, 1, 2])
    var wanted = 0
    var abandoned = 0
    for _ in 0..<2_000 {
      switch random.below(12) {
      case 0...3:
        harness.request()
        wanted += 1
      case 4...6: if !harness.attempts.isEmpty { harness.answer(random.below(2) == 0 ? 200 : 503) }
      case 7: harness.breakAttempt([.refused, .reset, .connectTimeout][random.below(3)])
      case 8:
        if let caller = harness.open.keys.min() {
          harness.abandon(caller)
          abandoned += 1
        }
      case 9: harness.list((0..<Int32(random.below(5))).map { $0 })
      default: harness.advance(by: .milliseconds(Int64(random.below(20))))
      }
      let accounts = harness.plane.gateAccounts
      #expect(accounts.faults >= 0 && accounts.faults <= Int(gates.fault?.maxActiveFaults ?? .max))
      #expect(accounts.inFlight >= 0 && accounts.inFlight <= harness.open.count)
    }
    harness.list([0])
    for _ in 0..<200 {
      while !harness.attempts.isEmpty { harness.answer(200) }
      harness.advance(by: .milliseconds(500))
    }
    #expect(harness.complaints == [] && harness.open.isEmpty && harness.timers.isEmpty)
    #expect(harness.answers.count + abandoned == wanted && harness.plane.gateAccounts == (0, 0))
  }
}
