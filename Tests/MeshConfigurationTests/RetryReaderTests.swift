// Retries as a route says them.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading retries")
struct RetryReaderTests {
  private func read(_ retry: String, profile: String = "weir") -> (retry: RetryDescription?, faults: [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{profile: \(profile), clusters: {web: {}}, routes: [{match: web, retry: \(retry)}]}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.routes.first?.retry, log.diagnostics?.lines ?? [])
  }

  // Goal: what is not said is what the guide says: one retry on 5xx, Envoy's pauses, no budget, no predicate.
  @Test func defaults() throws {
    let (retry, faults) = read("{}")
    #expect(faults == [])
    #expect(try #require(retry) == RetryDescription(on: ["5xx"]))
  }

  // Goal: every field arrives.
  @Test func everyField() throws {
    let (retry, faults) = read(
      "{on: [gateway-error, 429, retriable-status-codes], retriableStatusCodes: [418], attempts: 3, perTryTimeout: 300ms, "
        + "backoff: {base: 10ms, max: 40ms, jitter: 50%}, budget: {ratio: 0.1, minPerSecond: 5, ttl: 20s}, "
        + "rateLimitedRetryBackOff: {resetHeaders: [{name: Retry-After, format: seconds}], maxInterval: 90s}, "
        + "retryHostPredicate: [previousHosts], hostSelectionRetryMaxAttempts: 4, "
        + "retryPriority: {previousPriorities: {updateFrequency: 2}}}")
    #expect(faults == [])
    var expected = RetryDescription(
      on: ["gateway-error", "429", "retriable-status-codes"], retriableStatusCodes: [418], attempts: 3,
      perTryTimeout: .milliseconds(300), budget: RetryBudgetDescription(ratio: 0.1, minPerSecond: 5, ttl: .seconds(20)),
      hostSelectionRetries: 4)
    expected.priorityUpdateFrequency = 2
    expected.longestReset = .seconds(90)
    expected.backoff = RetryBackoffDescription(
      base: .milliseconds(10), maximum: .milliseconds(40), jitter: .added(ratio: 0.5))
    #expect(try #require(retry) == expected)
  }

  // Goal: what is wrong is told once, with what was expected.
  @Test(arguments: [
    ("{on: [sometimes]}", "unknown failure"), ("{on: [700]}", "unknown failure"),
    ("{retriableStatusCodes: [418]}", "retriable-status-codes"),
    ("{backoff: {base: 1s, max: 10ms}}", "below the first pause"),
    ("{budget: {ttl: 100ms}}", "1s to 60s"),
    ("{rateLimitedRetryBackOff: {resetHeaders: [{name: x-ratelimit-reset}]}}", "expected retry-after"),
    ("{rateLimitedRetryBackOff: {resetHeaders: [{name: retry-after, format: unixTimestamp}]}}", "expected seconds"),
  ]) func faults(_ retry: String, _ part: String) {
    let faults = read(retry).faults
    #expect(faults.count == 1 && faults.allSatisfy { $0.contains(part) }, "\(faults)")
  }

  // Goal: Istio's own retries are there without a word, with its predicate; attempts of 0 turn them off.
  @Test func profiles() throws {
    let istio = try #require(read("{}", profile: "istio").retry)
    #expect(istio.attempts == 2 && istio.on.first == "connect-failure" && istio.hostSelectionRetries == 5)
    #expect(read("{attempts: 0}", profile: "istio").retry?.attempts == 0)
    // What somebody leaves out of a retry is the profile's, down to pauses and budget.
    let finagle = try #require(read("{attempts: 5}", profile: "finagle").retry)
    #expect(finagle.attempts == 5 && finagle.backoff.base == .zero && finagle.budget == RetryBudgetDescription())
    let haproxy = read("{attempts: 5}", profile: "haproxy")
    #expect(haproxy.retry?.backoff.base == .seconds(1) && haproxy.retry?.backoff.jitter == .added(ratio: 0))
    let longer = read("{backoff: {base: 2s}}", profile: "haproxy")
    #expect(longer.faults == [] && longer.retry?.backoff.maximum == .seconds(2))
    #expect(read("{on: [connect-failure]}", profile: "linkerd").faults.first?.contains("Linkerd's") == true)
    let linkerd = try #require(read("{on: [5xx]}", profile: "linkerd").retry)
    #expect(linkerd.backoff.jitter == .added(ratio: 1))
  }
}
