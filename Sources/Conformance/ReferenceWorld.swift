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
  /// A service that the first one calls, if any.
  var leaf: ServiceDescription?
  var cluster: ClusterDescription
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
    let services = [service] + [leaf].compactMap { $0 }
    let world = WorldDescription(services: services, clients: [client], faults: faults)
    var clusters = [cluster]
    if let leaf {
      clusters.append(ClusterDescription(name: leaf.name, service: leaf.name, balancer: cluster.balancer))
    }
    let routes = clusters.indices.map { number in
      RouteDescription(match: RouteMatch(host: clusters[number].name), split: [WeightedCluster(cluster: number)])
    }
    let mesh = MeshDescription(clusters: clusters, routes: routes)
    // Nobody reads the time line.
    var run = run
    run.window = max(run.duration, .seconds(1))
    do {
      return try Replication(world: world, mesh: mesh, run: run, seed: seed, number: 0).simulate()
    } catch {
      throw VectorError(description: "not to be simulated: \(error)")
    }
  }
}
