// What is told of a request and of a moment, in worlds whose course is known.

import LoadBalancing
import MeshCore
import Testing

@testable import Simulation

@Suite("explanations")
struct ExplanationTests {
  private let atOnce = RetryBackoffDescription(base: .zero, maximum: .zero)

  // Goal: a failing try, the reason of its retry, and the retry's answer are told with their times, and each choice with what was in
  // flight at its endpoints right before.
  @Test func retriedRequest() throws {
    var scene = Scene(service("web", replicas: 2))
    scene.mesh.routes[0].retry = RetryDescription(on: ["5xx"], backoff: atOnce)
    scene.fault(.errors([FaultTarget(service: 0, replicas: [0])], rate: 1, status: 503, time: nil), at: 0)
    scene.client(at: [0, 1, 2, 3, 100, 200])
    let explanations = try (0..<6 as Range<UInt64>).compactMap {
      try scene.replication.explain(.request(client: 0, number: $0))
    }
    let failing = try #require(
      explanations.first { $0.steps.contains { $0.words == "retry 1: cluster web, endpoint web-1" } })
    let words = failing.steps.map(\.words)
    #expect(words.contains("web-0 answers 503 after 18.000 ms"))
    #expect(
      words.contains("a retry: 503 counts, one is left, and there is room and budget (0 of 1 retries made)"))
    #expect(words.contains("retry 1: cluster web, endpoint web-1"))
    #expect(words.last?.hasPrefix("the caller hears 200 after ") == true)
    let first = try #require(failing.steps.first { $0.words.hasPrefix("first try") })
    #expect(first.endpoints.map(\.name) == ["web-0", "web-1"] && first.endpoints[0].isChosen)
  }

  // Goal: a refused connection, a reset, one that does not open in time and a try that takes too long are told with what they mean for
  // the retry, as answers are.
  @Test func brokenTries() throws {
    func story(_ on: [String], _ change: (inout Scene) -> Void) throws -> [String] {
      var scene = Scene(service("web", replicas: 2, time: ms(20)))
      scene.mesh.routes[0].retry = RetryDescription(on: on, backoff: atOnce)
      scene.client(at: [0, 100, 200])
      scene.link(delay: 1)
      change(&scene)
      let replication = scene.replication
      let stories = try (0..<3 as Range<UInt64>).compactMap { try replication.explain(.request(client: 0, number: $0)) }
      let broken = stories.first { $0.steps.contains { $0.words.contains("retr") } }
      return (broken?.steps ?? []).map(\.words).filter { $0.contains("retr") || $0.contains("broken") }
    }
    let first = [FaultTarget(service: 0, replicas: [0])]
    #expect(
      try story(["connect-failure"]) { $0.fault(.crash(first), at: 0) } == [
        "the attempt at web-0 is broken after 2.000 ms: the connection was refused",
        "a retry: a refused connection counts, one is left, and there is room and budget (0 of 1 retries made)",
        "retry 1: cluster web, endpoint web-1",
      ])
    #expect(
      try story(["retriable-4xx"]) { $0.fault(.crash(first), at: 10) }.prefix(2) == [
        "the attempt at web-0 is broken after 11.000 ms: it was reset",
        "no retry: a reset is not among what is retried (0 of 1 retries made)",
      ])
    let apart = try story(["connect-failure"]) { scene in
      scene.mesh.clusters[0].connectTimeout = span(40)
      scene.fault(.partition(from: .client(0), to: .replica(service: 0, number: 0)), at: 0)
    }
    #expect(
      apart.prefix(2) == [
        "the attempt at web-0 is broken after 40.000 ms: the connection did not open in time",
        "a retry: a connection that does not open in time counts, one is left, and there is room and budget (0 of 1 retries made)",
      ])
    let slow = try story(["5xx"]) { scene in
      scene.mesh.routes[0].retry?.perTryTimeout = span(5)
    }
    #expect(
      slow.first
        == "a retry: a try that took too long counts, one is left, and there is room and budget (0 of 1 retries made)")
    #expect(slow.last == "no retry: none is left (1 of 1 retries made)")
    let full = try story(["5xx"]) { scene in
      scene.mesh.clusters[0].circuitBreaker.maxRequests = 0
    }
    #expect(
      full == [
        "the attempt at web-0 is broken after 2.000 ms: the circuit breaker has no room for it",
        "no retry: an overflow is not among what is retried (0 of 1 retries made)",
      ])
  }

  // Goal: Finagle's pair is marked too, also of a retry whose first try has just shut an endpoint out.
  @Test func choiceOfTwoAfterAnEjection() throws {
    var scene = Scene(service("web", replicas: 5))
    scene.mesh.clusters[0].balancer = PolicyChoice(
      name: "leastRequest",
      parameters: PolicyParameters(
        PolicyRegistry.policy(named: "leastRequest")?.parameters ?? [], given: [("maxEffort", .integer(4))]))
    scene.mesh.clusters[0].failsFast = true
    scene.mesh.routes[0].retry = RetryDescription(on: ["connect-failure"], attempts: 3, backoff: atOnce)
    scene.fault(.crash([FaultTarget(service: 0, replicas: [0, 1])]), at: 0)
    scene.client(at: (0..<20).map { Double($0) })
    scene.link(delay: 1)
    var retries = 0
    for number in 0..<20 as Range<UInt64> {
      let explanation = try #require(try scene.replication.explain(.request(client: 0, number: number)))
      for choice in explanation.steps where !choice.endpoints.isEmpty {
        #expect(choice.endpoints.filter(\.isDrawn).count == 2)
        #expect(choice.endpoints.contains { $0.isDrawn && $0.isChosen })
        retries += choice.words.hasPrefix("retry") ? 1 : 0
      }
    }
    #expect(retries > 0)
  }

  // Goal: of many endpoints those in flight are told as a count by hand says, the pair that was drawn is marked, and the one chosen is
  // the pair's less busy.
  @Test func choiceOfTwo() throws {
    var scene = Scene(service("web", replicas: 5, time: ms(1000)), balancer: "leastRequest")
    scene.client(at: (0..<12).map { Double($0) })
    let explanation = try #require(try scene.replication.explain(.request(client: 0, number: 11)))
    let choice = try #require(explanation.steps.first { !$0.endpoints.isEmpty })
    #expect(choice.endpoints.map(\.inFlight).reduce(0, +) == 11)
    let drawn = choice.endpoints.filter(\.isDrawn)
    #expect(drawn.count == 2)
    let chosen = try #require(drawn.first { $0.isChosen })
    #expect(drawn.allSatisfy { $0.inFlight >= chosen.inFlight })
  }

  // Goal: who is shut out is told with the reason, at a moment and at a choice.
  @Test func shutOut() throws {
    var scene = Scene(service("web", replicas: 2))
    scene.mesh.clusters[0].failureAccrual = .consecutive(
      ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(5)))
    scene.fault(.errors([FaultTarget(service: 0, replicas: [0])], rate: 1, status: 500, time: nil), at: 0)
    scene.client(at: [0, 1, 100, 200])
    let moment = try #require(try scene.replication.explain(.moment(instant(150))))
    #expect(moment.steps.count == 1 && moment.steps[0].endpoints[0].reasons == ["failure accrual"])
    #expect(moment.steps[0].endpoints[1].reasons == [])
    let request = try #require(try scene.replication.explain(.request(client: 0, number: 3)))
    let choice = try #require(request.steps.first { !$0.endpoints.isEmpty })
    #expect(choice.endpoints[0].reasons == ["failure accrual"] && choice.endpoints[1].isChosen)
  }

  // Goal: what never comes is nil, and an answer that is no endpoint's is told as one.
  @Test func endsOfStories() throws {
    var scene = Scene(service("web", replicas: 1))
    scene.client(at: [0, 10])
    #expect(try scene.replication.explain(.request(client: 0, number: 2)) == nil)
    #expect(try scene.replication.explain(.moment(instant(60_000))) == nil)
    scene.mesh.routes[0].timeout = span(3)
    let late = try #require(try scene.replication.explain(.request(client: 0, number: 1)))
    #expect(
      late.steps.map(\.words).suffix(3) == [
        "the attempt's time is over", "the attempt at web-0 is given up",
        "the caller hears 504 after 3.000 ms: it took too long",
      ])
  }

  // Goal: being watched changes nothing: the run that is explained is the run.
  @Test func watchingChangesNothing() throws {
    var scene = Scene(service("web", replicas: 4), balancer: "peakEwma")
    scene.client(.poisson(rate: 300))
    scene.run.duration = .seconds(2)
    let plain = try scene.result()
    _ = try scene.replication.explain(.request(client: 0, number: 50))
    let again = try scene.result()
    #expect(plain.traceDigest == again.traceDigest)
    let told = try #require(try scene.replication.explain(.request(client: 0, number: 500)))
    let twice = try #require(try scene.replication.explain(.request(client: 0, number: 500)))
    #expect(told == twice && told.steps.count >= 4)
  }
}
