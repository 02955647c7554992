import FaultDetection
import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// Goal: who lets no connection be opened is left alone, and tried in the background until one stands.
@Suite struct FailFastTests {
  private func trial(_ harness: inout Harness, _ failure: TransportFailure?) {
    guard let probe = harness.probes.popLast()?.probe else {
      Issue.record("no trial")
      return
    }
    harness.tell(failure.map { .probeFailed(probe, $0) } ?? .healthAnswered(probe, HealthAnswer(status: 200)))
  }

  // Goal: a refused connection and one that does not open in time shut out; a reset and an answer of 503 do not.
  @Test(arguments: [TransportFailure.refused, .connectTimeout, .reset, .overflow])
  func whatCounts(_ failure: TransportFailure) {
    var harness = Harness(failsFast: true)
    harness.list([1, 2, 3])
    harness.request()
    harness.answer(503)
    harness.request()
    harness.breakAttempt(failure)
    let counts = failure == .refused || failure == .connectTimeout
    #expect(harness.available == (counts ? 2 : 3))
    #expect(harness.notices.first?.reason == (counts ? .connectFailed(failure, trialIn: .seconds(1)) : nil))
    #expect(harness.complaints.isEmpty, "\(harness.complaints)")
  }

  // Goal: trials are connections, the first one after a second; a refused one and one beyond the connect timeout fail; one that stands
  // lets the endpoint in. Nothing is left over.
  @Test func trials() {
    var harness = Harness(failsFast: true)
    harness.list([1, 2])
    harness.request()
    harness.breakAttempt(.refused)
    let victim = harness.notices[0].endpoint
    for _ in 0..<5 {
      harness.request()
      #expect(harness.lastEndpoint != victim.number)
      harness.answer()
    }
    #expect(harness.probes.isEmpty)
    harness.advance(by: .seconds(1))
    #expect(harness.probes.count == 1 && harness.probes[0].kind == .connection && harness.probes[0].endpoint == victim)
    trial(&harness, .refused)
    harness.advance(by: .seconds(33))
    #expect(harness.probes.count <= 1 && harness.available == 1)
    // Nobody answers: the connect timeout of 5 s ends trials.
    harness.advance(by: .seconds(40))
    let failures = harness.notices.filter { $0.kind == .probeFailed }
    #expect(failures.count >= 2)
    guard case .trialFailed(.connectTimeout, _)? = failures.last?.reason else {
      Issue.record("\(failures)")
      return
    }
    while harness.probes.isEmpty { harness.advance(by: .milliseconds(100)) }
    trial(&harness, nil)
    #expect(harness.available == 2 && harness.notices.last?.reason == .connectionStands)
    #expect(harness.timers.isEmpty && harness.probes.isEmpty && harness.complaints.isEmpty, "\(harness.complaints)")
  }

  // Goal: who is chosen for want of a better one fails at once, without an attempt, and failure accrual hears of it.
  @Test func failsFast() {
    let accrual = FinagleAccrualDescription(consecutiveFailures: 3, successRate: nil)
    var harness = Harness(
      balancer: "leastRequest", profile: .finagle, parameters: [("maxEffort", .integer(2))],
      failureAccrual: .finagle(accrual), failsFast: true)
    harness.list([1, 2])
    while harness.available > 0 {
      harness.request()
      harness.breakAttempt(.refused)
    }
    #expect(harness.answers.count == 2)
    for _ in 0..<20 { harness.request() }
    #expect(harness.attempts.isEmpty && harness.answers.count == 22)
    #expect(harness.answers.suffix(20).allSatisfy { $0.status == 503 && $0.cause == .noEndpoint })
    let dead = harness.notices.filter {
      if case .consecutiveFailures = $0.reason { true } else { false }
    }
    #expect(dead.count == 2)
    // One that can be reached again is still dead to failure accrual, and as such it is still sent to.
    harness.advance(by: .seconds(1))
    while !harness.probes.isEmpty { trial(&harness, nil) }
    #expect(harness.available == 0)
    harness.request()
    #expect(harness.attempts.count == 1 && harness.complaints.isEmpty, "\(harness.complaints)")
  }

  // Goal: a retry that is sent to one that is down fails at once too.
  @Test func retries() {
    var harness = Harness(
      balancer: "leastRequest", profile: .finagle, parameters: [("maxEffort", .integer(0))],
      retry: RetryDescription(on: ["connect-failure"], attempts: 5), failsFast: true)
    harness.list([1, 2])
    harness.request()
    while !harness.attempts.isEmpty {
      harness.breakAttempt(.refused)
      harness.advance(by: .milliseconds(300))
    }
    #expect(harness.answers.map(\.status) == [503] && harness.answers.map(\.cause) == [.noEndpoint])
    #expect(harness.complaints.isEmpty, "\(harness.complaints)")
  }

  // Goal: an endpoint that is alone is never left alone.
  @Test func sole() {
    var harness = Harness(failsFast: true)
    harness.list([1])
    for _ in 0..<3 {
      harness.request()
      harness.breakAttempt(.refused)
    }
    #expect(harness.available == 1 && harness.timers.isEmpty && harness.notices.isEmpty)
  }

  // Goal: who leaves is tried no more, while it waits and while it is tried; who comes back is new.
  @Test(arguments: [500, 1500]) func leaves(_ milliseconds: Int64) {
    var harness = Harness(failsFast: true)
    harness.list([1, 2])
    harness.request()
    harness.breakAttempt(.refused)
    let victim = harness.notices[0].endpoint.number
    harness.advance(by: .milliseconds(milliseconds))
    #expect(harness.probes.count == (milliseconds > 1000 ? 1 : 0))
    harness.list([3 - victim])
    #expect(harness.timers.isEmpty && harness.probes.isEmpty)
    harness.list([1, 2])
    #expect(harness.available == 2 && harness.complaints.isEmpty, "\(harness.complaints)")
  }

  // Goal: random refusals, trials, answers and listings beside an accrual leave nothing that does not fit.
  @Test func random() {
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = RandomStream(state: seed)
      var harness = Harness(
        balancer: "leastRequest", seed: seed, parameters: [("maxEffort", .integer(Int64(seed % 3)))],
        failureAccrual: seed % 2 == 0 ? .finagle(FinagleAccrualDescription()) : nil, failsFast: true)
      harness.list([1, 2, 3])
      for _ in 0..<400 {
        switch random.below(6) {
        case 0: harness.request()
        case 1: if !harness.attempts.isEmpty { harness.answer() }
        case 2: harness.breakAttempt(.refused)
        case 3: if !harness.probes.isEmpty { trial(&harness, random.below(2) == 0 ? .refused : nil) }
        case 4: harness.list((1...4).filter { _ in random.below(3) > 0 })
        default: harness.advance(by: .milliseconds(Int64(random.below(3000))))
        }
      }
      harness.list([])
      while !harness.attempts.isEmpty { harness.answer() }
      harness.advance(by: .seconds(1000))
      #expect(harness.timers.isEmpty && harness.probes.isEmpty && harness.complaints.isEmpty, "\(harness.complaints)")
    }
  }
}
