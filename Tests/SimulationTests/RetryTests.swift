// Requests that are tried again, in small worlds whose figures are known.

import MeshCore
import Testing

@testable import Simulation

@Suite("retries in a world")
struct RetryTests {
  private func scene(
    replicas: Int, _ retry: RetryDescription, timeout: TimeSpan? = nil, _ balancer: String = "roundRobin",
    change: (inout ServiceDescription) -> Void = { _ in }
  ) -> Scene {
    var scene = Scene(service("web", replicas: replicas, change), balancer: balancer)
    scene.mesh.routes[0].retry = retry
    scene.mesh.routes[0].timeout = timeout
    return scene
  }

  private let atOnce = RetryBackoffDescription(base: .zero, maximum: .zero)

  // Goal: a request that met a failing replica is answered by the next one, and takes as long as both.
  @Test func secondReplicaAnswers() throws {
    var scene = scene(replicas: 2, RetryDescription(on: ["5xx"], backoff: atOnce))
    scene.fault(.errors([FaultTarget(service: 0, replicas: [0])], rate: 1, status: 500, time: nil), at: 0)
    scene.client(at: [0, 100])
    let result = try scene.result()
    #expect(result.summary.successes == 2 && result.summary.retries >= 1)
    #expect(result.endpoint("web-1").successes == 2)
    #expect(result.summary.latencyMaximum == 20e6)
  }

  // Goal: with a share x of errors and up to three retries 1 − x⁴ succeed at a load of 1 + x + x² + x³ (Brooker's simulation,
  // row 17 of the published results).
  @Test func independentFailures() throws {
    var scene = scene(
      replicas: 1, RetryDescription(on: ["5xx"], attempts: 3, backoff: atOnce),
      change: { service in
        service.errorRate = 0.3
        service.discipline = .infinite
      })
    scene.client(.constant(rate: 2_000))
    let result = try scene.result()
    let requests = Double(result.summary.requests)
    #expect(abs(Double(result.summary.successes) / requests - (1 - 0.0081)) < 0.003)
    #expect(abs(1 + Double(result.summary.retries) / requests - 1.417) < 0.015)
  }

  // Goal: a retry draws its own demand, or with `attemptDemand: same` has that of the first try again.
  @Test(arguments: [false, true]) func demands(isSame: Bool) throws {
    var scene = scene(
      replicas: 1, RetryDescription(on: ["5xx"], backoff: atOnce),
      change: { service in
        service.errorRate = 1
        service.time = .exponential(mean: 10e6)
      })
    scene.run.repeatsDemand = isSame
    scene.requests(at: 0)
    let both = try scene.result().milliseconds[0]
    scene.mesh.routes[0].retry = nil
    let one = try scene.result().milliseconds[0]
    #expect(isSame == (abs(both - 2 * one) < 1e-6))
  }

  // Goal: always failing, 100 requests/s leave about 20 + 10 retries a second to tower's and Finagle's default budget (row 22 of the
  // published results), and no more than its reserve to a Linkerd profile's, whose requests pay when they succeed.
  @Test(arguments: [(MeshProfile.weir, 30.0), (.finagle, 30.0), (.linkerd, 9.1)])
  func budgets(_ profile: MeshProfile, _ expected: Double) throws {
    var scene = scene(
      replicas: 1, RetryDescription(on: ["5xx"], attempts: 1, backoff: atOnce, budget: RetryBudgetDescription()),
      change: { service in
        service.errorRate = 1
        service.discipline = .infinite
      })
    scene.mesh.profile = profile
    scene.run.duration = .seconds(110)
    scene.client(.constant(rate: 100))
    let perSecond = Double(try scene.result().summary.retries) / 110
    #expect(abs(perSecond - expected) < 0.12 * expected, "\(perSecond)")
  }

  // Goal: a replica that hangs costs one try's timeout, and no more is open at the end than hangs.
  @Test func perTryTimeout() throws {
    var scene = scene(
      replicas: 2, RetryDescription(on: ["5xx"], perTryTimeout: span(50), backoff: atOnce), timeout: .seconds(1))
    scene.fault(.hang([FaultTarget(service: 0, replicas: [0])]), at: 0)
    scene.client(at: [0, 200, 400])
    let result = try scene.result()
    #expect(result.summary.successes == 3 && result.summary.unanswered == 0)
    #expect(result.summary.latencyMaximum == 60e6)
  }

  // Goal: a request that was being served when its try's time was up is not one that no worker ever had.
  @Test func servedOnceIsNotRejected() throws {
    var scene = scene(
      replicas: 1, RetryDescription(on: ["5xx"], perTryTimeout: span(5), backoff: atOnce),
      change: { service in
        service.queueLimit = 0
      })
    scene.client(at: [0])
    let result = try scene.result()
    #expect(result.summary.failures == 1 && result.summary.rejected == 0)
  }

  // Goal: a crash's reset and its refusals are tried again where they count.
  @Test func crash() throws {
    var scene = scene(replicas: 2, RetryDescription(on: ["connect-failure", "reset"], backoff: atOnce))
    scene.fault(.crash([FaultTarget(service: 0, replicas: [0])]), at: 5)
    scene.client(at: [0, 100, 200, 300])
    let result = try scene.result()
    #expect(result.summary.successes == 4 && result.summary.failures == 0 && result.summary.retries >= 1)
  }

  // Goal: a service's calls are tried again as well, and only clients' own retries count as the client's.
  @Test func callsOfReplicas() throws {
    var front = service("front")
    front.calls = [[CallDescription(target: "web", count: 1)]]
    var scene = Scene(front, service("web", replicas: 2))
    scene.mesh.routes[1].retry = RetryDescription(on: ["5xx"], backoff: atOnce)
    scene.fault(.errors([FaultTarget(service: 1, replicas: [0])], rate: 1, status: 500, time: nil), at: 0)
    scene.client(at: [0, 100])
    let result = try scene.result()
    #expect(result.summary.successes == 2 && result.summary.retries == 0)
    #expect(result.endpoint("web-1").successes == 2)
  }
}
