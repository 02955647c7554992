// Circuit breakers as a cluster says them.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading circuit breakers")
struct CircuitBreakerSchemaTests {
  private func read(_ breaker: String, profile: String = "weir") -> (CircuitBreakerDescription?, [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let own = breaker.isEmpty ? "" : "circuitBreaker: \(breaker)"
    let text = "{profile: \(profile), clusters: {web: {\(own)}}}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.clusters.first?.circuitBreaker, log.diagnostics?.lines ?? [])
  }

  // Goal: nothing is limited where nothing is said; Envoy's own limits are there without a word, and no other profile's.
  @Test(arguments: [
    ("weir", CircuitBreakerDescription()), ("envoy", .envoy), ("istio", CircuitBreakerDescription()),
    ("linkerd", CircuitBreakerDescription()), ("grpc", CircuitBreakerDescription()),
    ("finagle", CircuitBreakerDescription()), ("haproxy", CircuitBreakerDescription()),
  ]) func profiles(profile: String, expected: CircuitBreakerDescription) {
    let (breaker, faults) = read("", profile: profile)
    #expect(breaker == expected && faults == [])
  }

  // Goal: every field arrives, and Envoy's largest number is no limit.
  @Test func everyField() {
    let (breaker, faults) = read(
      "{maxConnections: 1, maxPendingRequests: 0, maxRequests: 3, maxRetries: 4294967295, "
        + "retryBudget: {budgetPercent: 25%, minRetryConcurrency: 7}}")
    #expect(faults == [])
    #expect(
      breaker
        == CircuitBreakerDescription(
          maxConnections: 1, maxPendingRequests: 0, maxRequests: 3,
          retryBudget: RetryShareDescription(budgetPercent: 25, minRetryConcurrency: 7)))
    let host = read("{perHostThresholds: {maxConnections: 2}}", profile: "envoy")
    #expect(host.0?.maxConnectionsPerHost == 2 && host.0?.maxConnections == 1024 && host.1 == [])
    #expect(read("{perHostThresholds: {maxConnections: 1}}").0?.countsConnections == true)
    #expect(read("{retryBudget: {}}").0?.retryBudget == RetryShareDescription())
    #expect(read("{maxConnections: 5}", profile: "envoy").0?.maxPendingRequests == 1024)
  }

  // Goal: what is no limit is told.
  @Test(arguments: [
    "{maxConnections: -1}", "{maxConnection: 1}", "{perHostThresholds: {}}", "{maxRequests: 4294967296}",
  ])
  func faults(breaker: String) { #expect(read(breaker).1.count == 1) }
}
