// Requests that are tried again, event by event, and a crowd of them at random.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("retries")
struct RetriesTests {
  private static let atOnce = RetryBackoffDescription(base: .zero, maximum: .zero)

  private func retry(
    on: [String] = ["5xx"], attempts: Int32 = 1, perTry: TimeSpan? = nil,
    backoff: RetryBackoffDescription = RetriesTests.atOnce, hostSelection: Int32 = 0,
    budget: RetryBudgetDescription? = nil
  ) -> RetryDescription {
    RetryDescription(
      on: on, attempts: attempts, perTryTimeout: perTry, backoff: backoff, budget: budget,
      hostSelectionRetries: hostSelection)
  }

  /// Goal: a failure that counts leads to another try, named as a retry with its number, and the caller hears of the last one alone.
  @Test func anotherTryAfterAFailure() {
    var harness = Harness(retry: retry(attempts: 2))
    harness.list([0, 1, 2])
    harness.request()
    harness.answer(503)
    #expect(harness.answers.isEmpty)
    harness.answer(500)
    #expect(harness.attempts.map(\.start.kind) == [.retry] && harness.attempts[0].start.number == 2)
    harness.answer(200)
    #expect(harness.answers.map(\.status) == [200] && harness.answers.map(\.cause) == [.endpoint])
    #expect(harness.complaints == [] && harness.plane.openRequests == 0)
  }

  /// Goal: what does not count is handed on at once, and when retries are used up, the last failure is the answer.
  @Test func whatDoesNotCountAndWhatIsLeft() {
    var harness = Harness(retry: retry(on: ["gateway-error"], attempts: 1))
    harness.list([0, 1])
    harness.request()
    harness.answer(500)
    #expect(harness.answers.map(\.status) == [500])
    harness.request()
    harness.answer(502)
    harness.answer(504)
    #expect(harness.answers.map(\.status) == [500, 504])
    #expect(harness.complaints == [])
  }

  /// Goal: broken attempts count by what broke them.
  @Test func brokenAttempts() {
    for (failure, statuses) in [(TransportFailure.refused, [200]), (.connectTimeout, [200]), (.reset, [503])]
      as [(TransportFailure, [Int16])]
    {
      var harness = Harness(retry: retry(on: ["connect-failure"]))
      harness.list([0, 1])
      harness.request()
      harness.breakAttempt(failure)
      if !harness.attempts.isEmpty { harness.answer(200) }
      #expect(harness.answers.map(\.status) == statuses)
      #expect(harness.complaints == [])
    }
  }

  /// Goal: pauses are drawn below 25, 50, 100 ms … (Envoy), and the request waits for them with nothing under way.
  @Test func pauses() {
    var longest: [Int64] = [0, 0, 0]
    for seed in 0..<200 as Range<UInt64> {
      var harness = Harness(seed: seed, retry: retry(attempts: 3, backoff: RetryBackoffDescription()))
      harness.wanted = seed << 8
      harness.list([0])
      harness.request()
      for number in 0..<3 {
        harness.answer(500)
        // A pause of whole milliseconds may be none at all.
        #expect(harness.attempts.count + harness.timers.count == 1)
        let wait = harness.timers.first.map { ($0.deadline - harness.now).nanoseconds } ?? 0
        longest[number] = max(longest[number], wait)
        harness.advance(by: .milliseconds(250))
        #expect(harness.attempts.count == 1)
      }
      harness.answer(200)
      #expect(harness.complaints == [])
    }
    for (number, bound) in [25_000_000, 50_000_000, 100_000_000].enumerated() as EnumeratedSequence<[Int64]> {
      #expect(longest[number] < bound && longest[number] > bound * 9 / 10)
    }
  }

  /// Goal: one try's time is over: it is cancelled and made again; at the last one the caller gets 504.
  @Test func perTryTimeout() {
    var harness = Harness(timeout: .seconds(10), retry: retry(perTry: .milliseconds(100)))
    harness.list([0, 1])
    harness.request()
    harness.advance(by: .milliseconds(100))
    #expect(harness.attempts.count == 1 && harness.attempts[0].start.kind == .retry && harness.answers.isEmpty)
    harness.advance(by: .milliseconds(100))
    #expect(harness.answers.map(\.status) == [504] && harness.timers.isEmpty && harness.attempts.isEmpty)
    #expect(harness.complaints == [])
  }

  /// Goal: the route's timeout ends all of it, in a try and in a pause.
  @Test func routeTimeout() {
    for isPausing in [false, true] {
      var harness = Harness(
        timeout: .milliseconds(1),
        retry: retry(backoff: RetryBackoffDescription(base: .seconds(9), maximum: .seconds(9))))
      harness.list([0, 1])
      harness.request()
      if isPausing { harness.answer(500) }
      harness.advance(by: .milliseconds(1))
      #expect(harness.answers.map(\.status) == [504] && harness.answers.map(\.cause) == [.routeTimeout])
      #expect(harness.timers.isEmpty && harness.attempts.isEmpty && harness.complaints == [])
    }
  }

  /// Goal: who gives up leaves nothing behind, in a try and in a pause.
  @Test func abandoned() {
    for isPausing in [false, true] {
      var harness = Harness(
        timeout: .seconds(1), retry: retry(backoff: RetryBackoffDescription(base: .seconds(9), maximum: .seconds(9))))
      harness.list([0, 1])
      let caller = harness.request()
      if isPausing { harness.answer(500) }
      harness.abandon(caller)
      #expect(harness.timers.isEmpty && harness.attempts.isEmpty && harness.complaints == [])
    }
  }

  /// Goal: with the predicate a retry goes on from where the request has been: never twice to the same of two under round robin, nor
  /// under a hash, whose next choice is the ring's next point; without it a key comes back to its endpoint.
  @Test func previousHosts() {
    for balancer in ["roundRobin", "ringHash", "maglev", "random"] {
      var same = 0
      var sameWithout = 0
      for key in 0..<100 as Range<UInt64> {
        for attempts in [0, 20] as [Int32] {
          var harness = Harness(balancer: balancer, seed: key, retry: retry(hostSelection: attempts))
          harness.wanted = key << 8
          harness.list([0, 1, 2])
          harness.request(key: mix64(key))
          let first = harness.lastEndpoint
          harness.answer(500)
          if harness.lastEndpoint == first { if attempts > 0 { same += 1 } else { sameWithout += 1 } }
          #expect(harness.complaints == [])
        }
      }
      #expect(same == 0)
      #expect(balancer == "roundRobin" ? sameWithout == 0 : sameWithout > 20)
    }
  }

  /// Goal: the last choice stands though it is rejected: with one endpoint a retry goes there again.
  @Test func lastChoiceStands() {
    var harness = Harness(retry: retry(hostSelection: 3))
    harness.list([7])
    harness.request()
    harness.answer(500)
    #expect(harness.lastEndpoint == 7)
    harness.answer(200)
    #expect(harness.complaints == [])
  }

  /// Goal: nobody to try again at answers 503 of the proxy's own.
  @Test func nobodyLeft() {
    var harness = Harness(retry: retry(backoff: RetryBackoffDescription(base: .seconds(1), maximum: .seconds(1))))
    harness.list([0])
    harness.request()
    harness.answer(500)
    harness.list([])
    harness.advance(by: .seconds(1))
    #expect(harness.answers.map(\.status) == [503] && harness.answers.map(\.cause) == [.noEndpoint])
    #expect(harness.complaints == [])
  }

  /// Goal: Linkerd's last try has no timeout of its own, and a retry that finds nobody is answered as the try before.
  @Test func linkerd() {
    var slow = Harness(profile: .linkerd, retry: retry(perTry: .milliseconds(100)))
    slow.list([0, 1])
    slow.request()
    slow.advance(by: .milliseconds(100))
    #expect(slow.attempts.map(\.start.kind) == [.retry] && slow.timers.isEmpty)
    slow.answer(200)
    #expect(slow.answers.map(\.status) == [200] && slow.complaints == [])
    let pause = RetryBackoffDescription(base: .seconds(1), maximum: .seconds(1))
    var alone = Harness(profile: .linkerd, retry: retry(backoff: pause))
    alone.list([0])
    alone.request()
    alone.answer(500)
    alone.list([])
    alone.advance(by: .seconds(2))
    #expect(alone.answers.map(\.status) == [500] && alone.complaints == [])
  }

  /// Goal: a cluster's room for retries counts those that pause; who finds it full is answered with its failure.
  @Test func roomForRetries() {
    let slow = RetryBackoffDescription(base: .seconds(9), maximum: .seconds(9))
    var harness = Harness(retry: retry(backoff: slow), maxRetries: 2)
    harness.list([0, 1])
    for _ in 0..<3 { harness.request() }
    for _ in 0..<3 { harness.answer(500) }
    // Two pauses, and the time until people are told that nobody is refused any more.
    #expect(harness.answers.map(\.status) == [500] && harness.timers.count == 3)
    harness.advance(by: .seconds(9))
    for _ in 0..<2 { harness.answer(200) }
    harness.request()
    harness.answer(500)
    #expect(harness.answers.count == 3 && harness.timers.count == 1)
    #expect(harness.complaints == [])
  }

  /// Goal: retries leave out the priorities that were tried, from the try on that the frequency says, and forget when none is left.
  @Test(arguments: [(1 as Int32, [0, 1, 2, 0, 1]), (2, [0, 0, 1, 1, 2])] as [(Int32, [Int32])])
  func previousPriorities(frequency: Int32, expected: [Int32]) {
    var rules = retry(attempts: 4)
    rules.priorityUpdateFrequency = frequency
    var harness = Harness(layers: LayersDescription(), retry: rules)
    harness.listAs((0..<6).map { EndpointDescription(identity: EndpointIdentity($0), priority: $0 / 2) })
    for _ in 0..<20 {
      harness.request()
      var priorities: [Int32] = []
      while let attempt = harness.attempts.first {
        priorities.append(attempt.start.endpoint.number / 2)
        harness.answer(503)
      }
      #expect(priorities == expected)
    }
    #expect(harness.complaints == [] && harness.plane.openRequests == 0)
  }

  /// Goal: without layers there is one priority, and retries find their endpoint there.
  @Test func previousPrioritiesWithoutLayers() {
    var rules = retry(attempts: 2)
    rules.priorityUpdateFrequency = 1
    var harness = Harness(retry: rules)
    harness.list([0, 1])
    harness.request()
    harness.answer(503)
    harness.answer(503)
    harness.answer(200)
    #expect(harness.answers.map(\.status) == [200] && harness.complaints == [])
  }

  /// Goal: whatever happens in whatever order, requests are answered once and nothing is left (the harness keeps the accounts).
  @Test(arguments: 0..<20 as Range<UInt64>) func crowd(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let description = RetryDescription(
      on: ["5xx"], attempts: Int32(random.below(4)) + 1, perTryTimeout: random.below(2) == 0 ? nil : .milliseconds(30),
      backoff: random.below(2) == 0 ? Self.atOnce : RetryBackoffDescription(),
      hostSelectionRetries: Int32(random.below(3)))
    let triggers: [HedgeDescription.Trigger?] = [nil, .delay(.milliseconds(5)), .quantile(0.9), .perTryTimeout]
    let hedge = triggers[random.below(4)].map {
      HedgeDescription(
        after: $0, maxExtraLoad: random.below(2) == 0 ? nil : 0.5, maxAttempts: Int32(2 + random.below(4)),
        nonFatalStatusCodes: random.below(2) == 0 ? nil : [503])
    }
    var harness = Harness(
      timeout: random.below(2) == 0 ? nil : .milliseconds(100),
      accrual: ConsecutiveAccrualDescription(maxFailures: 3, minPenalty: .milliseconds(50), maxPenalty: .seconds(1)),
      balancer: ["roundRobin", "leastRequest", "ringHash"][random.below(3)], seed: seed, retry: description,
      maxRetries: random.below(2) == 0 ? nil : 3, hedge: hedge,
      mirrors: random.below(2) == 0 ? [] : [MirrorDescription(cluster: 0, percent: 30)])
    harness.list([0, 1, 2])
    for _ in 0..<2_000 {
      let most = harness.open.count * (Int(description.attempts) + 1) * 5 + harness.plane.openCopies
      #expect(harness.attempts.count <= most)
      switch random.below(12) {
      case 0...3: harness.request(key: random.below(2) == 0 ? nil : random.next())
      case 4...6: if !harness.attempts.isEmpty { harness.answer(random.below(2) == 0 ? 200 : 503) }
      case 7: harness.breakAttempt([.refused, .reset, .connectTimeout][random.below(3)])
      case 8: if let caller = harness.open.keys.min() { harness.abandon(caller) }
      case 9: harness.list((0..<Int32(random.below(5))).map { $0 })
      default: harness.advance(by: .milliseconds(Int64(random.below(20))))
      }
    }
    harness.list([0])
    for _ in 0..<200 {
      while !harness.attempts.isEmpty { harness.answer(200) }
      harness.advance(by: .seconds(2))
    }
    #expect(harness.complaints == [] && harness.open.isEmpty)
    #expect(harness.plane.openRequests == 0 && harness.plane.openAttempts == 0)
  }
}
