// What is told of a request and of a moment, in worlds whose course is known.

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
