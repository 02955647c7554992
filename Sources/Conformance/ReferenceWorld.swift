// A small world in the real simulator: one client, one service, one policy, for vectors that tell what such a system does.

import LoadBalancing
import MeshCore
import Simulation
import TestVectors

/// One client's requests to one service, and what is made of them.
struct ReferenceWorld {
  var service: ServiceDescription
  var client: ClientDescription
  var faults: [FaultDescription] = []
  var links: [LinkDescription] = []
  var cluster: ClusterDescription
  var timeout: TimeSpan?
  var run = RunDescription(drain: .seconds(600))

  /// A service of `replicas` replicas with one worker each, behind a policy.
  init(
    replicas: Int, time: DistributionDescription, arrivals: ArrivalDescription, balancer: String,
    _ parameters: [(name: String, value: ParameterValue)] = []
  ) throws {
    guard let policy = PolicyRegistry.policy(named: balancer) else {
      throw VectorError(description: "no policy \(balancer)")
    }
    service = ServiceDescription(
      name: "web", replicas: (0..<replicas).map { ReplicaDescription(name: "web-\($0)") }, time: time)
    client = ClientDescription(name: "users", target: "web", arrivals: arrivals)
    let choice = PolicyChoice(name: balancer, parameters: PolicyParameters(policy.parameters, given: parameters))
    cluster = ClusterDescription(name: "web", service: "web", balancer: choice)
  }

  /// Runs it.
  func simulate(seed: UInt64 = 1) throws -> ReplicationResult {
    let world = WorldDescription(services: [service], clients: [client], links: links, faults: faults)
    let route = RouteDescription(
      match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)], timeout: timeout)
    let mesh = MeshDescription(clusters: [cluster], routes: [route])
    do {
      return try Replication(world: world, mesh: mesh, run: run, seed: seed, number: 0).simulate()
    } catch {
      throw VectorError(description: "not to be simulated: \(error)")
    }
  }
}
