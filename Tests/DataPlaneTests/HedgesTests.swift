// Tries beside tries and mirrors, event by event.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("hedges and mirrors")
struct HedgesTests {
  private static let soon = HedgeDescription(after: .delay(.milliseconds(10)))

  private func harness(
    _ hedge: HedgeDescription = HedgesTests.soon, profile: MeshProfile = .weir, retry: RetryDescription? = nil,
    timeout: TimeSpan? = nil
  ) -> Harness {
    var harness = Harness(timeout: timeout, profile: profile, retry: retry, hedge: hedge)
    harness.list([0, 1, 2])
    return harness
  }

  private var atOnce: RetryBackoffDescription { RetryBackoffDescription(base: .zero, maximum: .zero) }

  /// Goal: after the delay one more try joins the first, once; the first success is the answer, and the other try is given up.
  @Test(arguments: [0, 1]) func firstSuccessWins(winner: Int) {
    var harness = harness()
    harness.request()
    harness.advance(by: .milliseconds(9))
    #expect(harness.attempts.count == 1)
    harness.advance(by: .milliseconds(1))
    #expect(harness.attempts.map(\.start.kind) == [.first, .hedge] && harness.attempts[1].start.number == 1)
    #expect(harness.timers.isEmpty)
    harness.answer(200, leavingOut: winner)
    #expect(harness.answers.map(\.status) == [200] && harness.attempts.isEmpty)
    #expect(harness.complaints == [] && harness.plane.openRequests == 0)
  }

  /// Goal: an answer before the delay leaves no timer and no second try, a failure too (Finagle).
  @Test(arguments: [200, 503] as [Int16]) func answeredBefore(status: Int16) {
    var harness = harness()
    harness.request()
    harness.answer(status)
    #expect(harness.answers.map(\.status) == [status] && harness.timers.isEmpty && harness.attempts.isEmpty)
    #expect(harness.complaints == [])
  }

  /// Goal: a failure waits for the other try, whose answer counts whatever it is.
  @Test(arguments: [200, 500] as [Int16]) func failureWaits(second: Int16) {
    var harness = harness()
    harness.request()
    harness.advance(by: .milliseconds(10))
    harness.answer(503)
    #expect(harness.answers.isEmpty && harness.attempts.count == 1)
    harness.answer(second)
    #expect(harness.answers.map(\.status) == [second] && harness.complaints == [])
  }

  /// Goal: when all tries have failed the request is retried if it may be, and a retry is hedged as the first try was.
  @Test func retriesAreHedged() {
    var harness = harness(retry: RetryDescription(on: ["5xx"], attempts: 1, backoff: atOnce))
    harness.request()
    harness.advance(by: .milliseconds(10))
    harness.answer(503)
    harness.breakAttempt(.reset)
    #expect(harness.attempts.map(\.start.kind) == [.retry])
    harness.advance(by: .milliseconds(10))
    #expect(harness.attempts.map(\.start.kind) == [.retry, .hedge] && harness.attempts[1].start.number == 2)
    harness.answer(200)
    #expect(harness.answers.map(\.status) == [200] && harness.complaints == [] && harness.timers.isEmpty)
  }

  /// Goal: gRPC sends one try a delay up to its number; a failure that is not fatal sends the next at once and starts the delay anew;
  /// another failure ends it all.
  @Test func hedgingOfGRPC() {
    var hedge = Self.soon
    hedge.maxAttempts = 4
    hedge.nonFatalStatusCodes = [503]
    var harness = harness(hedge, profile: .grpc)
    harness.request()
    harness.advance(by: .milliseconds(10))
    harness.answer(503)
    #expect(harness.attempts.count == 2)
    harness.advance(by: .milliseconds(9))
    #expect(harness.attempts.count == 2)
    harness.advance(by: .milliseconds(1))
    #expect(harness.attempts.count == 3 && harness.timers.isEmpty)
    harness.answer(503)
    #expect(harness.answers.isEmpty)
    harness.answer(500)
    #expect(harness.answers.map(\.status) == [500] && harness.attempts.isEmpty && harness.complaints == [])
  }

  /// Goal: a throttle keeps hedges back as it does retries (A6): with two tokens one failure leaves no more than half.
  @Test func throttled() {
    var budget = RetryBudgetDescription()
    budget.throttling = RetryThrottlingDescription(maxTokens: 2, tokenRatio: 0.5)
    var hedge = Self.soon
    hedge.nonFatalStatusCodes = [503]
    var harness = harness(
      hedge, profile: .grpc, retry: RetryDescription(on: ["503"], attempts: 0, budget: budget))
    harness.request()
    harness.answer(503)
    #expect(harness.answers.map(\.status) == [503] && harness.attempts.isEmpty)
    // Two successes bring one token back.
    for _ in 0..<2 {
      harness.request()
      harness.answer(200)
    }
    harness.request()
    harness.advance(by: .milliseconds(10))
    #expect(harness.attempts.count == 2)
    harness.answer(200)
    #expect(harness.complaints == [])
  }

  /// Goal: in Envoy a try whose time is over goes on beside its retry; its late success is the answer, and a late failure that would be
  /// retried is none while the retry is under way; without retries left it simply goes on.
  @Test(arguments: [200, 503, 404] as [Int16]) func slowTriesGoOn(late: Int16) {
    var harness = harness(
      HedgeDescription(after: .perTryTimeout), profile: .envoy,
      retry: RetryDescription(on: ["5xx"], attempts: 1, perTryTimeout: .milliseconds(20), backoff: atOnce))
    harness.request()
    harness.advance(by: .milliseconds(20))
    #expect(harness.attempts.map(\.start.kind) == [.first, .retry])
    harness.advance(by: .milliseconds(100))
    #expect(harness.attempts.count == 2 && harness.answers.isEmpty)
    harness.answer(late)
    if late == 503 {
      #expect(harness.answers.isEmpty)
      harness.answer(200)
      #expect(harness.answers.map(\.status) == [200])
    } else {
      #expect(harness.answers.map(\.status) == [late])
    }
    #expect(harness.attempts.isEmpty && harness.timers.isEmpty && harness.complaints == [])
  }

  /// Goal: a retry that fails while the slow first try is under way waits for it when no retry is left.
  @Test func slowFirstTrySaves() {
    var harness = harness(
      HedgeDescription(after: .perTryTimeout), profile: .envoy,
      retry: RetryDescription(on: ["5xx"], attempts: 1, perTryTimeout: .milliseconds(20), backoff: atOnce))
    harness.request()
    harness.advance(by: .milliseconds(20))
    harness.answer(503, leavingOut: 1)
    #expect(harness.answers.isEmpty)
    harness.answer(200)
    #expect(harness.answers.map(\.status) == [200] && harness.complaints == [])
  }

  /// Goal: the route's timeout, and a caller that gives up, end all tries.
  @Test(arguments: [false, true]) func endsOfAll(isAbandoned: Bool) {
    var harness = harness(timeout: .milliseconds(50))
    let caller = harness.request()
    harness.advance(by: .milliseconds(10))
    if isAbandoned { harness.abandon(caller) } else { harness.advance(by: .milliseconds(40)) }
    #expect(harness.answers.map(\.status) == (isAbandoned ? [] : [504]))
    #expect(harness.attempts.isEmpty && harness.timers.isEmpty && harness.complaints == [])
    #expect(harness.plane.openRequests == 0)
  }

  /// Goal: hedges are at most the share of requests that their budget allows, however slow everything is.
  @Test func budget() {
    var hedge = Self.soon
    hedge.maxExtraLoad = 0.05
    var harness = harness(hedge)
    var hedges = 0
    for _ in 0..<1_000 {
      harness.request()
      harness.advance(by: .milliseconds(10))
      hedges += harness.attempts.count - 1
      harness.answer(200)
    }
    // What was deposited within ten seconds, all of them here: each twentieth request pays for one.
    #expect(hedges <= 50 && hedges >= 45)
    #expect(harness.complaints == [])
  }

  /// Goal: a mirror's copies are the share asked for, end by themselves, and change nothing that the caller hears.
  @Test func mirrors() {
    var plain = Harness(balancer: "random")
    var mirrored = Harness(balancer: "random", mirrors: [MirrorDescription(cluster: 0, percent: 25)])
    plain.list([0, 1, 2])
    mirrored.list([0, 1, 2])
    var copies = 0
    for number in 0..<2_000 {
      plain.request()
      mirrored.request()
      #expect(plain.attempts[0].start.endpoint == mirrored.attempts[0].start.endpoint)
      let status: Int16 = number % 3 == 0 ? 503 : 200
      plain.answer(status)
      mirrored.answer(status)
      if !mirrored.attempts.isEmpty {
        copies += 1
        #expect(mirrored.attempts[0].start.kind == .mirror)
        mirrored.answer(500)
      }
    }
    #expect(plain.answers.map(\.status) == mirrored.answers.map(\.status))
    #expect(abs(Double(copies) / 2_000 - 0.25) < 0.04)
    #expect(mirrored.complaints == [] && mirrored.plane.openAttempts == 0)
  }
}
