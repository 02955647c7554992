// Scenarios and results made by hand, for tests that need no simulation.

import Experiments
import MeshCore
import Simulation

/// A web service with two replicas behind one client, in the given variants.
public func syntheticScenario(
  variants: [String] = ["roundRobin", "peakEwma"], replications: Int = 2, confidence: Double = 0.95,
  expectations: [Expectation] = []
) -> Scenario {
  let world = WorldDescription(
    services: [
      ServiceDescription(
        name: "backend", replicas: [ReplicaDescription(name: "backend-0"), ReplicaDescription(name: "backend-1")],
        time: .constant(1_000_000))
    ],
    clients: [ClientDescription(name: "users", target: "web", arrivals: .poisson(rate: 100))])
  let mesh = MeshDescription(
    clusters: [
      ClusterDescription(
        name: "web", service: "backend", balancer: PolicyChoice(name: "random", parameters: PolicyParameters([])))
    ],
    routes: [RouteDescription(match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)])])
  return Scenario(
    name: "synthetic", about: "Made by hand.", seed: 42, replications: replications, confidence: confidence,
    variants: variants.map { Variant(name: $0, world: world, mesh: mesh, run: RunDescription(duration: .seconds(10))) },
    expectations: expectations, digest: 0x0123_4567_89ab_cdef)
}

/// A result with the given latencies in milliseconds and plausible figures around them.
public func syntheticResult(replication: Int = 0, p99: Double? = 10, requests: Int64 = 1000, failures: Int64 = 10)
  -> ReplicationResult
{
  var summary = RequestStatistics()
  summary.requests = requests
  summary.successes = requests - failures
  summary.failures = failures
  summary.throughput = Double(requests) / 10
  summary.latencyP99 = p99.map { $0 * 1e6 }
  summary.retries = 25
  summary.hedges = 5
  summary.ejections = 3
  var first = EndpointStatistics(cluster: "web", endpoint: "backend-0")
  first.share = 0.25
  first.utilization = 0.5
  var second = EndpointStatistics(cluster: "web", endpoint: "backend-1")
  second.share = 0.75
  second.utilization = nil
  var service = ServiceStatistics(name: "backend")
  service.queueMean = 1.5
  var latency = LatencyHistogram()
  for value in 1...10 { latency.record(Int64(value * (replication + 1)) * 1_000_000) }
  return ReplicationResult(
    replication: replication, seed: 42, summary: summary, latency: latency, endpoints: [first, second], timeline: [],
    events: [], clients: [ClientStatistics(name: "users", statistics: summary)], services: [service],
    detectionTime: 2e9, simulated: .seconds(11), eventCount: 5000, traceDigest: 0xabc, notes: [])
}
